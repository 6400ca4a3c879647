r"""A whole trajectory of a solver, on any backend: who calls the network where, and what is remembered.

The network is anything that answers ``net(z, at)`` in the solver's native space; :func:`native_network` makes that from
a network of any parameterization. This is the only place where the past is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Guided, Network, Past, Solver
from cfg_equiv.algebra.stepping import to_space

Place = Callable[[Point, Point, Fraction], Point]


def native_network(xp: Any, solver: Solver, row: str, network: Network, **parameters: Any) -> Network:
    """The network of parameterization ``row`` as the solver reads it."""

    def net(z: Any, at: Point) -> Any:
        pred = network(z, at)
        if isinstance(pred, Guided):
            return Guided(*(to_space(xp, z, one, at, row, solver.space, **parameters) for one in pred))
        return to_space(xp, z, pred, at, row, solver.space, **parameters)

    return net


def advance(
    xp: Any,
    solver: Solver,
    past: tuple[Past, ...],
    t: Point,
    net: Network,
    place: Place | None = None,
    end: bool = False,
) -> Any:
    """The predicted latent at ``t``, nodes placed on the path by ``place(s, t, fraction)``."""
    fractions = solver.nodes(past, end)
    nodes: tuple[Point, ...] = ()
    if fractions and place is not None:
        s = past[0].at
        to = t if solver.aim is None else solver.aim(xp, s, t)
        nodes = tuple(place(s, to, fraction) for fraction in fractions)
    return solver.step(xp, past, t, net, nodes, end)


def arrive(xp: Any, solver: Solver, past: tuple[Past, ...], z: Any, at: Point, net: Network) -> tuple[Past, ...]:
    """The past after the network was called on the predicted ``z``, which is corrected if the solver corrects."""
    now = Past(at, z, net(z, at))
    if solver.correct and past:
        z = solver.corrected(xp, past, now)
        now = Past(at, z, net(z, at) if solver.reevaluate else now.pred)
    return (now, *past)[: solver.memory]


def trajectory(
    xp: Any,
    solver: Solver,
    net: Network,
    z: Any,
    points: Sequence[Point],
    place: Place | None = None,
    end: bool = False,
) -> Iterator[Any]:
    """The latents at ``points[1:]``, predicted; with ``end`` the last point is sigma = 0."""
    past: tuple[Past, ...] = ()
    for k, (s, t) in enumerate(pairwise(points)):
        past = arrive(xp, solver, past, z, s, net)
        z = advance(xp, solver, past, t, net, place, end and k == len(points) - 2)
        yield z
