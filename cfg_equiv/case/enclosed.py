"""Intervals with element-wise arithmetic, so that a formula's coefficients are enclosed once for all elements.

References
----------
[Moore66] Moore, Interval Analysis.
"""

from collections.abc import Callable, Iterable
from typing import Any

from cfg_equiv.exact.intervals import INTERVAL


class Enclosed:
    """A tuple of intervals; a single one is a scalar and broadcasts, and so do Python integers."""

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
