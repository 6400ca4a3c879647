r"""Coefficients of truncated series: rationals, rational functions, or polynomials in a few named parameters.

All three are exact, and a coefficient is zero iff it compares equal to zero. Polynomials divide by constants only,
which is what they are for: parameters that enter in higher powers of the variable never reach a denominator, and no
greatest common divisor is ever computed.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from sympy import Integer, Rational, integer_nthroot
from sympy.polys.domains import QQ, ZZ
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

from cfg_equiv.exact import surds


class Coefficients(Protocol):
    """Where coefficients live: how numbers enter, what can be inverted, what has a root."""

    gens: dict[str, Any]

    def of(self, value: Any) -> Any:
        """An int or a Fraction as a coefficient."""

    def inverse(self, c: Any) -> Any:
        """The reciprocal of a coefficient that is not zero."""

    def sqrt(self, c: Any) -> Any:
        """The square root that is positive at small positive parameters."""

    def expression(self, c: Any) -> Any:
        """The coefficient as a SymPy expression."""


class Rationals:
    """The rationals, as Fractions."""

    gens: dict[str, Any] = {}

    def of(self, value: Any) -> Fraction:
        """An int or a Fraction."""
        return Fraction(value)

    def inverse(self, c: Fraction) -> Fraction:
        """The reciprocal."""
        return 1 / c

    def sqrt(self, c: Fraction) -> Fraction:
        """The root of a square."""
        root = surds.sqrt(c)
        if not isinstance(root, Fraction):
            raise ArithmeticError(f"sqrt of a series with the constant term {c}, which is no square of a rational")
        return root

    def expression(self, c: Fraction) -> Any:
        """A SymPy rational."""
        return Rational(c.numerator, c.denominator)


class Polynomials:
    """Polynomials with rational coefficients."""

    def __init__(self, names: Sequence[str]) -> None:
        self._ring = PolyRing(list(names), QQ, lex)
        self.gens = dict(zip(names, self._ring.gens, strict=True))

    def of(self, value: Any) -> Any:
        """A constant polynomial."""
        q = Fraction(value)
        return self._ring.ground_new(QQ(q.numerator, q.denominator))

    def inverse(self, c: Any) -> Any:
        """The reciprocal of a constant."""
        if not c.is_ground:
            raise ArithmeticError(f"division by {c}: polynomials divide by constants only, use rational functions")
        return self._ring.ground_new(1 / c.LC)

    def sqrt(self, c: Any) -> Any:
        """The root of a constant that is a square."""
        if not c.is_ground:
            raise ArithmeticError(f"sqrt of a series with the constant term {c}, which is no number")
        return self.of(Rationals().sqrt(Fraction(int(c.LC.numerator), int(c.LC.denominator))))

    def expression(self, c: Any) -> Any:
        """A SymPy expression."""
        return c.as_expr()


class RationalFunctions:
    """Quotients of polynomials with integer coefficients, in lowest terms."""

    def __init__(self, names: Sequence[str]) -> None:
        self._field = FracField(list(names), ZZ, lex)
        self.gens = dict(zip(names, self._field.gens, strict=True))

    def of(self, value: Any) -> Any:
        """A constant."""
        q = Fraction(value)
        return self._field(q.numerator) / self._field(q.denominator)

    def inverse(self, c: Any) -> Any:
        """The reciprocal."""
        return 1 / c

    def sqrt(self, c: Any) -> Any:
        """The root of a square."""
        root = self._field(1)
        for poly, power in ((c.numer, 1), (c.denom, -1)):
            content, factors = poly.factor_list()
            whole, exact = integer_nthroot(int(content), 2) if content > 0 else (0, False)
            if not exact or any(k % 2 for _, k in factors):
                raise ArithmeticError(f"sqrt of a series with the constant term {c}, which is no square")
            part = self._field(whole)
            for factor, k in factors:
                # The sign that the factor has near zero, where the parameters are small.
                part = part * self._field(factor if _trailing(factor) > 0 else -factor) ** (k // 2)
            root = root * part**power
        return root

    def expression(self, c: Any) -> Any:
        """A SymPy expression."""
        return c.as_expr()


def _trailing(poly: Any) -> Any:
    """The coefficient of the smallest monomial."""
    return min(poly.terms())[1]


def number(c: Any) -> Any:
    """A Fraction as a SymPy number."""
    return Integer(c) if isinstance(c, int) else Rational(c.numerator, c.denominator)
