"""One step of a solver at points computed by hand: its coefficients as exact numbers.

Between the points kappa goes by powers of two, so every half-log-SNR is a multiple of ``LOG_2`` and every exponential a
power of two. A coefficient computed by hand is then a polynomial in ``1/LOG_2``, written as the tuple of its
coefficients. The signal scales are unrelated numbers: a form that drops one shows.
"""

from fractions import Fraction as F
from typing import Any

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS, Past
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import RATIONAL

LOG_2 = RATIONAL.log(F(2)).value()
Numbers = dict[str, tuple[Any, ...]]


def at(kappa: Any, alpha: Any) -> Point:
    """A point by its noise-to-signal ratio and signal scale."""
    return point(RATIONAL, F(alpha), F(kappa * alpha))


# A multistep: h = log 2 from s to t, the earlier outputs 2 and 3 of that before s.
T = at(1, 5)
PAST = (at(2, 3), at(8, 2), at(16, 7))
# A single step of h = 2 log 2 with its middle, and one of h = 3 log 2 with its thirds.
HALVES = (at(4, 3), at(2, 7))
THIRDS = (at(8, 3), at(4, 7), at(2, 2))
# Another multistep, h = 2 log 2: the outputs are at 0, -1/2 and -2 steps.
UNEVEN = (at(4, 3), at(8, 2), at(64, 7))
PREDICTIONS = ("m0", "m1", "m2")


def past(*points: Point) -> tuple[Past, ...]:
    """Latents ``z, z1, z2`` and predictions ``m0, m1, m2`` as unknowns."""
    latents = ("z", "z1", "z2")
    return tuple(
        Past(here, unknown(z, F(1)), unknown(m, F(1))) for here, z, m in zip(points, latents, PREDICTIONS, strict=False)
    )


def multistep(name: str, points: tuple[Point, ...]) -> Combination:
    """The latent at ``T`` after a step with so much past."""
    return SOLVERS[name].step(RATIONAL, past(*points), T)


def first_moment(name: str) -> F:
    """The weight of the slope of a line through the outputs at ``UNEVEN``, in units of the step."""
    found = multistep(name, UNEVEN)
    return F(-1, 2) * found["m1"] - 2 * found["m2"]


def singlestep(name: str, s: Point, *nodes: Point, t: Point = T) -> list[Combination]:
    """The latents at which the network is called, whose answers are ``a`` and ``b``, and the one at the end."""
    latents: list[Combination] = []

    def net(z: Combination, here: Point) -> Combination:
        latents.append(z)
        return unknown("ab"[len(latents) - 1], F(1))

    end = SOLVERS[name].step(RATIONAL, past(s), t, net, nodes)
    return [*latents, end]


def numbers(form: Combination) -> dict[str, F]:
    """The coefficients that are not zero."""
    return {name: c for name, c in form.terms.items() if c != 0}


def by_hand(**coefficients: Any) -> dict[str, F]:
    """The same from numbers, or tuples of coefficients of powers of ``1/LOG_2``."""
    return {
        name: sum((F(c) / LOG_2**k for k, c in enumerate(given if isinstance(given, tuple) else (given,))), F(0))
        for name, given in coefficients.items()
    }
