"""Where along a run an error is looked at: at the network calls whose level is next to the scale of the data."""

import math
from collections.abc import Sequence

from cfg_equiv.algebra.points import Point

# One of so many calls in a row starts a step, in solvers of up to that many stages; the others show inner stages, whose
# own errors are larger. The smallest error of them is that of a step.
STAGES = 4


def nearest(levels: Sequence[Point], kappa: float) -> list[int]:
    r"""The numbers of the :data:`STAGES` calls with :math:`\sigma/\alpha` next to ``kappa``, the nearest first."""

    def distance(index: int) -> float:
        alpha, sigma = (float(x) for x in levels[index][:2])
        return abs(math.log(sigma / alpha / kappa)) if alpha > 0 and sigma > 0 else math.inf

    return sorted(range(len(levels)), key=distance)[:STAGES]
