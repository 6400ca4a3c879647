r"""Enclosures of real numbers: the exact reference where a logarithm or a root occurs.

Interval arithmetic at 60 digits returns two numbers between which the exact result certainly lies. :data:`INTERVAL` is
the namespace ``xp`` for it; ``expm1`` is :math:`e^x - 1`, whose cancellation 60 digits outlast.

References
----------
[Moore66] Moore, Interval Analysis. [mpmath] The mpmath development team, https://mpmath.org, ``mpmath.iv``.
"""

import math
from fractions import Fraction
from typing import Any

from mpmath import libmp  # type: ignore[import-untyped]
from mpmath.ctx_iv import MPIntervalContext  # type: ignore[import-untyped]

_IV: Any = MPIntervalContext()  # a context of our own: the precision of ``mpmath.iv`` is global
_IV.dps = 60


class NoRealValueError(ValueError):
    """A root of a negative number: the formula has no real value at these inputs."""


class INTERVAL:
    """The namespace ``xp`` of interval arithmetic; arguments come from :func:`number`."""

    @staticmethod
    def log(x: Any) -> Any:
        """The logarithm of an interval of positive numbers."""
        low, _ = endpoints(x)
        if low <= 0:
            raise ValueError(
                f"expected a positive argument of log, got an interval from {float(low)!r}; check the point"
            )
        return _IV.log(x)

    @staticmethod
    def sqrt(x: Any) -> Any:
        """The root of the non-negative part of an interval: an exact zero may be enclosed from below."""
        low, high = endpoints(x)
        if high < 0:
            raise NoRealValueError(
                f"expected a non-negative argument of sqrt, got at most {float(high)!r}; check the point"
            )
        return _IV.sqrt(x) if low >= 0 else _IV.mpf([0, _IV.sqrt(_IV.mpf(x.b)).b])

    @staticmethod
    def exp(x: Any) -> Any:
        """The exponential."""
        return _IV.exp(x)

    @staticmethod
    def expm1(x: Any) -> Any:
        r""":math:`e^x - 1`."""
        return _IV.exp(x) - 1

    @staticmethod
    def sin(x: Any) -> Any:
        """The sine."""
        return _IV.sin(x)

    @staticmethod
    def cos(x: Any) -> Any:
        """The cosine."""
        return _IV.cos(x)

    @staticmethod
    def acos(x: Any) -> Any:
        """The angle in [0, pi] with this cosine."""
        return _IV.atan2(INTERVAL.sqrt(1 - x * x), x)


def number(x: int | float | Fraction) -> Any:
    """An exact number as an interval: a point where 60 digits hold it."""
    if isinstance(x, Fraction):
        return _IV.mpf(x.numerator) / _IV.mpf(x.denominator)
    if isinstance(x, float) and not math.isfinite(x):
        raise ValueError(f"expected a finite number to enclose, got {x!r}; leave such elements out")
    return _IV.mpf(x)


def endpoints(x: Any) -> tuple[Fraction, Fraction]:
    """The two ends of an interval, as the exact rationals they are."""
    low, high = (Fraction(*libmp.to_rational(end)) for end in x._mpi_)
    return low, high


def enclosure(x: Any) -> tuple[Fraction, Fraction]:
    """The middle of an interval and the distance to its ends, exactly."""
    low, high = endpoints(x)
    return (low + high) / 2, (high - low) / 2


def around(middle: Fraction, radius: Fraction) -> Any:
    """An interval that contains every number within ``radius`` of ``middle``."""
    return _IV.mpf([number(middle - radius).a, number(middle + radius).b])


def midpoint_and_radius(x: Any) -> tuple[float, float]:
    """A double near the middle, and a double no smaller than its distance to any number of the interval."""
    low, high = endpoints(x)
    middle = float((low + high) / 2)
    return middle, _at_least(max(high - Fraction(middle), Fraction(middle) - low))


def _at_least(x: Fraction) -> float:
    nearest = float(x)
    return nearest if Fraction(nearest) >= x else math.nextafter(nearest, math.inf)
