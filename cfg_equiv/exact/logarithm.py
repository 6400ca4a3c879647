r"""Formal logarithms :math:`\sum_i c_i \log f_i` over irreducible factors of a :class:`~cfg_equiv.exact.field.Field`.

``log a - log s`` and ``log(a/s)`` are the same sum, which a memoised generator per argument would not see.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfg_equiv.exact.field import Field


class Log:
    """A formal sum; adding and scaling stay formal, everything else asks for values."""

    __slots__ = ("field", "terms")

    def __init__(self, field: "Field", terms: dict[Any, Any]) -> None:
        self.field = field
        self.terms = terms

    def value(self) -> Any:
        """The sum with one generator per ``log f_i``."""
        total = self.field.element(0)
        for factor, coefficient in self.terms.items():
            total = total + coefficient * self.field.log_value(factor)
        return total

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Log):
            return self.value() + other
        terms = dict(self.terms)
        for factor, coefficient in other.terms.items():
            terms[factor] = terms[factor] + coefficient if factor in terms else coefficient
        return Log(self.field, {factor: c for factor, c in terms.items() if c.v})

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __neg__(self) -> "Log":
        return Log(self.field, {factor: -c for factor, c in self.terms.items()})

    def __mul__(self, scalar: Any) -> Any:
        if isinstance(scalar, Log):
            return self.value() * scalar.value()
        if isinstance(scalar, int | Fraction) or hasattr(scalar, "v"):
            return Log(self.field, {factor: c * scalar for factor, c in self.terms.items()})
        return NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, int):
            return self * Fraction(1, other)
        return self.value() / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value()
