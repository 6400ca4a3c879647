"""The exact namespace for rational points: the shipped formulas on Fractions and surds, vectors included.

``RATIONAL`` is an ``xp`` for the bare formulas. A logarithm keeps its ratio (:mod:`cfg_equiv.exact.ratio_log`).
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.exact import surds
from cfg_equiv.exact.ratio_log import RatioLog


class Vector:
    """A vector of exact numbers with element-wise arithmetic; scalars broadcast."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = tuple(items)

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
    """``log, expm1, sqrt`` on exact numbers; ``std, dot, norm, clip, minimum`` for the non-linear rules."""

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
    def dot(a: Vector, b: Vector) -> Any:
        """The inner product over all elements."""
        return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))

    @classmethod
    def norm(cls, a: Vector) -> Any:
        """The Euclidean norm over all elements."""
        return surds.sqrt(cls.dot(a, a))

    @classmethod
    def std(cls, a: Vector) -> Any:
        """The standard deviation over all elements with Bessel's correction, as ``torch.std`` takes it."""
        n = len(a.items)
        centred = a - sum(a.items, Fraction(0)) / n
        return surds.sqrt(cls.dot(centred, centred) / (n - 1))

    @staticmethod
    def clip(a: Vector, low: Any, high: Any) -> Vector:
        """Element-wise clip; the elements must be rational."""
        return Vector(min(max(x, low), high) for x in a)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        """The smaller of two rationals."""
        return min(a, b)


RATIONAL = Rational()
