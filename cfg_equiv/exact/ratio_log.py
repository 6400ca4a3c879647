r"""Logarithms at rational points: the ratio is exact, the value a homomorphism chosen once.

``log(r)`` keeps ``r``, so that ``expm1`` of sums and rational multiples is exact. Where a formula asks for the value
itself, in a denominator say, :math:`\log r = \sum_p v_p(r)\,L_p` over the primes of ``r`` with one rational :math:`L_p`
per prime, near :math:`\log p`. Any choice of :math:`L_p` keeps :math:`\log(rs) = \log r + \log s`, so an identity that
holds with independent logarithms holds at such a point too, and one that fails at the point is no identity. What is not
claimed is that the number is the true value of the formula.
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import factorint, integer_nthroot

from cfg_equiv.exact import surds


@lru_cache(maxsize=4096)
def _log_of_prime(p: int) -> Fraction:
    return Fraction(round(997 * math.log(p)), 997)


@lru_cache(maxsize=4096)
def _log_of_integer(n: int) -> Fraction:
    return sum((power * _log_of_prime(p) for p, power in factorint(n).items()), Fraction(0))


def _monomial(value: Any) -> tuple[Fraction, int]:
    """``q*sqrt(k)`` as ``(q, k)``."""
    terms = surds.Surd.of(value).terms
    if len(terms) != 1:
        raise ArithmeticError(f"the logarithm of the sum of roots {value!r} has no exact form: choose another point")
    ((k, q),) = terms.items()
    return q, k


class RatioLog:
    """``log(ratio)``: sums and rational multiples stay exact; everything else asks for the value."""

    __slots__ = ("ratio",)

    def __init__(self, ratio: Any) -> None:
        self.ratio = ratio

    def value(self) -> Fraction:
        """The stand-in for the logarithm."""
        q, k = _monomial(self.ratio)
        if q <= 0:
            raise ArithmeticError(f"the logarithm of {self.ratio!r}, which is not positive")
        return _log_of_integer(q.numerator) - _log_of_integer(q.denominator) + _log_of_integer(k) / 2

    def __add__(self, other: Any) -> Any:
        return RatioLog(self.ratio * other.ratio) if isinstance(other, RatioLog) else self.value() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __neg__(self) -> "RatioLog":
        return RatioLog(1 / self.ratio)

    def __mul__(self, scalar: Any) -> Any:
        if isinstance(scalar, RatioLog):
            return self.value() * scalar.value()
        if isinstance(scalar, surds.Surd):
            return self.value() * scalar
        if not isinstance(scalar, int | Fraction):
            return NotImplemented
        power = Fraction(scalar)
        root = _root(self.ratio, power.denominator)
        return self.value() * power if root is None else RatioLog(root**power.numerator)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, int):
            return self * Fraction(1, other)
        return self.value() / (other.value() if isinstance(other, RatioLog) else other)

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value()

    def __repr__(self) -> str:
        return f"log({self.ratio})"


def _root(value: Any, n: int) -> Any:
    """The exact n-th root, or None where there is none among the rationals and square roots of rationals."""
    if n == 1:
        return value
    rational = surds.Surd.of(value).rational()
    if rational is None:
        return None
    roots = [integer_nthroot(part, n) for part in (rational.numerator, rational.denominator)]
    if all(exact for _, exact in roots):
        return Fraction(int(roots[0][0]), int(roots[1][0]))
    if n % 2:
        return None
    inner = _root(rational, n // 2)
    nested = inner is None or surds.Surd.of(inner).rational() is None
    return None if nested else surds.sqrt(inner)
