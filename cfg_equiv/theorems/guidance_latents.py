r"""G6, G7: branches at different latents, and elements at different noise levels."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.convert import amplification, convert
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.characteristic import characteristic
from cfg_equiv.algebra.guidance.composable import weighted_sum
from cfg_equiv.algebra.guidance.per_frame import per_frame
from cfg_equiv.algebra.guidance.perp_neg import perp_neg
from cfg_equiv.algebra.points import Point, Row, det
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.rational import RATIONAL, Vector, vector
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Statement


def latents_balance(g: Env, total: int = 1) -> Iterator[Statement]:
    """A combination leaves ``[Q,P]/[Z,P]`` times ``z - sum w_i z_i``: zero iff the weighted latents sum to z."""
    at = g.point()
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    preds, weights = (g.y_1, g.y_2, g.y_3), (g.w_1, g.w_2, g.w_3)
    balanced = (total * g.z - g.w_1 * g.z_1 - g.w_2 * g.z_2) / g.w_3
    for latents in ((g.z_1, g.z_2, g.z_3), (g.z_1, g.z_2, balanced)):
        before = convert(g.z, weighted_sum(preds, weights), at, P, Q)
        after = weighted_sum([convert(z, y, at, P, Q) for z, y in zip(latents, preds, strict=True)], weights)
        gap = g.z - weighted_sum(latents, weights)
        yield Equal("residual", before - after, det(Q, P) / det(at, P) * gap)
    yield Equal("latents that sum to z: it commutes", before, after)


def two_branches(g: Env, moved: int = 1) -> Iterator[Statement]:
    """CFG on branches at z_c and z_u: whatever z_u is, ``z_c = (z + (w - 1)z_u)/w`` makes it commute."""
    at = g.point()
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    z_c = (g.z + (g.w - 1) * g.z_u) / g.w if moved else g.z
    before = convert(g.z, cfg(g.y_1, g.y_2, g.w), at, P, Q)
    yield Equal("CFG", before, cfg(convert(z_c, g.y_1, at, P, Q), convert(g.z_u, g.y_2, at, P, Q), g.w))


def characteristic_guidance(g: Env, name: str = "") -> Iterator[Statement]:
    """The latents of characteristic guidance balance, for every correction."""
    at = g.point()
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    rule = RULES["characteristic guidance"]
    where = rule.twin.changes["latents"] if name else rule.latents
    seen = []
    for branch in rule.branches:
        a, b = where[branch](g.w)
        seen.append(a * g.z + b * g.shift)
    before = convert(g.z, characteristic(g.xp, g.y_1, g.y_2, g.w), at, P, Q)
    cond, uncond = (convert(z, y, at, P, Q) for z, y in zip(seen, (g.y_1, g.y_2), strict=True))
    yield Equal(rule.name, before, characteristic(g.xp, cond, uncond, g.w))


Levels = tuple[Point, ...]


def element_by_element(z: Any, pred: Any, levels: Levels, source: str, target: str) -> Vector:
    """A prediction converted with a noise level for every element."""
    parts = zip(z, pred, levels, strict=True)
    return Vector(to_space(RATIONAL, z_k, y_k, at, source, target) for z_k, y_k, at in parts)


def _vectors(g: Env, *names: str) -> list[Vector]:
    return [Vector((g[f"{name}_1"], g[f"{name}_2"])) for name in names]


def weights_survive(g: Env, keep: int = 1) -> Iterator[Statement]:
    """One weight, or a weight per element, commutes with a conversion whose level differs from element to element."""
    levels = (g.point("s"), g.point("t"))
    z, cond, uncond = _vectors(g, "z", "c", "u")
    ramp = Vector((g.r_1, g.r_2))
    rules: dict[str, Callable[[Any, Any], Any]] = {
        "CFG": lambda c, u: cfg(c, keep * u, g.w),
        "a weight per element": lambda c, u: per_frame(RATIONAL, c, keep * u, g.w, g.low, ramp),
    }
    for space in ("eps", "v", "flow"):
        moved = [element_by_element(z, y, levels, "x0", space) for y in (cond, uncond)]
        for name, rule in rules.items():
            inside = element_by_element(z, rule(*moved), levels, space, "x0")
            for k, (lhs, rhs) in enumerate(zip(inside, rule(cond, uncond), strict=True), 1):
                yield Equal(f"{name} in {space}, element {k}", lhs, rhs)


def mixing(g: Env, sign: int = 1) -> Iterator[Statement]:
    """A linear map of the difference that mixes elements leaves ``l_jk (A_j - A_k) d_k``: none iff it is diagonal."""
    s, t = g.point("s"), g.point("t")
    pairs = (Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)), (Row(g.p_3, g.q_3), Row(g.p_4, g.q_4))
    z, cond, uncond = _vectors(g, "z", "c", "u")

    def convert_both(y: Vector) -> Vector:
        parts = zip(z, y, (s, t), pairs, strict=True)
        return Vector(convert(z_k, y_k, at, P, Q) for z_k, y_k, at, (P, Q) in parts)

    def mixed(c: Vector, u: Vector) -> Vector:
        first, second = c - u
        return u + Vector((g.l_11 * first + g.l_12 * second, g.l_21 * first + g.l_22 * second))

    before, after = convert_both(mixed(cond, uncond)), mixed(convert_both(cond), convert_both(uncond))
    first, second = cond - uncond
    gap = amplification(s, *pairs[0]) - amplification(t, *pairs[1])
    for residual, expected in zip(before - after, (g.l_12 * gap * second, -sign * g.l_21 * gap * first), strict=True):
        yield Equal("residual", residual, expected)


ONE_LEVEL = (Point(Fraction(1, 2), Fraction(1, 2)),) * 4
FRAMES = (*ONE_LEVEL[:2], Point(Fraction(1, 4), Fraction(3, 4)), Point(Fraction(1, 4), Fraction(3, 4)))


def across_frames(g: Env, levels: Levels = FRAMES) -> Iterator[Statement]:
    """What commutes at a shared level, and not when the frames have their own: inner products, and frequencies."""
    z, cond, uncond = vector(0, 0, 0, 0), vector(1, 2, 0, 1), vector(0, 0, 0, 0)
    negative = vector(1, 0, 1, 1)
    fresca = RULES["FreSca"]
    given = {**fresca.parameters, "high_band": tuple(vector(*row) for row in fresca.parameters["high_band"])}
    rules: dict[str, tuple[Callable[..., Any], tuple[Vector, ...]]] = {
        "Perp-Neg": (lambda c, n, u: perp_neg(RATIONAL, c, n, u, 1, 1), (cond, negative, uncond)),
        "FreSca": (lambda c, u: fresca.formula(RATIONAL, c, u, **given), (cond, uncond)),
    }
    for name, (rule, branches) in rules.items():
        in_x0 = rule(*branches)
        for space in ("eps", "flow"):
            moved = [element_by_element(z, y, levels, "x0", space) for y in branches]
            inside = element_by_element(z, rule(*moved), levels, space, "x0")
            yield Differs(f"{name} in {space} against x0", inside, in_x0)


ROWS = ("alpha*q_1 != sigma*p_1",)
TWO: dict[str, Any] = {"s": "free", "t": "free"}

THEOREMS = (
    Theorem(
        "G6",
        r"\sum_i w_i y_i,\ y_i \text{ predicted at } z_i, \text{ commutes at } z \iff \sum_i w_i z_i = z",
        "derived here; the residual is [Q,P]/[Z,P] (z - sum w_i z_i)",
        "field",
        (
            Part(latents_balance, {"latents that sum to 2z": {"total": 2}}, {"": "free"}, (*ROWS, "w_3 != 0")),
            Part(two_branches, {"the conditional branch at z": {"moved": 0}}, {"": "free"}, (*ROWS, "w != 0")),
            Part(characteristic_guidance, {"its twin's latents": {"name": "twin"}}, {"": "free"}, ROWS),
        ),
    ),
    Theorem(
        "G7",
        r"\text{With levels per element: a linear map } L \text{ of } c - u \text{ commutes} \iff L \text{ is diagonal "
        r"(between levels that differ)}",
        "derived here; the residual is L_jk (A_j - A_k) d_k",
        "field",
        (
            Part(
                weights_survive,
                {"branches that do not sum to one": {"keep": 2}},
                TWO,
                ("alpha_s > 0", "sigma_s > 0", "alpha_t > 0", "sigma_t > 0"),
            ),
            Part(
                mixing,
                {"the other sign": {"sign": -1}},
                TWO,
                ("alpha_s*q_1 != sigma_s*p_1", "alpha_t*q_3 != sigma_t*p_3"),
            ),
            Part(across_frames, {"one level for all": {"levels": ONE_LEVEL}}, arena="exact"),
        ),
    ),
)
