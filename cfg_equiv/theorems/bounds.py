r"""N1 and Q8: what is left is rounding, and its size is known before any number is rounded.

Python floats are IEEE doubles, so both run without torch: the shipped formulas on floats, on Fractions of the same
floats (the exact value) and on majorants (the bound).
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from, to_space
from cfg_equiv.rounding.apriori import (
    FLOATS,
    MAJORANT,
    MUTATION,
    Majorant,
    lattice,
    shares,
)
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Holds, Statement

ROUTES = ("v", "eps", "x0", "flow", "score")


def a_priori(g: Env, factor: float = 1) -> Iterator[Statement]:
    """A step in floats is within the a-priori bound of the exact value of its own inputs, for every row."""
    for where, share in shares(factor):
        yield Holds(where, share <= 1)


def _within(difference: Fraction, bound: float) -> bool:
    # An infinite bound says nothing, and so does not hold.
    return math.isfinite(bound) and abs(difference) <= Fraction(bound)


def _at(x: dict[str, float]) -> str:
    return "at " + ", ".join(f"{name}={x[name]:g}" for name in ("alpha_s", "sigma_s", "alpha_t", "sigma_t", "z", "w"))


def route(xp: Any, x: dict[str, Any], space: str, factor: Any = 1) -> Any:
    """A DDIM step of a v network, guided in ``space``: both branches converted, CFG there, then the step."""
    s, t = Point(x["alpha_s"], x["sigma_s"]), Point(x["alpha_t"] * factor, x["sigma_t"])
    cond, uncond = (to_space(xp, x["z"], x[name], s, "v", space) for name in ("cond", "uncond"))
    return step_from(xp, SAMPLERS["ddim_x0"], space, x["z"], cfg(cond, uncond, x["w"]), s, t)


def two_routes(g: Env, factor: float = 1) -> Iterator[Statement]:
    """One v network, guided in v or after conversion: the two floats differ by no more than their two bounds."""
    unequal = 0
    for x in lattice():
        exact = {name: Majorant.exact(value) for name, value in x.items()}
        bounds = {space: route(MAJORANT, exact, space).bound for space in ROUTES}
        got = {space: route(FLOATS, x, space, 1 if space == "v" else factor) for space in ROUTES}
        for space in ROUTES[1:]:
            difference = Fraction(got["v"]) - Fraction(got[space])
            unequal += difference != 0
            yield Holds(f"v against {space} {_at(x)}", _within(difference, bounds["v"] + bounds[space]))
    yield Holds("and they do differ: rounding is not nothing", unequal > 0)


TWIN = {"a coefficient off by 2^-40": {"factor": 1 + MUTATION}}

THEOREMS = (
    Theorem(
        "Q8",
        r"|\mathrm{fl}(\mathrm{step}_v) - \mathrm{fl}(\mathrm{step}_Q)| \le B_v + B_Q:"
        r"\ \text{what is left between the routes is rounding}",
        "the thread: 'the generations were slightly different'; derived here",
        "bound",
        (Part(two_routes, TWIN, arena="exact"),),
    ),
    Theorem(
        "N1",
        r"|\mathrm{fl}(\mathrm{step}) - \mathrm{step}| \le \gamma_k\,([S,T]_+(|u| + |w|(|c|+|u|)) + [T,P]_+|z|)/|[S,P]|"
        r" + \text{underflow}",
        "Higham, Accuracy and Stability of Numerical Algorithms, lemmas 3.1 and 3.3; derived here",
        "bound",
        (Part(a_priori, TWIN, arena="exact"),),
    ),
)
