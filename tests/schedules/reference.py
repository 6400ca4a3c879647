"""Exact values of closed forms, at 60 digits, and the units their bounds are counted in."""

from collections.abc import Callable
from fractions import Fraction

import mpmath
from mpmath.libmp import to_rational
from torch import Tensor

U = 2.0**-53  # one correctly rounded float64 operation
U32 = 2.0**-24

TIMES = [0.0, 1 / 1024, 1 / 8, 1 / 3, 0.5, 0.7, 7 / 8, 1023 / 1024, 1.0]


def exact(formula: Callable[[mpmath.mpf], mpmath.mpf], times: list[float]) -> list[Fraction]:
    """The formula at the given doubles, at 60 digits."""
    with mpmath.workdps(60):
        return [Fraction(*map(int, to_rational(mpmath.mpf(formula(mpmath.mpf(t)))._mpf_))) for t in times]


def relative(values: list[Fraction], units: float) -> list[float]:
    """A bound of ``units`` roundings of each value, rounded up."""
    return [float(abs(v)) * units * U * (1 + 2.0**-40) for v in values]


def off_circle(alpha: Tensor, sigma: Tensor) -> list[float]:
    """``|alpha^2 + sigma^2 - 1|`` of the doubles, exactly."""
    pairs = zip(alpha.tolist(), sigma.tolist(), strict=True)
    return [float(abs(Fraction(a) ** 2 + Fraction(s) ** 2 - 1)) for a, s in pairs]
