"""One step of a CFG++ form on unknowns: latents ``z, z1``, guided ``g, g1`` and unconditional ``u, u1`` predictions."""

from fractions import Fraction as F

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Past
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import RATIONAL


def pair(label: str, equal: bool = False) -> Guided:
    """The two predictions at a call; ``equal`` for a network whose branches say the same."""
    guided = unknown(f"g{label}", F(1))
    return Guided(guided, guided if equal else unknown(f"u{label}", F(1)))


def guided_step(
    name: str, points: tuple[Point, ...], t: Point, *nodes: Point, equal: bool = False, end: bool = False
) -> list[Combination]:
    """The latents at which the network is called inside the step, whose answers are ``ga`` and ``ua``, and the end."""
    latents: list[Combination] = []

    def net(z: Combination, at: Point) -> Guided:
        assert at in (t, *nodes)
        latents.append(z)
        return pair("a", equal)

    labels = ("", "1")
    past = tuple(Past(at, unknown(f"z{k}", F(1)), pair(k, equal)) for at, k in zip(points, labels, strict=False))
    moved = SOLVERS[name].step(RATIONAL, past, t, net, nodes, end)
    return [*latents, moved]
