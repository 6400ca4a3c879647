r"""Exact coefficients of power series: quotients of integer polynomials whose denominators are kept factored.

The denominators that solvers bring along are products of a few small polynomials (ratios of steps and their sums). Kept
as factors they need no greatest common divisor: a sum takes the least common multiple of two lists of factors, and a
factor that divides the numerator is cancelled.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import gcd, isqrt, lcm
from random import Random
from typing import Any

from sympy import ZZ
from sympy.polys.rings import PolyElement, PolyRing

from cfg_equiv.exact.element import ExactError

_PRIME = 2**61 - 1


class Coefficients:
    """The ring of quotients in named generators.

    Parameters
    ----------
    names
        The generators, in the order in which they are printed.
    at
        A point at which a square root is positive, generator by generator; 2 where it does not say.
    """

    def __init__(self, names: Iterable[str], at: Mapping[str, Fraction] | None = None) -> None:
        self.ring = PolyRing(list(names), ZZ, "lex")
        self.one = Quotient(self, self.ring.one, 1, {})
        self.gens = {str(x): Quotient(self, x, 1, {}) for x in self.ring.gens}
        self._point = [Fraction((at or {}).get(str(x), 2)) for x in self.ring.gens]
        self._factored: dict[Any, tuple[int, tuple[tuple[Any, int], ...]]] = {}
        self._roots: dict[Any, tuple[list[int], dict[tuple[int, ...], int]] | None] = {}

    def __getitem__(self, name: str) -> "Quotient":
        return self.gens[name]

    def number(self, value: int | Fraction) -> "Quotient":
        """A rational number as an element."""
        value = Fraction(value)
        return Quotient(self, self.ring.ground_new(value.numerator), value.denominator, {})

    def factors(self, polynomial: PolyElement) -> tuple[int, tuple[tuple[PolyElement, int], ...]]:
        """The content, with its sign, and the irreducible factors, each with a positive leading coefficient."""
        if polynomial not in self._factored:
            content, factors = polynomial.factor_list()
            signed = [(-f, power, (-1) ** power) if f.LC < 0 else (f, power, 1) for f, power in factors]
            for _, _, sign in signed:
                content *= sign
            self._factored[polynomial] = int(content), tuple((f, power) for f, power, _ in signed)
        return self._factored[polynomial]

    def may_divide(self, factor: PolyElement, polynomial: PolyElement) -> bool:
        """False only if the factor does not divide: then the polynomial is not zero at a root of it modulo a prime."""
        if factor not in self._roots:
            root = self._root_of(factor)
            self._roots[factor] = None if root is None else (root, {})
        if (known := self._roots[factor]) is None:
            return True
        root, monomials = known
        total = 0
        for powers, c in polynomial.items():
            if (value := monomials.get(powers)) is None:
                value = 1
                for x, power in zip(root, powers, strict=True):
                    if power:
                        value = value * pow(x, power, _PRIME) % _PRIME
                monomials[powers] = value
            total += value * int(c)
        return not total % _PRIME

    def _root_of(self, factor: PolyElement) -> list[int] | None:
        """A root modulo the prime, solved for a generator in which the factor is linear."""
        draw = Random(1)
        values = [draw.randrange(1, _PRIME) for _ in self.ring.gens]
        for i, degree in enumerate(factor.degrees()):
            slope = rest = 0
            for powers, c in factor.items():
                term = int(c)
                for j, (x, power) in enumerate(zip(values, powers, strict=True)):
                    term = term * pow(x, power, _PRIME) % _PRIME if j != i else term
                slope, rest = (slope + term, rest) if powers[i] else (slope, rest + term)
            if degree == 1 and slope % _PRIME:
                values[i] = -rest * pow(slope, -1, _PRIME) % _PRIME
                return values
        return None

    def value(self, polynomial: PolyElement) -> Fraction:
        """The value at the point of the roots' signs."""
        total = Fraction(0)
        for powers, c in polynomial.terms():
            term = Fraction(int(c))
            for x, power in zip(self._point, powers, strict=True):
                term *= x**power
            total += term
        return total


class Quotient:
    """``numer/(denom*product of factors)``; ``+ - * /`` with ints, Fractions and each other."""

    __slots__ = ("denom", "factors", "numer", "ring")

    def __init__(self, ring: Coefficients, numer: PolyElement, denom: int, factors: dict[Any, int]) -> None:
        self.ring = ring
        self.numer = numer
        self.denom = denom
        self.factors = factors

    def _reduced(self) -> "Quotient":
        """Without the factors that divide the numerator."""
        numer, denom, factors = self.numer, self.denom, self.factors
        if not numer:
            return Quotient(self.ring, numer, 1, {})
        if denom != 1:
            common = gcd(denom, *(int(c) for c in numer.values()))
            if common != 1:
                numer, denom = numer.quo_ground(common), denom // common
        left = dict(factors)
        for factor, power in factors.items():
            while power and self.ring.may_divide(factor, numer):
                quotient, rest = divmod(numer, factor)
                if rest:
                    break
                numer, power = quotient, power - 1
            left[factor] = power
        return Quotient(self.ring, numer, denom, {f: power for f, power in left.items() if power})

    def _lift(self, denom: int, factors: Mapping[Any, int]) -> PolyElement:
        """The numerator over a multiple of the denominator."""
        numer = self.numer.mul_ground(denom // self.denom) if denom != self.denom else self.numer
        for factor, power in factors.items():
            more = power - self.factors.get(factor, 0)
            if more:
                numer = numer * factor**more
        return numer

    def __bool__(self) -> bool:
        return bool(self.numer)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int | Fraction):
            if not other:
                return self
            other = self.ring.number(other)
        if not isinstance(other, Quotient):
            return NotImplemented
        if not other.numer:
            return self
        if not self.numer:
            return other
        denom = lcm(self.denom, other.denom)
        factors = {f: max(self.factors.get(f, 0), other.factors.get(f, 0)) for f in (*self.factors, *other.factors)}
        numer = self._lift(denom, factors) + other._lift(denom, factors)
        return Quotient(self.ring, numer, denom, factors)._reduced()

    __radd__ = __add__

    def __neg__(self) -> "Quotient":
        return Quotient(self.ring, -self.numer, self.denom, self.factors)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int | Fraction):
            other = self.ring.number(other)
        if not isinstance(other, Quotient):
            return NotImplemented
        factors = dict(self.factors)
        for factor, power in other.factors.items():
            factors[factor] = factors.get(factor, 0) + power
        return Quotient(self.ring, self.numer * other.numer, self.denom * other.denom, factors)._reduced()

    __rmul__ = __mul__

    def inverse(self) -> "Quotient":
        """One over it."""
        if not self.numer:
            raise ZeroDivisionError("division by a coefficient that is zero")
        content, found = self.ring.factors(self.numer)
        numer = self.ring.ring.ground_new(self.denom if content > 0 else -self.denom)
        for factor, power in self.factors.items():
            numer = numer * factor**power
        return Quotient(self.ring, numer, abs(content), dict(found))._reduced()

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, int | Fraction):
            return self * (1 / Fraction(other))
        return self * other.inverse() if isinstance(other, Quotient) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return self.inverse() * other

    def __pow__(self, power: int) -> "Quotient":
        result = self.ring.one
        for _ in range(abs(power)):
            result = result * self
        return result if power >= 0 else result.inverse()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quotient | int | Fraction) and not (self - other)

    def __hash__(self) -> int:
        return hash((self.numer, self.denom, frozenset(self.factors.items())))

    def sqrt(self) -> "Quotient":
        """The root that is positive at the ring's point; an error where there is none."""
        content, found = self.ring.factors(self.numer)
        whole = content * self.denom
        if whole < 0 or isqrt(whole) ** 2 != whole or any(power % 2 for _, power in (*found, *self.factors.items())):
            raise ExactError(f"the square root of {self} is no quotient of polynomials: choose another parameter")
        numer = self.ring.ring.ground_new(isqrt(whole))
        for factor, power in found:
            numer = numer * factor ** (power // 2)
        factors = {factor: power // 2 for factor, power in self.factors.items()}
        sign = self.ring.value(numer)
        for factor, power in factors.items():
            sign *= self.ring.value(factor) ** power
        return Quotient(self.ring, numer if sign > 0 else -numer, self.denom, factors)._reduced()

    def monomials(self) -> Iterable[tuple[dict[str, int], "Quotient"]]:
        """Its terms: the powers of the generators in the numerator, and the coefficient with the denominator."""
        names = [str(x) for x in self.ring.ring.gens]
        for powers, c in self.numer.terms():
            shared = Quotient(self.ring, self.ring.ring.ground_new(c), self.denom, self.factors)
            yield {name: p for name, p in zip(names, powers, strict=True) if p}, shared._reduced()

    def as_expr(self) -> Any:
        """As a SymPy expression, factored below."""
        below: Any = self.denom
        for factor, power in self.factors.items():
            below = below * factor.as_expr() ** power
        return self.numer.as_expr() / below

    def __repr__(self) -> str:
        return str(self.as_expr())
