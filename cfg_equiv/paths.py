r"""Which path a point is on: VP :math:`\alpha^2+\sigma^2=1`, VE :math:`\alpha=1`, flow :math:`\alpha+\sigma=1`.

A relation holds if it does within the rounding of the coordinates' dtype: a coordinate is a library function away from
exact, :math:`4u` of itself; what is computed from the other one, as :math:`\sqrt{1-\alpha^2}` or :math:`1-\sigma`, has
one more rounding, of a number below 1. On the VE path alpha is a constant and not rounded.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point

PATHS = ("vp", "ve", "flow")


def off_path(path: str, at: Point) -> tuple[str, Tensor, Tensor]:
    """The quantity that is 1 on the path, by how much it is not at this point, and what rounding explains."""
    alpha, sigma = at.alpha.double(), at.sigma.double()
    u = torch.finfo(at.alpha.dtype).eps / 2
    if path == "vp":
        power = alpha**2 + sigma**2
        return "alpha^2 + sigma^2", power - 1, u * (2 * 4 * power + 1)
    if path == "flow":
        total = alpha + sigma
        return "alpha + sigma", total - 1, u * (4 * total + 1)
    return "alpha", alpha - 1, 0 * alpha


def _excess(path: str, points: Iterable[Point]) -> float:
    return max(off_path(path, at)[1].abs().max().item() for at in points)


def paths_of(points: Iterable[Point], among: Iterable[str] = PATHS) -> tuple[str, ...]:
    """The paths that all of these points are on: more than one only where all of them are ends."""
    every = list(points)

    def on(path: str, at: Point) -> bool:
        _, excess, bound = off_path(path, at)
        return bool((excess.abs() <= bound).all())

    return tuple(path for path in among if all(on(path, at) for at in every))


def nearest_path(points: Iterable[Point]) -> str:
    """The path whose relation these points miss by least, whatever their rounding."""
    every = list(points)
    return min(PATHS, key=lambda path: _excess(path, every))
