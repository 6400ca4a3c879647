r"""Levels and schedules on the lattice, from four families, so that a formula which silently assumes one is caught.

- ``vp``: :math:`\alpha = \frac{1-t^2}{1+t^2}`, :math:`\sigma = \frac{2t}{1+t^2}`: rational points of the circle;
- ``ve``: :math:`\alpha = 1`, with no noise end; ``flow``: :math:`\alpha = 1 - \sigma`;
- ``free``: no relation between the two, and alpha not even monotone along a schedule.
"""

from fractions import Fraction
from functools import cache
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.case import DTYPES, Level, Number
from cfg_equiv.strategies.arguments import any_of, counted, named

Coordinates = tuple[Fraction, Fraction]
_F = Fraction
_INSIDE = [
    _F(*k) for k in ((1, 2), (1, 4), (3, 4), (3, 8), (5, 8), (1, 8), (7, 8), (1, 32), (31, 32), (1, 64), (63, 64))
]
# 3/5, 4/5; then 4/5, 3/5; 5/13, 12/13; 12/13, 5/13; and then the long ones
_CIRCLE = [_F(*k) for k in ((1, 2), (1, 3), (2, 3), (1, 5), (1, 4), (3, 4), (1, 32), (31, 32), (1, 64), (63, 64))]
_COPRIME = (1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (1, 4), (4, 1), (3, 4), (4, 3), (1, 20), (20, 1)

# The regular levels of each family, no two of one sigma/alpha, the simplest first: that is where shrinking goes.
FAMILIES: dict[str, tuple[Coordinates, ...]] = {
    "vp": tuple(((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)) for t in _CIRCLE),
    "ve": tuple((_F(1), _F(*k)) for k in ((1, 1), (2, 1), (1, 2), (4, 1), (1, 4), (9, 1), (16, 1), (1, 16), (80, 1))),
    "flow": tuple((1 - t, t) for t in _INSIDE),
    "free": tuple((_F(a), _F(b)) for a, b in _COPRIME),
}
ENDS = {"none": (False, False), "noise": (True, False), "data": (False, True), "both": (True, True)}
MOST_STEPS = min(map(len, FAMILIES.values())) - 1
_NOISE, _DATA = (_F(0), _F(1)), (_F(1), _F(0))
_NO_NOISE_END = {"ve"}
_SCALES = (_F(1), _F(1, 2), _F(3, 2), _F(1, 4))  # of the levels of a free path, in turn
_ROTATIONS = st.integers(0, len(_SCALES) - 1)


def levels(*, family: Any = None, ends: Any = None) -> SearchStrategy[Level]:
    """One level ``(alpha, sigma)`` as Python numbers; with ``ends`` it may be one of these ends."""
    return _levels(named("family", family, FAMILIES), named("choice of ends", ends, ENDS))


def points(*, family: Any = None, dtype: Any = None, ends: Any = None) -> SearchStrategy[Point]:
    """One level as a :class:`~cfg_equiv.algebra.points.Point` of 0-dimensional tensors."""
    drawn = st.tuples(levels(family=family, ends=ends), named("dtype", dtype, DTYPES))
    return drawn.map(lambda d: point(torch, *(torch.tensor(float(_F(x)), dtype=DTYPES[d[1]]) for x in d[0])))


def schedules(*, family: Any = None, steps: Any = 1, ends: Any = None) -> SearchStrategy[tuple[Level, ...]]:
    """The ``steps + 1`` distinct levels of a schedule, from noise to data."""
    return _schedules(
        named("family", family, FAMILIES), counted(steps, MOST_STEPS), named("choice of ends", ends, ENDS)
    )


@st.composite
def _levels(draw: DrawFn, family: SearchStrategy[str], ends: SearchStrategy[str]) -> Level:
    return draw_level(draw, draw(family), *ENDS[draw(ends)])


@st.composite
def _schedules(
    draw: DrawFn, family: SearchStrategy[str], steps: SearchStrategy[int], ends: SearchStrategy[str]
) -> tuple[Level, ...]:
    return draw_schedule(draw, draw(family), draw(steps), *ENDS[draw(ends)])


def draw_level(draw: DrawFn, family: str, noise: bool, data: bool) -> Level:
    """A level of the family, or one of the ends that are allowed."""
    extra = [_NOISE] * (noise and family not in _NO_NOISE_END) + [_DATA] * data
    alpha, sigma = draw(any_of((*FAMILIES[family], *extra)))
    scale = _SCALES[draw(_ROTATIONS)] if family == "free" else 1
    return _plain(alpha * scale), _plain(sigma * scale)


def draw_schedule(draw: DrawFn, family: str, steps: int, noise: bool, data: bool) -> tuple[Level, ...]:
    """Distinct levels of the family from noise to data, with the ends that are wanted."""
    # As many draws with ends as without: else an example with ends would count as the simpler one.
    path = sorted(draw(_distinct(family, steps + 1)), key=lambda level: level[0] / level[1])
    if noise and family not in _NO_NOISE_END:
        path[0] = _NOISE
    if data:
        path[-1] = _DATA
    if family == "free":
        first = draw(_ROTATIONS)
        scales = [_SCALES[(first + i) % len(_SCALES)] for i in range(len(path))]
        path = [(alpha * c, sigma * c) for (alpha, sigma), c in zip(path, scales, strict=True)]
    return tuple((_plain(alpha), _plain(sigma)) for alpha, sigma in path)


@cache
def _distinct(family: str, count: int) -> SearchStrategy[list[Coordinates]]:
    return st.lists(st.sampled_from(FAMILIES[family]), min_size=count, max_size=count, unique=True)


def _plain(x: Fraction) -> Number:
    return float(x) if _F(float(x)) == x else str(x)
