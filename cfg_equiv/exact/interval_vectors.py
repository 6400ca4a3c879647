r"""Vectors of enclosures: the statistics of rules that need exp, acos or softmax, as intervals that contain the truth.

:data:`INTERVALS` has the names of :data:`cfg_equiv.exact.rational.RATIONAL` and ``exp, cos, sin, acos`` beside. Two
vectors are told :func:`apart` if some pair of enclosures does not meet: then the exact values differ. That they are
equal can never be told.
"""

from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from cfg_equiv.exact.intervals import INTERVAL, endpoints, number
from cfg_equiv.exact.rational import Rational, Vector, elementwise


class UndecidedError(ArithmeticError):
    """A comparison that two overlapping enclosures do not decide."""


class Enclosed:
    """A number known to lie in an interval, with the arithmetic of numbers; a vector takes over where one is met."""

    __slots__ = ("interval",)

    def __init__(self, value: Any) -> None:
        self.interval = number(value) if isinstance(value, int | Fraction) else value

    def _with(self, other: Any, op: Any) -> Any:
        if isinstance(other, int | Fraction):
            other = Enclosed(other)
        return Enclosed(op(self.interval, other.interval)) if isinstance(other, Enclosed) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x + y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x * y)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x / _nonzero(y))

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y / _nonzero(x))

    def __neg__(self) -> "Enclosed":
        return Enclosed(-self.interval)

    def sign(self) -> int:
        """The sign; :class:`UndecidedError` if the interval has both sides of zero."""
        low, high = endpoints(self.interval)
        if low <= 0 <= high and low != high:
            raise UndecidedError(f"the sign of a number between {float(low)!r} and {float(high)!r}: choose other data")
        return (low > 0) - (high < 0)

    def __str__(self) -> str:
        low, high = endpoints(self.interval)
        return repr(float((low + high) / 2))


def _nonzero(x: Any) -> Any:
    low, high = endpoints(x)
    if low <= 0 <= high:
        raise ZeroDivisionError(f"division by a number between {float(low)!r} and {float(high)!r}")
    return x


def enclosed(value: Any) -> Any:
    """Exact numbers, and vectors and tuples of them, as enclosures; anything else as it is."""
    if isinstance(value, Vector):
        return Vector(Enclosed(x) for x in value)
    if isinstance(value, tuple):
        return tuple(enclosed(x) for x in value)
    return Enclosed(value) if isinstance(value, int | Fraction) else value


def apart(a: Any, b: Any) -> bool:
    """Whether two vectors certainly differ."""
    ends = (endpoints((x - y).interval) for x, y in zip(a, b, strict=True))
    return any(low > 0 or high < 0 for low, high in ends)


def _of(function: Any, x: Any) -> Any:
    return elementwise(lambda y, _: Enclosed(function(y.interval)), x, 0)


def _sign(x: Any) -> int:
    return x.sign() if isinstance(x, Enclosed) else (x > 0) - (x < 0)


class Intervals(Rational):
    """The statistics on enclosures; a comparison that they do not decide raises :class:`UndecidedError`."""

    @staticmethod
    def log(x: Any) -> Any:
        """The logarithm."""
        return _of(INTERVAL.log, x)

    @staticmethod
    def expm1(x: Any) -> Any:
        r""":math:`e^x - 1`."""
        return _of(INTERVAL.expm1, x)

    @staticmethod
    def exp(x: Any) -> Any:
        """The exponential."""
        return _of(INTERVAL.exp, x)

    @staticmethod
    def cos(x: Any) -> Any:
        """The cosine."""
        return _of(INTERVAL.cos, x)

    @staticmethod
    def sin(x: Any) -> Any:
        """The sine."""
        return _of(INTERVAL.sin, x)

    @staticmethod
    def acos(x: Any) -> Any:
        """The angle in [0, pi] with this cosine."""
        return _of(INTERVAL.acos, x)

    @staticmethod
    def sqrt(x: Any) -> Any:
        """The root."""
        return _of(INTERVAL.sqrt, x)

    @classmethod
    def norm(cls, a: Vector) -> Any:
        """The Euclidean norm over all elements."""
        return cls.sqrt(cls.dot(a, a))

    @classmethod
    def std(cls, a: Vector) -> Any:
        """The standard deviation over all elements with Bessel's correction."""
        centred = a - cls.mean(a)
        return cls.sqrt(cls.dot(centred, centred) / (len(a.items) - 1))

    @classmethod
    def minimum(cls, a: Any, b: Any) -> Any:
        """The smaller of two, element by element."""
        return elementwise(lambda x, y: y if _sign(y - x) < 0 else x, a, b)

    @classmethod
    def maximum(cls, a: Any, b: Any) -> Any:
        """The larger of two, element by element."""
        return elementwise(lambda x, y: y if _sign(y - x) > 0 else x, a, b)

    @classmethod
    def abs(cls, a: Any) -> Any:
        """The absolute value, element by element."""
        return elementwise(lambda x, _: -x if _sign(x) < 0 else x, a, 0)

    @classmethod
    def sign(cls, a: Any) -> Any:
        """-1, 0 or 1, element by element."""
        return elementwise(lambda x, _: Enclosed(_sign(x)), a, 0)

    @classmethod
    def greater_equal(cls, a: Any, b: Any) -> Any:
        """The mask of ``a >= b``, element by element."""
        return elementwise(lambda x, y: Enclosed(int(_sign(x - y) >= 0)), a, b)

    @classmethod
    def ordered(cls, a: Vector) -> list[Any]:
        """The elements from small to large."""
        by_value: Any = cmp_to_key(lambda x, y: _sign(x - y))
        return sorted(a.items, key=by_value)


INTERVALS = Intervals()
