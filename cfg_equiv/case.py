r"""One guided prediction, or one guided step: a test case that holds Python numbers and strings only.

A case is readable and lossless: its ``repr`` pastes back, Hypothesis prints that ``repr``, and it goes through JSON.
Numbers that no float holds are strings, such as ``"3/5"``. Tensors are built when asked for, in the case's dtype:
``.z``, ``.cond``, ``.uncond``, ``.w``, ``.alpha``, ``.sigma``. A tuple of as many numbers as the shape has elements
is those elements; a shorter one is repeated over each batch item, item ``b`` shifted by ``b/4``, so that items differ.

``.exact()`` is the real number that the shipped formula takes at exactly these float inputs, in nested Fractions;
``.bound()`` is the running bound of its rounding. So a test of anybody's code is
``assert_within(my_step(case), exact=case.exact(), bound=case.bound())``.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error analysis).
[Moore66] Moore, Interval Analysis: where a root or a power occurs, the exact value is enclosed to 60 digits.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Point, Row, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.stepping import step_from
from cfg_equiv.errors import MismatchError, ParameterError, SingularEndError, sentence, unknown_name
from cfg_equiv.exact.intervals import INTERVAL, enclosure, number
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.guidance import CONVENTIONS
from cfg_equiv.rounding import BOUNDED, Bounded

DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)
}
Number = int | float | str
Level = tuple[Number, Number]


class Enclosed:
    """Intervals with element-wise arithmetic; a single one is a scalar and broadcasts."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = tuple(items)

    def _with(self, other: Any, op: Callable[[Any, Any], Any]) -> "Enclosed":
        a, b = self.items, other.items if isinstance(other, Enclosed) else (other,)
        n = max(len(a), len(b))
        return Enclosed(map(op, a if len(a) == n else a * n, b if len(b) == n else b * n))

    def __add__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> "Enclosed":
        return self._with(other, lambda a, b: b / a)

    def __neg__(self) -> "Enclosed":
        return Enclosed(-a for a in self.items)


class ENCLOSED:
    """The namespace ``xp`` for :class:`Enclosed`."""

    @staticmethod
    def log(x: Enclosed) -> Enclosed:
        """The logarithm."""
        return Enclosed(map(INTERVAL.log, x.items))

    @staticmethod
    def expm1(x: Enclosed) -> Enclosed:
        r""":math:`e^x - 1`."""
        return Enclosed(map(INTERVAL.expm1, x.items))

    @staticmethod
    def sqrt(x: Enclosed) -> Enclosed:
        """The square root."""
        return Enclosed(map(INTERVAL.sqrt, x.items))


def _fractions(x: Tensor) -> list[Fraction]:
    return [Fraction(value) for value in x.double().flatten().tolist()]


def _rational(x: Tensor) -> Any:
    return Vector(_fractions(x)) if x.ndim else _fractions(x)[0]


def _enclosed(x: Tensor) -> Enclosed:
    return Enclosed(map(number, _fractions(x)))


@cache
def route(sampler: str, source: str, noise_end: bool, data_end: bool) -> str:
    """How a step has a value, when it starts at pure noise or ends at clean data.

    ``"native"`` where the native form divides by no zero; ``"limit"`` where it does, but the step is the conversion to
    the row of the next level, which is finite; ``"none"`` where the prediction says no more than ``z``.
    """
    chosen = SAMPLERS[sampler]
    s, t = (Fraction(0) if noise_end else Fraction(3, 5), Fraction(1) if noise_end else Fraction(4, 5)), (
        Fraction(1) if data_end else Fraction(4, 5),
        Fraction(0) if data_end else Fraction(3, 5),
    )
    given = {"noise": Fraction(1), "eta": Fraction(1, 2), "sigma_data": Fraction(1), "dalpha": -1, "dsigma": 1}
    for way in ("native", "limit"):
        if way == "limit" and chosen.stochastic:
            continue
        try:
            _step(RATIONAL, chosen, source, Fraction(1), Fraction(1), _point(RATIONAL, *s), _point(RATIONAL, *t), way, given)
        except ZeroDivisionError:
            continue
        return way
    return "none"


class _Infinite:
    """The half-log-SNR of an end: a formula that reads it has no value there."""

    def _no(self, *_: Any) -> Any:
        raise ZeroDivisionError("lam is infinite at an end of the path")

    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = __mul__ = __rmul__ = _no


def _is_zero(x: Any) -> bool:
    return bool(x == 0) if isinstance(x, int | Fraction) else False


def _point(xp: Any, alpha: Any, sigma: Any, end: bool | None = None) -> Point:
    at_end = _is_zero(alpha) or _is_zero(sigma) if end is None else end
    return Point(alpha, sigma, _Infinite()) if at_end else point(xp, alpha, sigma)


def _step(xp: Any, sampler: Sampler, source: str, z: Any, pred: Any, s: Point, t: Point, way: str, given: Any) -> Any:
    if way == "limit":
        return convert(z, pred, s, PARAMETERIZATIONS[source].at(xp, s, **given), Row(t.alpha, t.sigma))
    if source == sampler.space:
        return sampler.step(xp, z, pred, s, t, **given)
    return step_from(xp, sampler, source, z, pred, s, t, **given)
