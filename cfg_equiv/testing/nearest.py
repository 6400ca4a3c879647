"""Where along a run an error is looked at: at the network calls whose level is about the scale of the data."""

import math
from collections.abc import Sequence

from cfg_equiv.algebra.points import Point

# One of so many calls in a row starts a step, in solvers of up to that many stages; the others show inner stages, whose
# own errors are larger. The smallest error of them is that of a step.
STAGES = 4
STRETCH = math.log(2)  # of kappa, to either side


def nearest(levels: Sequence[Point], kappa: float) -> int:
    r"""The number of the call with :math:`\sigma/\alpha` next to ``kappa``."""
    return min(range(len(levels)), key=lambda index: _distance(levels[index], kappa))


def about(levels: Sequence[Point], kappa: float) -> list[range]:
    r"""All rows of :data:`STAGES` calls with :math:`\sigma/\alpha` between half and twice ``kappa``.

    Where there are fewer such calls, the one row around the nearest call; fewer in it, if the run has fewer.
    """
    close = [k for k, at in enumerate(levels) if _distance(at, kappa) <= STRETCH]
    first, last = (close[0], close[-1]) if close else (nearest(levels, kappa),) * 2
    missing = max(STAGES - (last + 1 - first), 0)
    first = max(min(first - missing // 2, len(levels) - STAGES), 0)
    last = min(max(last, first + STAGES - 1), len(levels) - 1)
    return [range(k, min(k + STAGES, last + 1)) for k in range(first, max(last - STAGES + 2, first + 1))]


def _distance(at: Point, kappa: float) -> float:
    alpha, sigma = float(at.alpha), float(at.sigma)
    return abs(math.log(sigma / alpha / kappa)) if alpha > 0 and sigma > 0 else math.inf
