r"""Where a released run goes: its levels as exact points, and what the catalogue does between them.

Levels are read off released code as the floating-point numbers they are. At the two ends of a path the half-log-SNR is
infinite; interval arithmetic carries that as released code does: :math:`e^{-\infty} = 0`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import Solver
from cfg_equiv.exact.intervals import INTERVAL, enclosure, number

INFINITE = number(0).ctx.inf


@dataclass(frozen=True)
class Step:
    """One step of the catalogue's side.

    Attributes
    ----------
    t, solver
        Where it goes, and by which entry.
    nodes
        The levels of the calls inside the step as the released code has them; none: where the entry's clock puts them.
    reads
        At most so many network outputs are read, where the released code lowers its order; None: what the entry reads.
    end
        Whether the step goes to sigma = 0.
    """

    t: Point
    solver: Solver
    nodes: tuple[Point, ...] = ()
    reads: int | None = None
    end: bool = False


@dataclass(frozen=True)
class Course:
    """The levels of a run, and what to do between them."""

    start: Point
    steps: tuple[Step, ...]
    path: str = "ve"


def place(alpha: Any, sigma: Any) -> Point:
    r"""A point with its half-log-SNR, which is :math:`\mp\infty` at the two ends of a path."""
    if not _positive(alpha):
        return Point(alpha, sigma, -INFINITE)
    return point(INTERVAL, alpha, sigma) if _positive(sigma) else Point(alpha, sigma, INFINITE)


def _positive(x: Any) -> bool:
    middle, radius = enclosure(number(0) + x)
    return middle > radius


def ve(kappa: float) -> Point:
    r"""The level of a state :math:`x_0 + \kappa\epsilon`."""
    return place(number(1), number(kappa))


def vp(kappa: float) -> Point:
    r"""The point of the VP circle with :math:`\sigma/\alpha = \kappa`."""
    alpha = 1 / INTERVAL.sqrt(1 + number(kappa) * number(kappa))
    return place(alpha, number(kappa) * alpha)


def flow(sigma: float) -> Point:
    r"""The point of the flow path: :math:`\alpha = 1 - \sigma`."""
    return place(1 - number(sigma), number(sigma))


def table(abar: float) -> Point:
    r"""The point with :math:`\alpha^2 = \bar\alpha`, as tables hold it."""
    return place(INTERVAL.sqrt(number(abar)), INTERVAL.sqrt(1 - number(abar)))


def straight(solver: Solver, levels: Sequence[Point], path: str, last: bool, reads: Sequence[int] = ()) -> Course:
    """Step by step through the levels by one entry; ``last``: the last level is sigma = 0."""
    given: list[int | None] = list(reads) or [None] * (len(levels) - 1)
    steps = [
        Step(t, solver, reads=read, end=last and i == len(levels) - 2)
        for i, (t, read) in enumerate(zip(levels[1:], given, strict=True))
    ]
    return Course(levels[0], tuple(steps), path)


def moved(table: Tensor, nudge: Callable[[Tensor], Tensor]) -> Tensor:
    """A table through the nudge; its ends 0 and 1 stay, there is no level beyond them."""
    return torch.where((table == 0) | (table == 1), table, nudge(table))


def finite(x: float) -> float:
    """A level as released code holds it, refused where it is no number."""
    if not math.isfinite(x):
        raise AssertionError(f"expected finite levels, got {x!r}")
    return x
