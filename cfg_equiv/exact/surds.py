r"""Rationals with square roots: finite sums :math:`\sum_k q_k\sqrt{k}` with rational :math:`q_k`, squarefree integer k.

A formula that takes roots can then be evaluated exactly at any rational point: no radicand is replaced by a stand-in.
Square roots of distinct squarefree integers are linearly independent over the rationals (Besicovitch 1940), so a sum
is zero iff every coefficient is, and equality is decided.
"""

from fractions import Fraction
from functools import lru_cache
from math import gcd, isqrt
from typing import Any

from sympy import factorint


@lru_cache(maxsize=4096)
def _split(n: int) -> tuple[int, int]:
    """``n = square**2 * rest`` with ``rest`` squarefree."""
    square, rest = 1, 1
    for prime, power in factorint(n).items():
        square *= prime ** (power // 2)
        rest *= prime ** (power % 2)
    return square, rest


class Surd:
    """An exact number with square roots. Compare only by ``==``; order is not needed and not offered."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[int, Fraction]) -> None:
        self.terms = {k: q for k, q in terms.items() if q}

    @classmethod
    def of(cls, value: Any) -> "Surd":
        """An int, Fraction or Surd as a Surd."""
        return value if isinstance(value, Surd) else cls({1: Fraction(value)})

    def rational(self) -> Fraction | None:
        """The value if it has no roots, else None."""
        return self.terms.get(1, Fraction(0)) if set(self.terms) <= {1} else None

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, _NUMBER):
            return NotImplemented
        terms = dict(self.terms)
        for k, q in Surd.of(other).terms.items():
            terms[k] = terms.get(k, Fraction(0)) + q
        return Surd(terms)

    __radd__ = __add__

    def __neg__(self) -> "Surd":
        return Surd({k: -q for k, q in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + (-Surd.of(other)) if isinstance(other, _NUMBER) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return Surd.of(other) - self

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, _NUMBER):
            return NotImplemented
        terms: dict[int, Fraction] = {}
        for k, q in self.terms.items():
            for j, r in Surd.of(other).terms.items():
                common = gcd(k, j)
                index = (k // common) * (j // common)
                terms[index] = terms.get(index, Fraction(0)) + q * r * common
        return Surd(terms)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, _NUMBER):
            return NotImplemented
        divisor, numerator = Surd.of(other), self
        if not divisor.terms:
            raise ZeroDivisionError(f"division of {self!r} by zero")
        # Multiply by the conjugate over one prime at a time, until the divisor is rational.
        while (value := divisor.rational()) is None:
            prime = max(p for k in divisor.terms for p in factorint(k))
            conjugate = Surd({k: -q if k % prime == 0 else q for k, q in divisor.terms.items()})
            if set(divisor.terms) == {k for k in divisor.terms if k % prime == 0}:
                conjugate = Surd({prime: Fraction(1)})  # sqrt(prime) divides it whole: the conjugate is -itself
            numerator, divisor = numerator * conjugate, divisor * conjugate
        return Surd({k: q / value for k, q in numerator.terms.items()})

    def __rtruediv__(self, other: Any) -> Any:
        return Surd.of(other) / self

    def __pow__(self, power: int) -> "Surd":
        result = Surd.of(1)
        for _ in range(abs(power)):
            result = result * self
        return 1 / result if power < 0 else result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surd | int | Fraction) and self.terms == Surd.of(other).terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __repr__(self) -> str:
        parts = [f"{q}" if k == 1 else f"{q}*sqrt({k})" for k, q in sorted(self.terms.items())]
        return " + ".join(parts) or "0"


_NUMBER = Surd | int | Fraction


def sqrt(value: Any) -> Any:
    """The exact square root of a non-negative rational: a Fraction where it is rational, else a Surd."""
    rational = Surd.of(value).rational()
    if rational is None or rational < 0:
        raise ArithmeticError(f"sqrt needs a non-negative rational, got {value!r}")
    # sqrt(p/q) = sqrt(p*q)/q
    square, rest = _split(rational.numerator * rational.denominator) if rational else (0, 1)
    scale = Fraction(square, rational.denominator)
    return scale if rest == 1 else Surd({rest: scale})


def sign(value: Any) -> int:
    """The sign of an exact number: zero is decided exactly, the rest by enclosures that outlast any cancellation."""
    number = Surd.of(value)
    if not number.terms:
        return 0
    rational = number.rational()
    if rational is not None:
        return (rational > 0) - (rational < 0)
    digits = 40
    while True:  # ends: the number is not zero
        scale = 10**digits
        low = high = Fraction(0)
        for k, q in number.terms.items():
            root = isqrt(k * scale * scale)
            ends = (q * Fraction(root, scale), q * Fraction(root + 1, scale))
            low, high = low + min(ends), high + max(ends)
        if low > 0 or high < 0:
            return 1 if low > 0 else -1
        digits *= 2
