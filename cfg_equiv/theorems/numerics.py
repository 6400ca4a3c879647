r"""N2: where the algebra can lose digits, and where it cannot. (N1 and Q8, the bounds, have a file.)"""

from collections.abc import Iterator

from cfg_equiv.algebra.points import Point, Row, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Holds, Statement
from cfg_equiv.theorems.values import parameters


def terms(u: Row | Point, v: Row) -> tuple[object, object]:
    """The two products of ``[U, V]``, each through ``det`` itself with the other coordinate at zero."""
    return det((u[0], 0), v), det((0, u[1]), v)


def never_cancels(g: Env, names: tuple[str, ...] = ("eps", "x0", "v", "score", "flow", "F")) -> Iterator[Statement]:
    """[Z, P] is a sum of terms of one sign at alpha, sigma > 0."""
    at = g.point()
    for name in names:
        row = PARAMETERIZATIONS[name].at(g.xp, at, **parameters(g, name))
        yield Holds(f"[Z, {name}] has one sign", g.one_signed(*terms(at, row)))


def between_rows(g: Env, cancels: bool = True) -> Iterator[Statement]:
    """Only [Z, P] is safe: [v, flow] = alpha - sigma cancels."""
    at = g.point()
    v, flow = (PARAMETERIZATIONS[name].at(g.xp, at) for name in ("v", "flow"))
    yield Holds("[v, flow] has terms of both signs", g.one_signed(*terms(v, flow)) != cancels)


def velocity(g: Env, sign: int = 1) -> Iterator[Statement]:
    """[Z, velocity] has one sign where alpha' and sigma' have opposite signs."""
    at = g.point()
    row = PARAMETERIZATIONS["velocity"].at(g.xp, at, dalpha=-sign * g.c_alpha, dsigma=g.c_sigma)
    yield Holds("[Z, velocity] has one sign", g.one_signed(*terms(at, row)))


def z_minus_denoised(g: Env, invert: bool = False) -> Iterator[Statement]:
    """[Z, z - x0] has one sign where alpha is at most one."""
    at = g.point()
    if invert:
        at = Point(1 / at.alpha, at.sigma)
    row = PARAMETERIZATIONS["z_minus_denoised"].at(g.xp, at)
    yield Holds("[Z, z - x0] has one sign", g.one_signed(*terms(at, row)))


POSITIVE = ("alpha > 0", "sigma > 0")

THEOREMS = (
    Theorem(
        "N2",
        r"[Z,P] \text{ has one-signed terms for } \epsilon, x_0, v, s, u, F;\ \text{for } \dot z \text{ iff } "
        r"\dot\alpha\dot\sigma \le 0;\ \text{for } z - x_0 \text{ iff } \alpha \le 1",
        "derived here",
        "field",
        (
            Part(
                never_cancels,
                {"z - x0 at any alpha": {"names": ("z_minus_denoised",)}},
                {"": "free"},
                (*POSITIVE, "sd > 0"),
            ),
            Part(between_rows, {"[v, flow] does not cancel": {"cancels": False}}, {"": "free"}, POSITIVE),
            Part(velocity, {"both rising": {"sign": -1}}, {"": "free"}, (*POSITIVE, "c_alpha > 0", "c_sigma > 0")),
            Part(z_minus_denoised, {"alpha above one": {"invert": True}}, {"": "free"}, (*POSITIVE, "1 > alpha")),
        ),
    ),
)
