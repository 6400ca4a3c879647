r"""G1, G2: which combinations of predictions commute with every change of parameterization."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.composable import composable, weighted_sum
from cfg_equiv.algebra.guidance.instruct_pix2pix import instruct_pix2pix
from cfg_equiv.algebra.guidance.nonlinear import difference_rule
from cfg_equiv.algebra.points import Row, det
from cfg_equiv.exact.rational import RATIONAL, Vector, vector
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Holds, Statement


def weights_sum_to_one(g: Env, total: int = 1) -> Iterator[Statement]:
    """Any linear combination leaves a residual (1 - sum w) [Q,P]/[Z,P] z: zero for all z iff the weights sum to one."""
    at = g.point()
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    preds = (g.y_1, g.y_2, g.y_3)
    for weights in ((g.w_1, g.w_2, g.w_3), (g.w_1, g.w_2, total - g.w_1 - g.w_2)):
        before = convert(g.z, weighted_sum(preds, weights), at, P, Q)
        after = weighted_sum([convert(g.z, y, at, P, Q) for y in preds], weights)
        residual = (1 - sum(weights[1:], weights[0])) * det(Q, P) / det(at, P) * g.z
        yield Equal("residual", before - after, residual)
    yield Equal("weights that sum to one commute", before, after)


def named_rules(g: Env, keep: int = 1) -> Iterator[Statement]:
    """CFG, composable guidance and InstructPix2Pix are such combinations."""
    at = g.point()
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    y = (g.y_1, g.y_2, g.y_3)
    moved = [convert(g.z, keep * pred, at, P, Q) for pred in y]
    rules: dict[str, Callable[[Any, Any, Any], Any]] = {
        "CFG": lambda a, b, c: cfg(a, b, g.w_1),
        "composable": lambda a, b, c: composable((a, b), c, (g.w_1, g.w_2)),
        "InstructPix2Pix": lambda a, b, c: instruct_pix2pix(a, b, c, g.w_1, g.w_2),
    }
    for name, rule in rules.items():
        yield Equal(name, convert(g.z, rule(*y), at, P, Q), rule(*moved))


def odd(d: Vector) -> Vector:
    """An odd map, homogeneous of degree one and not linear: the part of d along its own first two elements."""
    first, second, *_ = d.items
    share: Fraction = first * second / (first * first + second * second)
    return d * share


def even(d: Vector) -> Vector:
    """Homogeneous of degree one under positive factors, but even: max(c, u) is u + (d + |d|)/2."""
    return Vector(abs(x) for x in d)


def quadratic(d: Vector) -> Vector:
    """Homogeneous of degree two."""
    return d * d


# The affine maps y -> A*y + B*z a change of parameterization can be: a sign, scales, and shifts along z.
AFFINE = [(Fraction(a), Fraction(b)) for a in (-3, -1, Fraction(1, 2), 2) for b in (0, 1, -2)]


def commutes(h: Callable[[Vector], Vector], a: Fraction, b: Fraction) -> bool:
    """Whether ``u + H(c - u)`` commutes with ``y -> a*y + b*z`` on stored data."""
    cond, uncond, z = vector(2, -1, 3), vector(1, 1, "1/2"), vector(1, "1/2", -2)
    before = difference_rule(h, cond, uncond) * a + z * b
    return bool(before == difference_rule(h, cond * a + z * b, uncond * a + z * b))


def odd_maps(g: Env, h: Callable[[Vector], Vector] = odd) -> Iterator[Statement]:
    """Odd and homogeneous of degree one is enough."""
    for a, b in AFFINE:
        yield Holds(f"odd degree-one H under A={a}, B={b}", commutes(h, a, b))


def neighbours(
    g: Env, h: Callable[[Vector], Vector] = even, square: Callable[[Vector], Vector] = quadratic
) -> Iterator[Statement]:
    """An even H commutes with positive factors only; a quadratic one with shifts only."""
    yield Holds("even H commutes for A > 0", all(commutes(h, a, b) for a, b in AFFINE if a > 0))
    yield Holds("even H fails for A = -1", not commutes(h, Fraction(-1), Fraction(0)))
    yield Holds("quadratic H fails for A = 2", not commutes(square, Fraction(2), Fraction(0)))
    yield Holds("quadratic H commutes with shifts", commutes(square, Fraction(1), Fraction(1)))


def through_projection(g: Env, keep: int = 1) -> Iterator[Statement]:
    """With z, a rule may also see a prediction through its projection off z: that projection forgets the shift B*z."""
    z, pred = vector(1, 2, -1), vector(3, "1/2", 2)

    def off_z(y: Vector) -> Vector:
        share: Fraction = RATIONAL.dot(y, z) / RATIONAL.dot(z, z)
        return y - z * (keep * share)

    for a, b in AFFINE:
        yield Equal(f"projection off z under A={a}, B={b}", off_z(pred * a + z * b), off_z(pred) * a)
    yield Differs("the prediction itself does not forget it", pred + z, pred)


ROWS = ("alpha*q_1 != sigma*p_1",)

THEOREMS = (
    Theorem(
        "G1",
        r"\sum_i w_i y_i \text{ commutes with every reparameterization at } z \ne 0 \iff \sum_i w_i = 1",
        "derived here; the residual is (1 - sum w)[Q,P]/[Z,P] z",
        "field",
        (
            Part(weights_sum_to_one, {"weights that sum to two": {"total": 2}}, {"": "free"}, ROWS),
            Part(named_rules, {"branches doubled": {"keep": 2}}, {"": "free"}, ROWS),
        ),
    ),
    Theorem(
        "G2",
        r"G(c,u) \text{ blind to } z \text{ commutes} \iff G = u + H(c-u),\ H(Ad) = A\,H(d)\ \forall A \ne 0",
        "derived here",
        "argued",
        (
            Part(odd_maps, {"even H": {"h": even}}, arena="exact"),
            Part(neighbours, {"odd H in place of even": {"h": odd}}, arena="exact"),
            Part(through_projection, {"no projection": {"keep": 0}}, arena="exact"),
        ),
        argument="Put Phi(c, u) = G(c, u) - u. Commuting with y -> y + Bz for every z makes Phi a function of c - u "
        "alone; commuting with y -> Ay makes it homogeneous of degree one for every A != 0, so odd. Conversely such an "
        "H gives G(Ac+Bz, Au+Bz) = A G(c, u) + Bz. With z known, Phi may also depend on the projections off z. The "
        "finite instances on both sides are checked; the step over all functions is this argument.",
    ),
)
