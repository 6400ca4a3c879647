r"""Field elements that released code takes for numbers, or for tensors of one element.

Where released code uses nothing but arithmetic, it runs on these unchanged, and what is then proved is proved of the
released code and not of a copy. A :class:`Symbol` is an element of :class:`cfg_equiv.exact.field.Field` with the small
change that such code also asks for:

- floats are the rationals they are (``1.0`` is 1), and ``** 0.5`` is the exact root, which for a float exponent the
  field alone would not know;
- ``log`` is formal and ``exp`` of it a power product, as in the field;
- ``ndim``, ``shape``, ``new_ones`` and indexing by ``...`` as of a tensor of one element, and
  ``torch.randn_like``, which gives a fresh generator: if it mattered, the proof would not close;
- a comparison is answered from the declared signs, or refused;
- ``atan`` gives a value that can be passed on to a network but not read: no claim is about it.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cfg_equiv.exact.element import ExactError, Sym
from cfg_equiv.exact.field import Field


class Opaque:
    """A value that no claim reads: arithmetic with numbers keeps it opaque."""

    def __mul__(self, other: object) -> "Opaque":
        return self

    __truediv__ = __mul__


class Symbol:
    """A field element in the guise of a number or of a tensor of one element."""

    __slots__ = ("sym",)
    ndim = 0
    shape = (1,)

    def __init__(self, sym: Sym) -> None:
        self.sym = sym

    def _lift(self, other: Any) -> Any:
        if isinstance(other, Symbol):
            return other.sym
        return self.sym.field.element(Fraction(other) if isinstance(other, float) else other)

    def __add__(self, other: Any) -> "Symbol":
        return Symbol(self.sym + self._lift(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Symbol":
        return Symbol(self.sym - self._lift(other))

    def __rsub__(self, other: Any) -> "Symbol":
        return Symbol(self._lift(other) - self.sym)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, SymbolLog):
            return other * self
        return Symbol(self.sym * self._lift(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Symbol":
        return Symbol(self.sym / self._lift(other))

    def __rtruediv__(self, other: Any) -> "Symbol":
        return Symbol(self._lift(other) / self.sym)

    def __neg__(self) -> "Symbol":
        return Symbol(-self.sym)

    def __pow__(self, power: float) -> "Symbol":
        """An integer power, or the exact square root for ``0.5``."""
        exponent = Fraction(power)
        if exponent.denominator == 1:
            return Symbol(self.sym ** int(exponent))
        if exponent == Fraction(1, 2):
            zero = self.sym.field.is_zero(self.sym)
            return self if zero else Symbol(self.sym.field.sqrt(self.sym))
        raise ExactError(f"expected an integer power or 0.5, got {power}: no other root has an exact form here")

    def __lt__(self, other: Any) -> bool:
        return self._sign_of_difference(other) < 0

    def __gt__(self, other: Any) -> bool:
        return self._sign_of_difference(other) > 0

    def __le__(self, other: Any) -> bool:
        return self._sign_of_difference(other) <= 0

    def __ge__(self, other: Any) -> bool:
        return self._sign_of_difference(other) >= 0

    def _sign_of_difference(self, other: Any) -> int:
        """The sign of ``self - other`` as the declared signs decide it; anything they leave open is refused."""
        if other == math.inf:
            return -1
        field, difference = self.sym.field, (self - other).sym
        if field.is_zero(difference):
            return 0
        sign = 1
        for poly in (field.reduce(difference.v.numer), field.reduce(difference.v.denom)):
            coefficient, factors = poly.factor_list()
            sign *= 1 if coefficient > 0 else -1
            for factor, power in factors:
                sign *= field.sign(factor) ** (power % 2)
        if not sign:
            raise ExactError(f"cannot compare {self} with {other}: declare the sign of their difference")
        return sign

    def __float__(self) -> float:
        """A generic weight: a value that is neither 0 nor 1, which is all that ``math.isclose(w, 1.0)`` asks about."""
        return math.pi

    def __getitem__(self, index: Any) -> "Symbol":
        return self

    def new_ones(self, size: Any) -> "Symbol":
        """One."""
        return Symbol(self.sym.field.element(1))

    def neg(self) -> "Symbol":
        """The negative."""
        return -self

    def sqrt(self) -> "Symbol":
        """The exact root."""
        return self**0.5

    def log(self) -> "SymbolLog":
        """The formal logarithm."""
        return SymbolLog(self.sym.field.log(self.sym))

    def atan(self) -> Opaque:
        """What a denoiser wrapper passes to its network as the time."""
        return Opaque()

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.__name__ == "randn_like":
            return Symbol(args[0].sym.field.gens["randn"])
        if func.__name__ == "ones_like":
            return args[0].new_ones(())
        return NotImplemented

    def __repr__(self) -> str:
        return repr(self.sym)


class SymbolLog:
    """A formal logarithm with the methods of a tensor; ``exp`` of it is a power product."""

    __slots__ = ("log",)

    def __init__(self, log: Any) -> None:
        self.log = log

    def __sub__(self, other: "SymbolLog") -> "SymbolLog":
        return SymbolLog(self.log - other.log)

    def __neg__(self) -> "SymbolLog":
        return SymbolLog(-self.log)

    def __mul__(self, scalar: Any) -> "SymbolLog":
        return SymbolLog(self.log * (scalar.sym if isinstance(scalar, Symbol) else scalar))

    __rmul__ = __mul__

    def expm1(self) -> Symbol:
        """``exp(self) - 1``."""
        return Symbol(self.log.field.expm1(self.log))

    def exp(self) -> Symbol:
        """The power product."""
        return 1 + self.expm1()


class Levels:
    """Noise levels as released samplers take them: a tensor of symbols, all positive."""

    def __init__(self, *items: Symbol) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __gt__(self, other: Any) -> "slice":
        if not all(item > other for item in self.items):
            raise ExactError(f"expected levels above {other}, got {self.items}: declare their signs")
        return slice(None)

    def __getitem__(self, index: Any) -> Any:
        return Levels(*self.items) if isinstance(index, slice) else self.items[index]

    def min(self) -> Symbol:
        """The last level: levels fall."""
        return self.items[-1]

    def max(self) -> Symbol:
        """The first level."""
        return self.items[0]


def symbols(field: Field, *names: str) -> tuple[Symbol, ...]:
    """Generators of ``field`` in the guise."""
    return tuple(Symbol(field.gens[name]) for name in names)


class Symbolic:
    """The namespace of the bare formulas on symbols."""

    @staticmethod
    def log(x: Any) -> Any:
        """The formal logarithm."""
        return x.log()

    @staticmethod
    def expm1(x: Any) -> Any:
        """``exp(x) - 1`` of a formal logarithm."""
        return x.expm1()

    @staticmethod
    def sqrt(x: Any) -> Any:
        """The exact square root."""
        return x**0.5


def assert_equal(got: Any, expected: Any, what: str) -> None:
    """Two elements are one; ``what`` names the claim in the message."""
    difference = got - expected
    assert isinstance(difference, Symbol)
    if not difference.sym.field.is_zero(difference.sym):
        raise AssertionError(f"{what}: the released code gives {got}, expected {expected}")


def assert_differ(got: Any, other: Any, what: str) -> None:
    """Two elements are not one: for the twin of a claim, which must be refuted."""
    difference = got - other
    if difference.sym.field.is_zero(difference.sym):
        raise AssertionError(f"{what}: expected a difference, found none")
