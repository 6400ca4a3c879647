r"""Linear combinations of named unknowns with exact coefficients: a step run on them *is* a proof that it is linear.

A combination can be added to another and multiplied or divided by a scalar. Nothing else is defined: a product of two
of them, or a power, raises :class:`NotLinearError`. A solver that runs on the latent and the predictions as unknowns is
therefore linear in all of them, and its coefficients can be read.
"""

from collections.abc import Iterable
from typing import Any


class NotLinearError(ArithmeticError):
    """The formula is not linear in the unknowns."""


class Combination:
    """:math:`\\sum_i c_i u_i` over unknowns ``u_i`` by name, in an order fixed by their first appearance."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[str, Any]) -> None:
        self.terms = terms

    def __add__(self, other: Any) -> "Combination":
        if not isinstance(other, Combination):
            if isinstance(other, int) and other == 0:
                return self
            raise NotLinearError(f"a linear form plus {other!r}: the formula is affine, not linear, in its unknowns")
        terms = dict(self.terms)
        for name, c in other.terms.items():
            terms[name] = terms[name] + c if name in terms else c
        return Combination(terms)

    __radd__ = __add__

    def __neg__(self) -> "Combination":
        return Combination({name: -c for name, c in self.terms.items()})

    def __sub__(self, other: Any) -> "Combination":
        negated: Any = -other
        return self.__add__(negated)

    def __rsub__(self, other: Any) -> "Combination":
        return (-self).__add__(other)

    def __mul__(self, scalar: Any) -> "Combination":
        if isinstance(scalar, Combination):
            raise NotLinearError("a product of two linear forms: the formula is not linear in its unknowns")
        factor = as_scalar(scalar)
        return Combination({name: factor * c for name, c in self.terms.items()})

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> "Combination":
        if isinstance(scalar, Combination):
            raise NotLinearError("division by a linear form: the formula is not linear in its unknowns")
        divisor = as_scalar(scalar)
        return Combination({name: c / divisor for name, c in self.terms.items()})

    def __rtruediv__(self, other: Any) -> "Combination":
        raise NotLinearError("division by a linear form: the formula is not linear in its unknowns")

    def __getitem__(self, name: str) -> Any:
        """The coefficient of an unknown; 0 if it does not appear."""
        return self.terms.get(name, 0)

    def __repr__(self) -> str:
        return " + ".join(f"({c})*{name}" for name, c in self.terms.items()) or "0"


def as_scalar(value: Any) -> Any:
    """A scalar as one that multiplies: a formal logarithm stands for its value."""
    return value.value() if hasattr(value, "value") else value


def unknown(name: str, one: Any) -> Combination:
    """The unknown itself, with coefficient ``one``."""
    return Combination({name: one})


def names(combinations: Iterable[Combination]) -> list[str]:
    """The unknowns of several combinations, each once, in order of appearance."""
    return list(dict.fromkeys(name for one in combinations for name in one.terms))
