r"""G3: which pairs of spaces certify that a rule commutes with every change of parameterization.

Between two rows a prediction moves by ``y -> A*y + B*z``. The maps with which a rule commutes form a group, so what
matters is the group that the maps of a pair generate, over all latents and the levels at which the pair was compared.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cfg_equiv.algebra.convert import amplification, convert
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import difference_rule
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.interval_vectors import INTERVALS, apart, enclosed
from cfg_equiv.exact.rational import Vector, vector
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.guidance import even, odd
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Holds, Statement


class Pair(NamedTuple):
    """What the maps of a pair of spaces generate: shifts along z, a scale that varies with the level, a sign."""

    source: str
    target: str
    shifts: bool
    scales: bool
    reverses: bool


PAIRS = (
    Pair("x0", "eps", shifts=True, scales=True, reverses=True),
    Pair("x0", "v", shifts=True, scales=True, reverses=True),
    Pair("x0", "flow", shifts=True, scales=True, reverses=True),
    Pair("x0", "score", shifts=True, scales=True, reverses=False),
    Pair("eps", "v", shifts=True, scales=True, reverses=False),
    Pair("eps", "flow", shifts=True, scales=True, reverses=False),
    Pair("v", "flow", shifts=True, scales=True, reverses=False),
    Pair("eps", "score", shifts=False, scales=True, reverses=True),
    Pair("flow", "reversed_flow", shifts=False, scales=False, reverses=True),
)


def generated(g: Env, pairs: tuple[Pair, ...] = PAIRS) -> Iterator[Statement]:
    """The three generators of every pair: there at z_1 and back at z; there at one level and back at another; A."""
    s, t = g.point("s"), g.point("t")
    for pair in pairs:
        name = f"{pair.source}, {pair.target}"
        rows = [[PARAMETERIZATIONS[space].at(g.xp, at) for space in pair[:2]] for at in (s, t)]
        back = convert(g.z, convert(g.z_1, g.y, s, *rows[0]), s, *reversed(rows[0]))
        yield (Differs if pair.shifts else Equal)(f"{name}: there at z_1 and back at z is a shift", back, g.y)
        there, here = amplification(s, *rows[0]), amplification(t, *rows[1])
        yield (Differs if pair.scales else Equal)(f"{name}: the scale varies with the level", there, here)
        yield Holds(f"{name}: the sign", g.one_signed(there, -1 if pair.reverses else 1))


def every_shift(g: Env, sign: int = 1) -> Iterator[Statement]:
    """From x0 to eps and back the shift is (z - z_1)/alpha: any vector; and the scale is a ratio of kappas: any."""
    s, t = g.point("s"), g.point("t")
    there = to_space(g.xp, g.z_1, g.y, s, "x0", "eps")
    yield Equal("shift", to_space(g.xp, g.z, there, s, "eps", "x0"), g.y + sign * (g.z - g.z_1) / s.alpha)
    at_rest = to_space(g.xp, 0 * g.z, g.y, s, "x0", "eps")
    scaled = to_space(g.xp, 0 * g.z, at_rest, t, "eps", "x0")
    yield Equal("scale", scaled, (t.sigma / t.alpha) / (s.sigma / s.alpha) * g.y)


def at_level(rule: Callable[[Any, Any], Any], space: str, sigma: Fraction, lift: Any = None) -> Any:
    """A rule applied in a space at a level of the flow path, to stored branches given as x0; the result as x0."""
    at = Point(1 - sigma, sigma)
    z, cond, uncond = vector(5, -1), vector("3/2", 2), vector(-1, 1)
    if lift is not None:
        z, cond, uncond, at = lift(z), lift(cond), lift(uncond), Point(lift(at.alpha), lift(at.sigma))
    moved = [to_space(None, z, x0, at, "x0", space) for x0 in (cond, uncond)]
    return to_space(None, z, rule(*moved), at, space, "x0")


def sign_blind(g: Env, h: Callable[[Vector], Vector] = even) -> Iterator[Statement]:
    """An even H means the same in eps, v and flow at every level, and another thing in x0: eps<->v certify less."""

    def rule(cond: Any, uncond: Any) -> Any:
        return difference_rule(h, cond, uncond)

    for sigma in (Fraction(1, 2), Fraction(1, 3), Fraction(3, 4)):
        in_eps, in_v, in_flow, in_x0 = (at_level(rule, space, sigma) for space in ("eps", "v", "flow", "x0"))
        yield Equal(f"eps and v at sigma = {sigma}", in_eps, in_v)
        yield Equal(f"eps and flow at sigma = {sigma}", in_eps, in_flow)
        yield Differs(f"eps and x0 at sigma = {sigma}", in_eps, in_x0)


def valuation(x: Fraction, prime: int) -> int:
    """How often a prime divides a rational number that is not zero."""
    above, below, count = x.numerator, x.denominator, 0
    while above % prime == 0:
        above, count = above // prime, count + 1
    while below % prime == 0:
        below, count = below // prime, count - 1
    return count


def blind_to(prime: int) -> Callable[[Vector], Vector]:
    """An H that commutes with every rational factor which the prime divides neither above nor below, and no other."""

    def h(d: Vector) -> Vector:
        return Vector(x * (1 + valuation(x, prime) ** 2) if x else x for x in d)

    return h


# On the flow path A = -(1 - sigma)/sigma.
FOOLED = (Fraction(1, 3), Fraction(1, 5), Fraction(2, 5), Fraction(5, 8))  # A = -2, -4, -3/2, -3/5
TELLS = Fraction(1, 8)  # A = -7


def finitely_many_levels(g: Env, levels: tuple[Fraction, ...] = FOOLED, prime: int = 7) -> Iterator[Statement]:
    """x0 and eps agree at all of these levels, and not at one more: a prime that none of their factors holds."""

    def rule(cond: Any, uncond: Any) -> Any:
        return difference_rule(blind_to(prime), cond, uncond)

    for sigma in levels:
        yield Equal(f"A = {1 - 1 / sigma}", at_level(rule, "x0", sigma), at_level(rule, "eps", sigma))
    yield Differs(f"A = {1 - 1 / TELLS}", at_level(rule, "x0", TELLS), at_level(rule, "eps", TELLS))


def log_periodic(d: Any) -> Any:
    """``d*(2 + cos(2*pi*log2|d|))``, the smooth rule of this kind; pi is acos(-1)."""
    turns = INTERVALS.log(INTERVALS.abs(d)) / INTERVALS.log(enclosed(Fraction(2)))
    return d * (INTERVALS.cos(turns * (2 * INTERVALS.acos(enclosed(Fraction(-1))))) + 2)


def smooth(g: Env, tells: Fraction = Fraction(1, 4)) -> Iterator[Statement]:
    """The smooth one: x0 and eps may agree at A = -2 and -4 (the enclosures meet), and cannot at A = -3."""

    def rule(cond: Any, uncond: Any) -> Any:
        return difference_rule(log_periodic, cond, uncond)

    for sigma in (Fraction(1, 3), Fraction(1, 5)):
        met = [at_level(rule, space, sigma, enclosed) for space in ("x0", "eps")]
        yield Holds(f"A = {1 - 1 / sigma}: not told apart", not apart(*met))
    told = [at_level(rule, space, tells, enclosed) for space in ("x0", "eps")]
    yield Holds(f"A = {1 - 1 / tells}: told apart", apart(*told))


def fixed_latent(g: Env, target: str = "eps") -> Iterator[Statement]:
    """A rule that sees z: on the flow path x0<->eps fixes z as a prediction, so guiding away from z itself agrees."""
    at = g.point()
    moved = to_space(g.xp, g.z, g.y, at, "x0", target)
    inside = to_space(g.xp, g.z, cfg(moved, g.z, g.w), at, target, "x0")
    yield Equal(f"z + w(y - z) in x0 and {target}", inside, cfg(g.y, g.z, g.w))


POSITIVE = ("alpha_s > 0", "sigma_s > 0", "alpha_t > 0", "sigma_t > 0")
SHARED_SIGN = (PAIRS[0]._replace(target="v", source="eps"),)

THEOREMS = (
    Theorem(
        "G3",
        r"G \text{ blind to } z \text{ and } t: x_0 \leftrightarrow \epsilon \text{ at all levels of an open range "
        r"certify every space};\ \epsilon \leftrightarrow v \text{ do not, a finite set of levels never does}",
        "derived here",
        "argued",
        (
            Part(
                generated,
                {"eps<->v reverse": {"pairs": SHARED_SIGN}},
                {"s": "free", "t": "free"},
                POSITIVE,
                "field_only",
            ),
            Part(
                every_shift,
                {"the other shift": {"sign": -1}},
                {"s": "free", "t": "free"},
                POSITIVE,
            ),
            Part(
                sign_blind,
                {"an odd H": {"h": odd}},
                arena="exact",
            ),
            Part(
                finitely_many_levels,
                {"a level whose factor the prime divides": {"levels": (*FOOLED, TELLS)}, "the prime 2": {"prime": 2}},
                arena="exact",
            ),
            Part(smooth, {"A = -8": {"tells": Fraction(1, 9)}}, arena="exact"),
            Part(
                fixed_latent,
                {"x0 and flow": {"target": "flow"}},
                {"": "flow"},
            ),
        ),
        argument="The invertible maps y -> Ay + s with G(Ay + s) = A G(y) + s form a group. For a pair it holds the "
        "maps (A(t), B(t)z) for every z and every level t compared. If B != 0, two latents give the shifts "
        "along all vectors, hence the pure factors A(t); on an open range of levels their ratios fill an "
        "interval around 1, and its powers are all positive factors. With A < 0 the sign is there too, and "
        "the group is that of all parameterizations; with A > 0 (eps<->v) an even H is never seen. From "
        "finitely many levels the factors are finitely many, and the group they generate is countable: H(d) = "
        "s(|d|)d with s constant on its cosets agrees at all of them. Every pair of the table, and such an s, "
        "are checked.",
    ),
)
