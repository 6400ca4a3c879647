"""The elements of a :class:`~cfg_equiv.exact.field.Field`: ``+ - * /`` with ints, Fractions and each other."""

from typing import TYPE_CHECKING, Any

from cfg_equiv.exact.combination import Combination
from cfg_equiv.exact.logarithm import Log
from cfg_equiv.exact.rational import Vector

if TYPE_CHECKING:
    from cfg_equiv.exact.field import Field


class ExactError(ArithmeticError):
    """The exact oracle cannot decide this, and says why: an undeclared sign, a nested root, a pole."""


class PoleError(ExactError):
    """A limit that is infinite."""


class Sym:
    """An element of a :class:`Field`; divisions are recorded there."""

    __slots__ = ("field", "v")

    def __init__(self, field: "Field", v: Any) -> None:
        self.field = field
        self.v = v

    def _with(self, other: Any) -> Any:
        return other.v if isinstance(other, Sym) else self.field.element(other).v

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Combination | Log | Vector):
            return NotImplemented
        return Sym(self.field, self.v + self._with(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Combination | Log | Vector):
            return NotImplemented
        return Sym(self.field, self.v - self._with(other))

    def __rsub__(self, other: Any) -> "Sym":
        return Sym(self.field, self._with(other) - self.v)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Combination | Log | Vector):
            return NotImplemented
        return Sym(self.field, self.v * self._with(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Combination | Log | Vector):
            return NotImplemented
        divisor = self._with(other)
        if isinstance(other, Sym):
            self.field.divisors.add(divisor.numer)
        if self.field.is_zero(Sym(self.field, divisor)):
            raise ZeroDivisionError(f"division of {self.v} by an element that is zero: {divisor}")
        return Sym(self.field, self.v / divisor)

    def __rtruediv__(self, other: Any) -> Any:
        return self.field.element(other) / self

    def __neg__(self) -> "Sym":
        return Sym(self.field, -self.v)

    def __pow__(self, power: int) -> Any:
        if power < 0:
            return 1 / self ** (-power)
        return Sym(self.field, self.v**power)

    def __repr__(self) -> str:
        return str(self.v)
