r"""Truncated Laurent series in one small variable, as a number type for the shipped forms, and their namespace.

A :class:`Series` is :math:`\sum_{k\ge v} c_k h^k + O(h^n)` over exact coefficients: ints, Fractions, or
:class:`~cfg_equiv.exact.coefficients.Quotient`. It carries its precision ``n``: a quotient by a series that starts
with :math:`h^v` loses ``v`` powers, and what is not known is never printed as zero. Run on series, a form shows how
its step behaves as the step goes to zero.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from cfg_equiv.exact.combination import Combination
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.surds import sqrt as exact_sqrt

F = Fraction


class Series:
    r""":math:`\sum_k c_k h^{v+k} + O(h^n)`; the first coefficient is not zero, and ``v = n`` if none is known."""

    __slots__ = ("coefficients", "precision", "valuation")

    def __init__(self, coefficients: Sequence[Any], valuation: int, precision: int) -> None:
        known = coefficients[: max(precision - valuation, 0)]
        skip = next((k for k, c in enumerate(known) if c), None)
        self.coefficients: tuple[Any, ...] = () if skip is None else tuple(known[skip:])
        self.valuation = precision if skip is None else valuation + skip
        self.precision = precision

    def __getitem__(self, power: int) -> Any:
        """The coefficient of a power; an error if it is not known."""
        if power >= self.precision:
            raise ExactError(f"the coefficient of h^{power} of a series known up to h^{self.precision}: raise it")
        k = power - self.valuation
        return self.coefficients[k] if 0 <= k < len(self.coefficients) else 0

    def _of(self, other: Any) -> "Series | None":
        """A scalar as a series with a precision that costs nothing."""
        if isinstance(other, Series):
            return other
        if isinstance(other, Combination):
            return None
        return Series((other,), 0, max(self.precision, 0) + max(-self.valuation, 0) + 1)

    def __add__(self, other: Any) -> Any:
        if (b := self._of(other)) is None:
            return NotImplemented
        start, precision = min(self.valuation, b.valuation), min(self.precision, b.precision)
        return Series([self._at(k) + b._at(k) for k in range(start, precision)], start, precision)

    def _at(self, power: int) -> Any:
        k = power - self.valuation
        return self.coefficients[k] if 0 <= k < len(self.coefficients) else 0

    __radd__ = __add__

    def __neg__(self) -> "Series":
        return Series([-c for c in self.coefficients], self.valuation, self.precision)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Combination) else self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Combination):
            return NotImplemented
        if not isinstance(other, Series):
            return Series([c * other if c else 0 for c in self.coefficients], self.valuation, self.precision)
        start = self.valuation + other.valuation
        precision = min(self.valuation + other.precision, other.valuation + self.precision)
        found = [_convolved(self.coefficients, other.coefficients, k) for k in range(precision - start)]
        return Series(found, start, precision)

    __rmul__ = __mul__

    def inverse(self) -> "Series":
        """One over it."""
        if not self.coefficients:
            raise ZeroDivisionError(f"division by a series of which nothing is known but O(h^{self.precision})")
        first = 1 / _exact(self.coefficients[0])
        found = [first]
        for k in range(1, self.precision - self.valuation):
            rest = _convolved(self.coefficients[1:], found, k - 1)
            found.append(-first * rest if rest else 0)
        return Series(found, -self.valuation, self.precision - 2 * self.valuation)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Combination):
            return NotImplemented
        if not isinstance(other, Series):
            return self * (1 / _exact(other))
        return self * other.inverse()

    def __rtruediv__(self, other: Any) -> Any:
        return self.inverse() * other

    def __pow__(self, power: int) -> "Series":
        result = Series((1,), 0, self.precision - min(self.valuation, 0))
        for _ in range(abs(power)):
            result = result * self
        return result if power >= 0 else result.inverse()

    def __repr__(self) -> str:
        terms = [f"({c})*h^{self.valuation + k}" for k, c in enumerate(self.coefficients) if c]
        return " + ".join([*terms, f"O(h^{self.precision})"])


def small(precision: int) -> Series:
    """The variable ``h`` itself."""
    return Series((1,), 1, precision)


def constant(value: Any, precision: int) -> Series:
    """A constant series."""
    return Series((value,), 0, precision)


def taylor(derivatives: Iterable[Any], at: Series) -> Series:
    r""":math:`\sum_n d_n\,u^n/n!` at a series ``u`` without constant term: a jet, followed along ``u``."""
    if at.valuation < 1:
        raise ExactError(f"a jet at {at}, which does not start with h: take its constant term off first")
    total, power = Series((), 0, at.precision), constant(F(1), at.precision)
    for n, d in enumerate(derivatives, 1):
        total = total + power * d
        power = power * at / n
    # What the jet leaves out starts with the next power of ``at``.
    return Series(total.coefficients, total.valuation, min(total.precision, power.valuation))


def _exact(value: Any) -> Any:
    return Fraction(value) if isinstance(value, int) else value


def _convolved(a: Sequence[Any], b: Sequence[Any], k: int) -> Any:
    """The sum of ``a[i]*b[k-i]``."""
    total: Any = 0
    for i in range(max(0, k - len(b) + 1), min(k + 1, len(a))):
        if a[i] and b[k - i]:
            total = total + a[i] * b[k - i]
    return total


class Jets:
    r"""``log, expm1, sqrt`` of series.

    A logarithm of a constant other than 1 is a generator: ``logs`` names it for each constant, and an exponential
    gives the constant back. :data:`JETS` knows none.
    """

    def __init__(self, logs: Sequence[tuple[Any, Any]] = ()) -> None:
        self._logs = tuple(logs)

    def log(self, x: Any) -> Any:
        """The logarithm; of the constant term, the generator that stands for it."""
        if not isinstance(x, Series):
            return self._log_of(x)
        first = _unit(x, "logarithm")
        inverse = (x / first).inverse()
        ratio = _derivative(x / first) * inverse
        found = [self._log_of(first), *(_exact(ratio[k]) / (k + 1) for k in range(x.precision - 1))]
        return Series(found, 0, x.precision)

    def expm1(self, x: Any) -> Any:
        """``exp(x) - 1``."""
        if not isinstance(x, Series):
            return self._exp_of(x) - 1
        if x.valuation < 0:
            raise ExactError(f"the exponential of {x}, which has no limit at h = 0")
        found: list[Any] = [1]
        for n in range(1, x.precision):
            total: Any = 0
            for k in range(1, n + 1):
                if (c := x[k]) and found[n - k]:
                    total = total + k * c * found[n - k]
            found.append(_exact(total) / n if total else 0)
        return Series(found, 0, x.precision) * self._exp_of(x[0]) - 1

    @staticmethod
    def sqrt(x: Any) -> Any:
        """The root that starts with the positive root of the constant term."""
        if not isinstance(x, Series):
            return _root(x)
        root = _root(_unit(x, "square root"))
        found = [root]
        for n in range(1, x.precision):
            crossed = _convolved(found[1:], found[1:], n - 2) if n > 1 else 0
            rest = x[n] - crossed
            found.append(rest / (2 * root) if rest else 0)
        return Series(found, 0, x.precision)

    def _log_of(self, c: Any) -> Any:
        if c == 1:
            return 0
        for value, name in self._logs:
            if c == value:
                return name
            if c * value == 1:
                return -name
        raise ExactError(f"the logarithm of the constant {c}: name a generator for it")

    def _exp_of(self, c: Any) -> Any:
        if c == 0:
            return 1
        for value, name in self._logs:
            if c == name:
                return value
            if c == -name:
                return 1 / value
        raise ExactError(f"the exponential of the constant {c}, which is the logarithm of none")


def _unit(x: Series, what: str) -> Any:
    if x.valuation != 0 or not x.coefficients:
        raise ExactError(f"the {what} of {x}, which does not start with a constant")
    return _exact(x.coefficients[0])


def _derivative(x: Series) -> Series:
    found = [k * x[k] for k in range(1, x.precision)]
    return Series(found, 0, x.precision - 1)


def _root(c: Any) -> Any:
    if isinstance(c, int | Fraction):
        root = exact_sqrt(Fraction(c))
        if not isinstance(root, Fraction):
            raise ExactError(f"the square root of {c} is not rational: choose another parameter")
        return root
    return c.sqrt()


JETS = Jets()
