"""Weights, latents and pairs of rows; patterns of lattice numbers whose batch items differ by construction."""

import math
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.case import DTYPES, Pattern, pattern_tensor
from cfg_equiv.strategies.arguments import any_of, named, shaped

SMALL = 8  # a tensor of so many elements is drawn element by element, a larger one is a tiled pattern
_LATTICE, _INCREMENT = st.integers(-16, 16), st.integers(1, 8)
# one half comes first: there both predictions count
_WEIGHTS = st.one_of(st.sampled_from((0.5, 0.0, 1.0, 7.5, 30.0)), st.integers(-8, 32).map(lambda k: k / 4))


def weights() -> SearchStrategy[float]:
    """Guidance weights: 0, 1/2, 1, 7.5, 30, and the quarters from -2 to 8."""
    return _WEIGHTS


def latents(*, dtype: Any = None, shape: Any = None) -> SearchStrategy[Tensor]:
    """Tensors on the lattice whose items along the first axis are distinct."""
    return _latents(named("dtype", dtype, DTYPES), shaped(shape))


def row_pairs(*, source: Any = None, target: Any = None) -> SearchStrategy[tuple[str, str]]:
    """Two parameterizations by name; the one that is not given differs from the other."""
    first, second = (
        named("parameterization", target, PARAMETERIZATIONS),
        named("parameterization", source, PARAMETERIZATIONS),
    )
    if target is None:
        return _row_pairs(second, None)
    return _row_pairs(first, None if source is None else second).map(lambda pair: (pair[1], pair[0]))


@st.composite
def _row_pairs(draw: DrawFn, one: SearchStrategy[str], other: SearchStrategy[str] | None) -> tuple[str, str]:
    name = draw(one)
    return name, draw(any_of(tuple(row for row in PARAMETERIZATIONS if row != name)) if other is None else other)


@st.composite
def _latents(draw: DrawFn, dtype: SearchStrategy[str], shape: SearchStrategy[tuple[int, ...]]) -> Tensor:
    drawn = draw(shape)
    return pattern_tensor(draw(patterns(drawn)), drawn, DTYPES[draw(dtype)])


@cache
def patterns(shape: tuple[int, ...], centre: int = 0) -> SearchStrategy[Pattern]:
    """Numbers k/4 around ``centre/4``; in a small tensor the first elements of the items increase."""
    size, batch = math.prod(shape), shape[0]
    if size > SMALL:
        return st.lists(_LATTICE, min_size=1, max_size=5).map(lambda ks: tuple((k + centre) / 4 for k in ks))
    item = size // batch

    def build(drawn: tuple[int, ...]) -> Pattern:
        quarters, first = [k + centre for k in drawn], centre
        for i in range(0, size, item):
            quarters[i] = first = first + drawn[i]
        return tuple(k / 4 for k in quarters)

    return st.tuples(*(_INCREMENT if i and i % item == 0 else _LATTICE for i in range(size))).map(build)
