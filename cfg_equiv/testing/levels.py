"""What a ``level`` function returned, as a point, and how far that point is off a path."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.rounding.constants import FORMATS
from cfg_equiv.testing.failure import SubjectError

# The relation of each path, as what is zero on it; on any numbers.
EXCESS: dict[str, Callable[[Any, Any], Any]] = {
    "vp": lambda a, s: a * a + s * s - 1,
    "ve": lambda a, s: a - 1,
    "flow": lambda a, s: a + s - 1,
}
# What a level is off its path at most: each coordinate a library function in float32, 4u of itself, and one rounding
# of a number below 1 for the one that is computed from the other. Most libraries keep their tables in float32.
_U = FORMATS["float32"].u
_ALLOWED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "vp": lambda a, s: _U * (8 * (a * a + s * s) + 1),
    "ve": lambda a, s: 4 * _U * a.abs(),
    "flow": lambda a, s: _U * (4 * (a + s) + 1),
}


def off_path(path: str, at: Point) -> tuple[Tensor, Tensor]:
    """By how much a point misses the relation of its path, and how much the roundings of float32 explain."""
    coordinates = at.alpha.double(), at.sigma.double()
    if path not in EXCESS:
        return torch.zeros_like(coordinates[0]), torch.zeros_like(coordinates[0])
    return EXCESS[path](*coordinates), _ALLOWED[path](*coordinates)


def kappa(at: Point) -> float:
    r"""The noise-to-signal ratio :math:`\kappa = \sigma/\alpha` of a level: infinite where alpha is 0."""
    return float(at.sigma) / float(at.alpha) if float(at.alpha) > 0 else math.inf


def level_at(level: Callable[[Any], tuple[Any, Any]], t: Any) -> Point:
    """``level(t)`` as 0-dimensional tensors in the dtype it came in; another form than two numbers is one sentence."""
    came = level(t)
    if not isinstance(came, tuple | list) or len(came) < 2:
        raise SubjectError(f"expected level(t) to return (alpha, sigma), got {type(came).__name__} at t = {t}")
    alpha, sigma = (_scalar(x, t) for x in came[:2])
    return Point(alpha, sigma)


def _scalar(x: Any, t: Any) -> Tensor:
    try:
        value = x.detach() if isinstance(x, Tensor) else torch.tensor(float(x), dtype=torch.float64)
    except (TypeError, ValueError) as error:
        raise SubjectError(f"expected level(t) to return two numbers, got {type(x).__name__} at t = {t}") from error
    if value.numel() != 1:
        raise SubjectError(f"expected level(t) to return two numbers, got shape {tuple(value.shape)} at t = {t}")
    value = value.cpu().reshape(())
    return value if value.is_floating_point() else value.double()
