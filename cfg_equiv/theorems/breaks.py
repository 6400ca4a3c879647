r"""Q7: what breaks the equivalence, each with an exact minimal counterexample and the difference in closed form.

And what changes CFG without breaking it. Counterexamples live at the flow point :math:`\alpha = \sigma = 1/2` unless
said otherwise; the same rule is applied to predictions in x0 and in another space, and the results are compared in x0.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.learned_variance import guide_all_channels, guide_mean_channels
from cfg_equiv.algebra.guidance.nonlinear import norm_cap, projected_guidance, static_clip, std_rescale, zero_init
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.rational import RATIONAL, Vector, vector
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Statement
from cfg_equiv.theorems.values import branches

HALF = Point(Fraction(1, 2), Fraction(1, 2))
PYTHAGORAS = Point(Fraction(3, 5), Fraction(4, 5))


def through(rule: Callable[[Any, Any], Any], space: str, z: Vector, cond: Vector, uncond: Vector, at: Point) -> Any:
    """Apply a rule in a space to branches given as x0, and map the result back to x0."""
    moved = [to_space(RATIONAL, z, x0, at, "x0", space) for x0 in (cond, uncond)]
    return to_space(RATIONAL, z, rule(*moved), at, space, "x0")


def rescale(g: Env, phi: int = 1) -> Iterator[Statement]:
    """CFG rescale: the std is taken of the prediction, so it depends on the space."""
    z, cond, uncond = vector(0, 1), vector(2, 0), vector(1, 0)

    def rule(c: Any, u: Any) -> Any:
        return std_rescale(RATIONAL, c, cfg(c, u, 3), phi)

    in_x0, in_v, in_eps = (through(rule, space, z, cond, uncond, PYTHAGORAS) for space in ("x0", "v", "eps"))
    yield Differs("std rescale in v against x0", in_v, in_x0)
    yield Differs("std rescale in eps against x0", in_eps, in_x0)


def rescale_amount(g: Env, extra: int = 0) -> Iterator[Statement]:
    """The difference in closed form: a factor m on the guided prediction moves x0 by (m - 1)(x0 + sigma*q/[Z,P] z).

    ``m`` is whatever factor the rule comes to in that space, here a free value: 1 + phi*(std(c)/std(g) - 1).
    """
    at = g.point()
    guided = cfg(*branches(g, "v", at), g.w)
    in_x0 = to_space(g.xp, g.z, guided, at, "v", "x0")
    moved = to_space(g.xp, g.z, g.m * guided, at, "v", "x0")
    square = at.alpha * at.alpha + at.sigma * at.sigma
    gap = (g.m - 1 + extra) * (in_x0 - at.alpha / square * g.z)
    yield Equal("factor m on v moves x0 by (m-1)(x0 - alpha z/(alpha^2+sigma^2))", moved - in_x0, gap)


def clip(g: Env, limit: int = 1) -> Iterator[Statement]:
    """Clipping is defined on x0: it acts elsewhere on other values, and not in the same order with CFG."""
    z, cond, uncond = vector(2, 0), vector(1, 0), vector(0, 0)

    def rule(c: Any, u: Any) -> Any:
        return static_clip(RATIONAL, cfg(c, u, 2), limit)

    in_x0 = through(rule, "x0", z, cond, uncond, HALF)
    yield Differs("clip in eps against x0", through(rule, "eps", z, cond, uncond, HALF), in_x0)
    before = cfg(static_clip(RATIONAL, cond, limit), static_clip(RATIONAL, uncond, limit), 2)
    yield Differs("clip before against clip after", before, in_x0)


def projection(g: Env, eta: int = 0) -> Iterator[Statement]:
    """APG projects on the prediction itself; at eta = 1 it is CFG."""
    z, cond, uncond = vector(0, 1), vector(1, 0), vector(0, -1)

    def rule(c: Any, u: Any) -> Any:
        return projected_guidance(RATIONAL, c, u, 2, eta)

    in_x0 = through(rule, "x0", z, cond, uncond, HALF)
    yield Differs("projection in eps against x0", through(rule, "eps", z, cond, uncond, HALF), in_x0)
    yield Differs("projection in flow against x0", through(rule, "flow", z, cond, uncond, HALF), in_x0)


def cap(g: Env, radius: int = 5) -> Iterator[Statement]:
    """A norm threshold is an absolute radius: it means |A| times as much in another space."""
    z, cond, uncond = vector(0, 0), vector(3, 4), vector(0, 0)

    def rule(c: Any, u: Any) -> Any:
        return norm_cap(RATIONAL, c, u, 2, radius)

    in_x0 = through(rule, "x0", z, cond, uncond, HALF)
    yield Differs("norm cap in flow against x0", through(rule, "flow", z, cond, uncond, HALF), in_x0)


def zero(g: Env, space: str = "eps") -> Iterator[Statement]:
    """A zero prediction means x0 = 0, x0 = z/alpha or 'do not move', by the space it is zero in."""
    z, cond, uncond = vector(1, 0), vector(1, 0), vector(0, 0)

    def rule(c: Any, u: Any) -> Any:
        return zero_init(RATIONAL, c)

    in_x0 = through(rule, "x0", z, cond, uncond, HALF)
    yield Differs(f"zero in {space} against zero in x0", through(rule, space, z, cond, uncond, HALF), in_x0)


def different_latents(g: Env, gap: int = 1) -> Iterator[Statement]:
    """Branches at different z: the combination depends on the space, unless sum w_i z_i = z."""
    at = g.point()
    p_c, p_u = branches(g, "v", at, gap)
    via_v = to_space(g.xp, g.z, cfg(p_c, p_u, g.w), at, "v", "x0")
    yield Differs("guiding v against guiding x0", via_v, cfg(g.x_c, g.x_u, g.w))


def different_latents_amount(g: Env, sign: int = 1) -> Iterator[Statement]:
    """The amount: (1 - w) alpha/(alpha^2 + sigma^2) times the distance of the latents."""
    at = g.point()
    via_v = to_space(g.xp, g.z, cfg(*branches(g, "v", at, 1), g.w), at, "v", "x0")
    amount = sign * (1 - g.w) * at.alpha / (at.alpha * at.alpha + at.sigma * at.sigma)
    yield Equal("x0 moves by -(1-w) alpha/(alpha^2+sigma^2)", cfg(g.x_c, g.x_u, g.w) - via_v, amount)


def channels(g: Env, extra: int = 0) -> Iterator[Statement]:
    """Guiding some channels only is another rule than CFG, and it commutes: each channel has weights summing to one."""
    at = g.point()
    weights = (g.w, 1 + extra)  # the second channel is left unguided, as DiT leaves its last one
    (v_c, v_u), (x_c, x_u) = branches(g, "v", at), branches(g, "x0", at)
    for k, w in enumerate(weights):
        via_v = to_space(g.xp, g.z, cfg(v_c, v_u, w), at, "v", "x0")
        yield Equal(f"channel {k} commutes", via_v, cfg(x_c, x_u, w))
    yield Equal("the second channel is not guided", cfg(v_c, v_u, weights[1]), v_c)


def variance_channels(g: Env, guide: Any = guide_mean_channels) -> Iterator[Statement]:
    """Learned variance: the extra channels take no part in guidance nor in conversion."""
    at = g.point()

    def rule(c: Any, u: Any) -> Any:
        return cfg(c, u, g.w)

    (v_c, v_u), (x_c, x_u) = branches(g, "v", at), branches(g, "x0", at)
    in_v = guide(rule, [v_c, g.var_c], [v_u, g.var_u], 1)
    in_x0 = guide(rule, [x_c, g.var_c], [x_u, g.var_u], 1)
    yield Equal("mean channel", to_space(g.xp, g.z, in_v[0], at, "v", "x0"), in_x0[0])
    yield Equal("variance channel is the conditional one", in_v[1], g.var_c)


POSITIVE = ("alpha > 0", "sigma > 0")
FREE: dict[str, Any] = {"points": {"": "free"}, "conditions": POSITIVE}

THEOREMS = (
    Theorem(
        "Q7",
        r"\text{Std rescale, clipping, projection on a prediction, norm caps, zero-init and branches at different } z "
        r"\text{ do not commute with conversion; channel subsets and variance channels do}",
        "arXiv:2305.08891, arXiv:2205.11487, arXiv:2410.02416, arXiv:2503.18886; the DiT's scale_phi",
        "exact_counterexample",
        (
            Part(rescale, {"phi = 0": {"phi": 0}}, arena="exact"),
            Part(rescale_amount, {"m for m - 1": {"extra": 1}}, **FREE),
            Part(clip, {"clip inactive": {"limit": 9}}, arena="exact"),
            Part(projection, {"eta = 1": {"eta": 1}}, arena="exact"),
            Part(cap, {"radius never reached": {"radius": 20}}, arena="exact"),
            Part(zero, {"the same space": {"space": "x0"}}, arena="exact"),
            Part(different_latents, {"a shared latent": {"gap": 0}}, **FREE),
            Part(different_latents_amount, {"the other sign": {"sign": -1}}, **FREE),
            Part(channels, {"the last channel guided too": {"extra": 1}}, **FREE),
            Part(variance_channels, {"variance channels guided": {"guide": guide_all_channels}}, **FREE),
        ),
    ),
)
