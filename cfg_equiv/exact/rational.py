"""The exact namespace for rational points: the shipped formulas on Fractions and surds, vectors included.

``RATIONAL`` is an ``xp`` for the bare formulas. A logarithm keeps its ratio (:mod:`cfg_equiv.exact.ratio_log`).
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from cfg_equiv.exact import surds
from cfg_equiv.exact.ratio_log import RatioLog


class Vector:
    """A vector of exact numbers with element-wise arithmetic; scalars broadcast."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items: tuple[Any, ...] = tuple(items)

    def _zip(self, other: Any, op: Callable[[Any, Any], Any]) -> "Vector":
        others = other.items if isinstance(other, Vector) else (other,) * len(self.items)
        return Vector(op(a, b) for a, b in zip(self.items, others, strict=True))

    def __add__(self, other: Any) -> "Vector":
        return self._zip(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Vector":
        return self._zip(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> "Vector":
        return self._zip(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> "Vector":
        return self._zip(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Vector":
        return self._zip(other, lambda a, b: a / b)

    def __neg__(self) -> "Vector":
        return Vector(-a for a in self.items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and self.items == other.items

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        return "(" + ", ".join(str(item) for item in self.items) + ")"


def vector(*items: int | str | Fraction) -> Vector:
    """A vector of Fractions: ``vector(1, "1/2")``."""
    return Vector(Fraction(item) for item in items)


class Rational:
    """``log, expm1, sqrt`` on exact numbers, and the statistics over a vector that the non-linear rules read.

    Comparisons are exact, square roots included; a mask is a vector (or number) of zeros and ones.
    """

    @staticmethod
    def log(x: Any) -> RatioLog:
        """The logarithm, kept as its ratio."""
        return RatioLog(x)

    @staticmethod
    def expm1(x: RatioLog) -> Any:
        """``ratio - 1``."""
        if not isinstance(x, RatioLog):
            raise ArithmeticError(f"expm1 of {x!r}, which is no logarithm of an exact number: choose another point")
        return x.ratio - 1

    @staticmethod
    def sqrt(x: Any) -> Any:
        """The exact square root."""
        return surds.sqrt(x)

    @staticmethod
    def sum(a: Vector) -> Any:
        """The sum over all elements."""
        return sum(a, 0)

    @classmethod
    def mean(cls, a: Vector) -> Any:
        """The mean over all elements."""
        return cls.sum(a) / len(a.items)

    @staticmethod
    def dot(a: Vector, b: Vector) -> Any:
        """The inner product over all elements."""
        return sum((x * y for x, y in zip(a, b, strict=True)), 0)

    @classmethod
    def norm(cls, a: Vector) -> Any:
        """The Euclidean norm over all elements."""
        return surds.sqrt(cls.dot(a, a))

    @classmethod
    def std(cls, a: Vector) -> Any:
        """The standard deviation over all elements with Bessel's correction, as ``torch.std`` takes it."""
        n = len(a.items)
        centred = a - cls.mean(a)
        return surds.sqrt(cls.dot(centred, centred) / (n - 1))

    @classmethod
    def clip(cls, a: Any, low: Any, high: Any) -> Any:
        """Element-wise clip."""
        return cls.maximum(cls.minimum(a, high), low)

    @classmethod
    def minimum(cls, a: Any, b: Any) -> Any:
        """The smaller of two, element by element."""
        return elementwise(lambda x, y: y if surds.sign(y - x) < 0 else x, a, b)

    @classmethod
    def maximum(cls, a: Any, b: Any) -> Any:
        """The larger of two, element by element."""
        return elementwise(lambda x, y: y if surds.sign(y - x) > 0 else x, a, b)

    @classmethod
    def abs(cls, a: Any) -> Any:
        """The absolute value, element by element."""
        return elementwise(lambda x, _: -x if surds.sign(x) < 0 else x, a, 0)

    @classmethod
    def sign(cls, a: Any) -> Any:
        """-1, 0 or 1, element by element."""
        return elementwise(lambda x, _: Fraction(surds.sign(x)), a, 0)

    @classmethod
    def greater_equal(cls, a: Any, b: Any) -> Any:
        """The mask of ``a >= b``, element by element."""
        return elementwise(lambda x, y: Fraction(surds.sign(x - y) >= 0), a, b)

    @classmethod
    def ordered(cls, a: Vector) -> list[Any]:
        """The elements from small to large."""
        by_value: Any = cmp_to_key(lambda x, y: surds.sign(x - y))
        return sorted(a.items, key=by_value)

    @classmethod
    def quantile(cls, a: Vector, q: Any) -> Any:
        """The quantile over all elements, interpolated linearly as ``torch.quantile`` does."""
        ordered = cls.ordered(a)
        place = q * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def elementwise(op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """``op`` on the elements of two vectors, of a vector and a number, or on two numbers."""
    if isinstance(a, Vector):
        return a._zip(b, op)
    return b._zip(a, lambda y, x: op(x, y)) if isinstance(b, Vector) else op(a, b)


RATIONAL = Rational()
