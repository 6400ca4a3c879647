"""One step of a stochastic solver at points computed by hand; its noises are the unknowns ``n0, n1``, as drawn."""

from fractions import Fraction as F
from itertools import count
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import Solver
from cfg_equiv.algebra.stochastic import STOCHASTIC
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import T, at, past


def given(name: str, **options: Any) -> Solver:
    """The solver with unknowns for its noises."""
    drawn = count()
    return STOCHASTIC[name].given(lambda: unknown(f"n{next(drawn)}", 1), **options)


FURTHER = at(F(1, 2), 5)  # a step twice as long as that to T, and to an alpha that is not the sigma


def multistep(name: str, points: tuple[Point, ...], t: Point = T, **options: Any) -> Combination:
    """The latent at ``t`` after a step with so much past."""
    return given(name, **options).step(RATIONAL, past(*points), t)


def singlestep(name: str, s: Point, node: Point, **options: Any) -> list[Combination]:
    """The latent at which the network is called, whose answer is ``a``, and the one at the end."""
    latents: list[Combination] = []

    def net(z: Combination, here: Point) -> Combination:
        latents.append(z)
        return unknown("a", 1)

    end = given(name, **options).step(RATIONAL, past(s), T, net, (node,))
    return [*latents, end]
