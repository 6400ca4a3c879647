r"""G5: rules that remember. The past has its own level, so its own change of parameterization.

A past prediction moves by :math:`y' \mapsto A'y' + B'z'`, a past difference by :math:`d' \mapsto A'd'`, with the A' of
its level. A rule commutes with all of that only if it is of degree one in the present difference and of degree zero in
every past one.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.convert import amplification, convert
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.history import history_projection, momentum_guidance
from cfg_equiv.algebra.points import Point, Row, det
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.rational import RATIONAL, Vector, vector
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Statement


def rows(g: Env) -> tuple[tuple[Row, Row], tuple[Row, Row]]:
    """Two rows at the present level and the same two at a past one, all free."""
    return (Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)), (Row(g.p_3, g.q_3), Row(g.p_4, g.q_4))


def momentum(g: Env, shifts: int = 1) -> Iterator[Statement]:
    """Momentum of predictions leaves ``w*((A - A')y' + B*z - B'*z')``: zero iff both levels move alike."""
    t, s = g.point("t"), g.point("s")
    now, past = rows(g)
    before = convert(g.z_t, momentum_guidance(g.xp, g.y, g.y_s, g.w), t, *now)
    after = momentum_guidance(g.xp, convert(g.z_t, g.y, t, *now), convert(g.z_s, g.y_s, s, *past), g.w)
    a_now, a_past = amplification(t, *now), amplification(s, *past)
    b_now, b_past = (det(*reversed(pair)) / det(at, pair[0]) for at, pair in ((t, now), (s, past)))
    residual = g.w * ((a_now - a_past) * g.y_s + shifts * (b_now * g.z_t - b_past * g.z_s))
    yield Equal("residual", after - before, residual)


def momentum_of_differences(g: Env, sign: int = 1) -> Iterator[Statement]:
    """Momentum of differences leaves ``w*beta*(A - A')d'``: zero iff A is the same at both levels."""
    t, s = g.point("t"), g.point("s")
    now, past = rows(g)
    linear: Any = RULES["history projection"].twin.formula
    branches = (g.c, g.u, g.c_s, g.u_s)
    before = convert(g.z_t, linear(g.xp, *branches, g.w, g.beta), t, *now)
    levels = ((g.z_t, t, now), (g.z_t, t, now), (g.z_s, s, past), (g.z_s, s, past))
    moved = [convert(z, y, at, *pair) for y, (z, at, pair) in zip(branches, levels, strict=True)]
    gap = sign * (amplification(t, *now) - amplification(s, *past)) * (g.c_s - g.u_s)
    yield Equal("residual", before - linear(g.xp, *moved, g.w, g.beta), g.w * g.beta * gap)


def one_factor(g: Env, pair: tuple[str, str] = ("flow", "reversed_flow")) -> Iterator[Statement]:
    """Pairs with the same A at all levels agree on it: the two directions of flow, with any momentum of differences."""
    t, s = g.point("t"), g.point("s")
    linear: Any = RULES["history projection"].twin.formula
    branches = (g.c, g.u, g.c_s, g.u_s)
    levels = ((g.z_t, t), (g.z_t, t), (g.z_s, s), (g.z_s, s))
    moved = [to_space(g.xp, z, y, at, *pair) for y, (z, at) in zip(branches, levels, strict=True)]
    before = to_space(g.xp, g.z_t, linear(g.xp, *branches, g.w, g.beta), t, *pair)
    yield Equal(" and ".join(pair), before, linear(g.xp, *moved, g.w, g.beta))


def carried(g: Env, level: str = "t") -> Iterator[Statement]:
    """The past carried as x0, and read at the present latent and level, is one more branch there: it commutes."""
    at = {label: g.point(label) for label in ("t", "s")}
    z = {"t": g.z_t, "s": g.z_s}
    for space in ("eps", "v", "flow"):
        now = to_space(g.xp, z["t"], g.x, at["t"], "x0", space)
        past = to_space(g.xp, z[level], g.x_s, at[level], "x0", space)
        inside = to_space(g.xp, z["t"], momentum_guidance(g.xp, now, past, g.w), at["t"], space, "x0")
        yield Equal(f"momentum in {space} is momentum in x0", inside, momentum_guidance(g.xp, g.x, g.x_s, g.w))


def degree_zero(g: Env, formula: Any = history_projection) -> Iterator[Statement]:
    """Off the direction of the past difference: only that direction is read, and no factor changes it."""
    branches = [Vector((g[f"{name}_1"], g[f"{name}_2"])) for name in ("c", "u", "d", "e")]
    cond, uncond, cond_past, uncond_past = branches
    z, z_past = Vector((g.z_1, g.z_2)), Vector((g.z_3, g.z_4))
    moved = [y * g.a + z * g.b for y in (cond, uncond)] + [y * g.m + z_past * g.n for y in (cond_past, uncond_past)]
    before = formula(RATIONAL, cond, uncond, cond_past, uncond_past, g.w, g.keep) * g.a + z * g.b
    after = formula(RATIONAL, *moved, g.w, g.keep)
    for k, (lhs, rhs) in enumerate(zip(before, after, strict=True), 1):
        yield Equal(f"element {k}", lhs, rhs)


NOW, PAST = Point(Fraction(1, 2), Fraction(1, 2)), Point(Fraction(1, 4), Fraction(3, 4))


def counterexample(g: Env, w: int = 1) -> Iterator[Statement]:
    """Momentum of the same two denoisers, at two levels of the flow path, as three libraries would apply it."""
    z, z_past, now, past = vector(1), vector(0), vector(1), vector(0)
    answers = {}
    for space in ("x0", "eps", "flow"):
        here = to_space(RATIONAL, z, now, NOW, "x0", space)
        before = to_space(RATIONAL, z_past, past, PAST, "x0", space)
        answers[space] = to_space(RATIONAL, z, momentum_guidance(RATIONAL, here, before, w), NOW, space, "x0")
    yield Differs("momentum of eps against x0", answers["eps"], answers["x0"])
    yield Differs("momentum of velocities against x0", answers["flow"], answers["x0"])


FREE: dict[str, Any] = {"t": "free", "s": "free"}
ROWS = ("alpha_t*q_1 != sigma_t*p_1", "alpha_s*q_3 != sigma_s*p_3")
POSITIVE = ("alpha_t > 0", "sigma_t > 0", "alpha_s > 0", "sigma_s > 0")

THEOREMS = (
    Theorem(
        "G5",
        r"G(c, u; c', u') \text{ blind to latents and levels commutes} \iff G = u + H(c - u;\, c' - u'),\ "
        r"H(Ad; A'd') = A\,H(d; d')\ \forall A, A' \ne 0",
        "arXiv:2602.20360 (momentum of predictions); derived here",
        "argued",
        (
            Part(momentum, {"the latents forgotten": {"shifts": 0}}, FREE, ROWS),
            Part(momentum_of_differences, {"the other sign": {"sign": -1}}, FREE, ROWS),
            Part(one_factor, {"x0 and eps": {"pair": ("x0", "eps")}}, FREE, (*POSITIVE, "alpha_t + sigma_t > 0")),
            Part(carried, {"read at its own latent and level": {"level": "s"}}, FREE, POSITIVE),
            Part(
                degree_zero,
                {"the past difference added": {"formula": RULES["history projection"].twin.formula}},
                conditions=("a != 0", "m != 0", "(d_1 - e_1)**2 + (d_2 - e_2)**2 > 0"),
            ),
            Part(counterexample, {"w = 0": {"w": 0}}, arena="exact"),
        ),
        argument="At the present level apply G2 with the past held fixed: G = u + H(c - u; c', u') and H(Ad; .) = A "
        "H(d; .). The past level has its own independent A', B' and z', and the answer is a prediction of the "
        "present: it must not move at all under y' -> A'y' + B'z', so H reads c' and u' only through c' - u', "
        "and that only up to a factor. Hence no linear momentum commutes, unless A is the same at all levels "
        "for the spaces compared, or the past is carried in one space and converted at the present latent. "
        "Those residuals are proved, a rule that does commute is checked in two dimensions, and the step over "
        "all functions is this argument.",
    ),
)
