"""Exact numbers for code that we did not write: a Python function of ``+ - * /`` then computes on rationals.

A float literal in such code counts as the rational that it is, so ``0.7 * cond`` stays exact. A :class:`Foreign` vector
has no length and no elements to look at: code that takes a mean, a norm or a single number of it raises ``TypeError``
or ``AttributeError``, and is no rational function of its elements.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cfg_equiv.exact.rational import Vector


class Foreign:
    """A number, a field element or a vector of them, with the arithmetic that tensors share with numbers."""

    __slots__ = ("value",)
    __array_ufunc__ = None  # numpy's scalars leave the arithmetic to us

    def __init__(self, value: Any) -> None:
        self.value = value

    def _with(self, other: Any, op: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, Foreign):
            return Foreign(op(self.value, other.value))
        if isinstance(other, float) and math.isfinite(other):
            return Foreign(op(self.value, Fraction(other)))
        return Foreign(op(self.value, other)) if isinstance(other, int | Fraction) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b + a)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b * a)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, _quotient)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: _quotient(b, a))

    def __neg__(self) -> Any:
        return Foreign(-self.value)

    def __pow__(self, power: Any) -> Any:
        if not isinstance(power, int) or power < 1:
            return NotImplemented
        result = self
        for _ in range(power - 1):
            result = result * self
        return result

    def __float__(self) -> float:
        return float(self._decided())

    def __eq__(self, other: object) -> bool:
        return bool(self._decided() == _decided(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self._decided() < _decided(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._decided() <= _decided(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._decided() > _decided(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._decided() >= _decided(other))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._decided())

    def _decided(self) -> Any:
        """The value where it is a number, such as a weight: of vectors and unknowns nothing can be asked."""
        if not isinstance(self.value, int | Fraction):
            raise TypeError(f"a {type(self.value).__name__} of exact numbers is neither compared nor made a float")
        return self.value


def _decided(other: object) -> Any:
    return other._decided() if isinstance(other, Foreign) else other


def _quotient(a: Any, b: Any) -> Any:
    if isinstance(b, Vector) and not isinstance(a, Vector):
        return Vector(a / y for y in b)
    return a / b


def on_rationals(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(*branches, w, **numbers)`` of ``+ - * /`` as a formula on exact numbers and vectors of them.

    The formula raises ``TypeError`` or ``AttributeError`` where the function asks for more than arithmetic.
    """

    def formula(xp: Any, *branches: Any, w: Any, **given: Any) -> Any:
        named = {name: Foreign(value) for name, value in given.items()}
        result = function(*(Foreign(x) for x in branches), Foreign(w), **named)
        if not isinstance(result, Foreign) or isinstance(result.value, Vector) != isinstance(branches[0], Vector):
            raise TypeError("not an element-wise function of + - * /")
        return result.value

    return formula
