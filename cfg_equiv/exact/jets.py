r"""Truncated Laurent series in one variable ``h``: the namespace in which a solver's step becomes its own expansion.

A series is :math:`\sum_{k \ge v} c_k h^k + O(h^n)`, or exact. Arithmetic tracks what is known, as one tracks decimal
places: a division by :math:`h^2` leaves two orders less. No term is kept at or beyond the precision of its
:class:`Jets`. Where too little is left the caller is told (:class:`PrecisionError`) and starts with more.

.. math::
    E = e^{x}:\ nE_n = \sum_{k=1}^{n} k\,x_k E_{n-k},\qquad
    L = \log x,\ x_0 = 1:\ nL_n = nx_n - \sum_{k=1}^{n-1} k\,L_k x_{n-k}

``log`` is asked for half-log-SNRs, of which only differences mean anything. A :class:`Jets` with ``odds`` measures them
from the level whose :math:`\alpha/\sigma` is ``odds``: the logarithm of a series with that constant term starts at 0.

References
----------
Griewank, Walther, Evaluating Derivatives, 2nd ed., chapter 13 (Taylor arithmetic).
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.exact.coefficients import Coefficients, Rationals
from cfg_equiv.exact.combination import Combination


class PrecisionError(ArithmeticError):
    """Nothing is left of a series at this precision."""


class Series:
    """``terms`` maps powers to coefficients that are not zero; ``known`` is the first unknown power, None if exact."""

    __slots__ = ("jets", "known", "terms")

    def __init__(self, jets: "Jets", terms: dict[int, Any], known: int | None = None) -> None:
        self.jets = jets
        limit = jets.precision if known is None else min(known, jets.precision)
        kept = {k: c for k, c in terms.items() if k < limit and c}
        self.known = None if known is None and all(k < limit or not c for k, c in terms.items()) else limit
        self.terms = kept

    @property
    def low(self) -> int | None:
        """The lowest power that may be there; None for an exact zero."""
        return min(self.terms) if self.terms else self.known

    def _known(self, shift: int | None) -> list[int]:
        return [] if self.known is None or shift is None else [self.known + shift]

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Combination):
            return NotImplemented
        b = self.jets.series(other)
        terms = dict(self.terms)
        for k, c in b.terms.items():
            terms[k] = terms[k] + c if k in terms else c
        return Series(self.jets, terms, min([*self._known(0), *b._known(0)], default=None))

    __radd__ = __add__

    def __neg__(self) -> "Series":
        return Series(self.jets, {k: -c for k, c in self.terms.items()}, self.known)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Combination) else self + -self.jets.series(other)

    def __rsub__(self, other: Any) -> Any:
        return self.jets.series(other) + -self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Combination):
            return NotImplemented
        if isinstance(other, int) and other in (1, -1):
            return self if other == 1 else -self
        b = self.jets.series(other)
        if self.low is None or b.low is None:
            return Series(self.jets, {})
        known = min([*self._known(b.low), *b._known(self.low)], default=None)
        limit = self.jets.precision if known is None else min(known, self.jets.precision)
        terms: dict[int, Any] = {}
        for i, c in self.terms.items():
            for j, d in b.terms.items():
                if i + j < limit:
                    terms[i + j] = terms[i + j] + c * d if i + j in terms else c * d
        exact = known is None and max(self.terms) + max(b.terms) < limit
        return Series(self.jets, terms, None if exact else limit)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Series":
        if isinstance(other, int) and other == 1:
            return self
        b = self.jets.series(other)
        if not b.terms:
            zero = ZeroDivisionError("division by a series that is zero")
            raise zero if b.known is None else PrecisionError(f"division by O(h^{b.known})")
        if self.low is None:
            return self
        low = min(b.terms)
        inverse = self.jets.coefficients.inverse(b.terms[low])
        if len(b.terms) == 1 and b.known is None:
            terms = {k - low: c * inverse for k, c in self.terms.items()}
            return Series(self.jets, terms, None if self.known is None else self.known - low)
        known = min([*self._known(-low), *b._known(self.low - 2 * low), self.jets.precision])
        rest = sorted(k for k in b.terms if k != low)
        quotient: dict[int, Any] = {}
        for n in range(self.low - low, known):
            c = self.terms.get(n + low, 0)
            for k in rest:
                if (q := quotient.get(n + low - k)) is not None:
                    c = c - b.terms[k] * q
            if c:
                quotient[n] = c * inverse
        return Series(self.jets, quotient, known)

    def __rtruediv__(self, other: Any) -> "Series":
        return self.jets.series(other) / self

    def __pow__(self, power: int) -> "Series":
        result = self.jets.series(1)
        for _ in range(abs(power)):
            result = result * self
        return 1 / result if power < 0 else result

    def __repr__(self) -> str:
        parts = [f"({c})*h^{k}" for k, c in sorted(self.terms.items())]
        return " + ".join(parts + ([] if self.known is None else [f"O(h^{self.known})"])) or "0"


class Jets:
    """``log, expm1, sqrt`` on series up to ``precision``, with coefficients in a field or ring of parameters."""

    def __init__(self, precision: int, coefficients: Coefficients | None = None, odds: Any = 1) -> None:
        self.precision = precision
        self.coefficients: Coefficients = coefficients if coefficients is not None else Rationals()
        self.odds = self.series(odds)

    def series(self, value: Any) -> Series:
        """A number, a coefficient or a series as a series."""
        if isinstance(value, Series):
            return value
        return Series(self, {0: self.coefficients.of(value) if isinstance(value, int | Fraction) else value})

    def monomial(self, power: int = 1, coefficient: Any = 1) -> Series:
        """``coefficient*h^power``."""
        return Series(self, {power: self.series(coefficient).terms[0]})

    def log(self, x: Any) -> Series:
        """The logarithm of a series with the constant term 1, ``odds``, or ``1/odds``."""
        x = self.series(x)
        one = self.coefficients.of(1)
        for scale in (self.series(1), 1 / self.odds, self.odds):
            scaled = x * scale
            if scaled.terms.get(0) == one and min(scaled.terms) == 0:
                return self._log(scaled)
        raise ArithmeticError(f"log of {x!r}: expected the constant term 1, or alpha/sigma of the level in hand")

    def _log(self, x: Series) -> Series:
        if x.known is None and len(x.terms) == 1:
            return Series(self, {})
        known = self.precision if x.known is None else x.known
        terms: dict[int, Any] = {}
        for n in range(1, known):
            c = n * x.terms[n] if n in x.terms else 0
            for k, term in terms.items():
                if n - k in x.terms:
                    c = c - k * term * x.terms[n - k]
            if c:
                terms[n] = c * self.coefficients.of(Fraction(1, n))
        return Series(self, terms, known)

    def expm1(self, x: Any) -> Series:
        """``exp(x) - 1`` of a series without a constant term."""
        x = self.series(x)
        if x.low is None:
            return x
        if x.low < 1:
            raise ArithmeticError(f"expm1 of {x!r}: expected a series that starts at h")
        known = self.precision if x.known is None else x.known
        terms: dict[int, Any] = {0: self.coefficients.of(1)}
        for n in range(1, known):
            c: Any = 0
            for k, term in x.terms.items():
                if n - k in terms:
                    c = c + k * term * terms[n - k]
            if c:
                terms[n] = c * self.coefficients.of(Fraction(1, n))
        del terms[0]
        return Series(self, terms, known)

    def sqrt(self, x: Any) -> Series:
        """The square root of a series whose constant term is a square."""
        x = self.series(x)
        if 0 not in x.terms or min(x.terms) < 0:
            raise ArithmeticError(f"sqrt of {x!r}: expected a constant term that is a square")
        root = self.coefficients.sqrt(x.terms[0])
        if x.known is None and len(x.terms) == 1:
            return Series(self, {0: root})
        half = self.coefficients.inverse(2 * root)
        known = self.precision if x.known is None else x.known
        terms: dict[int, Any] = {0: root}
        for n in range(1, known):
            c = x.terms.get(n, 0)
            for k in range(1, n):
                if k in terms and n - k in terms:
                    c = c - terms[k] * terms[n - k]
            if c:
                terms[n] = c * half
        return Series(self, terms, known)
