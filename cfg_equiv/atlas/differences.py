r"""How two solvers that are nearly one differ: the leading term in ``h``, or what tells them apart where it is none."""

from collections.abc import Callable
from typing import Any

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.atlas.near_misses import NearMiss
from cfg_equiv.exact.element import ExactError
from cfg_equiv.theorems.alike import alike
from cfg_equiv.theorems.jet_model import Grid
from cfg_equiv.theorems.order import Difference


def near_miss(pair: NearMiss, difference: Callable[[str, str, Grid], Difference | None]) -> dict[str, Any]:
    """One pair, with the power of ``h`` at which a step of the two differs at any ratio of steps, and the leading term.

    Where the steps are the same, or their difference is not decided, the power is ``None``, and the text says what is
    the case.
    """
    power, latex, text = None, "", alike(SOLVERS[pair.first], SOLVERS[pair.second])
    if not text:
        try:
            gap = difference(pair.first, pair.second, "any_ratio")
        except ExactError as error:
            text = f"not decided: {error}"
        else:
            power, latex, text = (gap.power, gap.latex, gap.leading) if gap else (None, "", "no difference shows")
    return {
        "first": pair.first,
        "second": pair.second,
        "why": list(pair.why),
        "power": power,
        "latex": latex,
        "leading": text,
    }
