r"""P1-P7: parameterizations, their conversions, and where each one lives. (P8 and P9, on training, have a file.)"""

from collections.abc import Callable, Iterator
from typing import Any

from cfg_equiv.algebra import literature as lit
from cfg_equiv.algebra.convert import amplification, convert
from cfg_equiv.algebra.points import Row, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Holds, Statement
from cfg_equiv.theorems.values import parameters

# The conversions as the literature prints them: source row, target row, and the form. By the path they hold on.
ANY: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("eps", "x0", lit.x0_from_eps),
    ("x0", "eps", lit.eps_from_x0),
    ("score", "x0", lit.x0_from_score),
)
VP = (("v", "x0", lit.x0_from_v_vp), ("v", "eps", lit.eps_from_v_vp))
FLOW = (("flow", "x0", lit.x0_from_flow), ("flow", "eps", lit.eps_from_flow))
MOVING = (("x0", "velocity", lit.velocity_from_x0), ("eps", "velocity", lit.velocity_from_eps))


def definition(g: Env, sign: int = 1) -> Iterator[Statement]:
    """``convert`` maps p*x0 + q*eps of one row to that of any other: the anchor every other claim stands on."""
    at = g.point()
    z = at.alpha * g.x_0 + sign * at.sigma * g.e_0
    for source in PARAMETERIZATIONS:
        p = parameters(g, *PARAMETERIZATIONS)
        pred = emit(g.xp, g.x_0, g.e_0, at, source, **p)
        for target in PARAMETERIZATIONS:
            converted = to_space(g.xp, z, pred, at, source, target, **p)
            yield Equal(f"{source} -> {target}", converted, emit(g.xp, g.x_0, g.e_0, at, target, **p))


def forms(table: Any, moving: bool = False) -> Callable[..., Iterator[Statement]]:
    """The claim that a table of printed conversions equals ``convert``."""

    def claim(g: Env, pred_shift: int = 0) -> Iterator[Statement]:
        at = g.point()
        p = parameters(g, "velocity") if moving else {}
        for source, target, form in table:
            printed = form(g.z, g.pred + pred_shift, at, *p.values())
            yield Equal(f"{source} -> {target}", printed, to_space(g.xp, g.z, g.pred, at, source, target, **p))

    return claim


def amplified(table: Any, moving: bool = False) -> Callable[..., Iterator[Statement]]:
    """The claim that a printed conversion's derivative by the prediction is a ratio of two determinants."""

    def claim(g: Env, swap: bool = False) -> Iterator[Statement]:
        at = g.point()
        p = parameters(g, "velocity") if moving else {}
        for source, target, form in table:
            rows = [PARAMETERIZATIONS[name].at(g.xp, at, **p) for name in (source, target)]
            slope = g.derivative(form(g.z, g.pred, at, *p.values()), "pred")
            ratio = amplification(at, *(reversed(rows) if swap else rows))
            yield Equal(f"d({source} -> {target})/d pred", slope, ratio)

    return claim


def group(g: Env, sign: int = 1) -> Iterator[Statement]:
    """Identity, inverse and composition, for three arbitrary rows."""
    at = g.point()
    P, Q, S = (Row(g[f"p_{k}"], g[f"q_{k}"]) for k in (1, 2, 3))
    there = convert(g.z, g.pred, at, P, Q)
    yield Equal("identity", convert(g.z, g.pred, at, P, P), g.pred)
    yield Equal("inverse", convert(sign * g.z, there, at, Q, P), g.pred)
    yield Equal("composition", convert(g.z, there, at, Q, S), convert(g.z, g.pred, at, P, S))


def ends(g: Env, swap: bool = False) -> Iterator[Statement]:
    """A row survives an end iff [Z, P] stays away from zero there: eps and score die at alpha = 0, x0 at sigma = 0."""
    at = g.point()
    dead = {"alpha": {"eps", "score"}, "sigma": {"x0"}}
    if swap:
        dead = {"alpha": {"x0"}, "sigma": {"eps"}}
    for name in ("eps", "x0", "v", "flow", "reversed_flow", "F", "k_diffusion_v"):
        row = PARAMETERIZATIONS[name].at(g.xp, at, **parameters(g, name))
        for end in ("alpha", "sigma"):
            limit = g.limit_at_zero(det(at, row), end)
            statement = Equal if name in dead[end] else Differs
            yield statement(f"[Z, {name}] at {end} = 0", limit, 0 * limit)
    score = PARAMETERIZATIONS["score"].at(g.xp, at)
    yield Equal("[Z, score] at alpha = 0", g.limit_at_zero(det(at, score), "alpha"), 0 * g.sigma)
    yield Holds("score has no limit at sigma = 0", not g.has_limit(score.q, "sigma"))


def v_off_circle(g: Env, power: int = 0) -> Iterator[Statement]:
    """Off the VP circle: x0 = (alpha z - sigma v)/(alpha^2 + sigma^2), and what the VP short form gets wrong."""
    at = g.point()
    z, v = at.alpha * g.x_0 + at.sigma * g.e_0, emit(g.xp, g.x_0, g.e_0, at, "v")
    square = at.alpha * at.alpha + at.sigma * at.sigma
    short_x0, short_eps = lit.x0_from_v_vp(z, v, at), lit.eps_from_v_vp(z, v, at)
    yield Equal("x0 = short form / (alpha^2+sigma^2)", short_x0 / (square + power), g.x_0)
    yield Equal("eps = short form / (alpha^2+sigma^2)", short_eps / (square + power), g.e_0)
    yield Equal("residual of the short form", short_x0 - g.x_0, (square - 1) * g.x_0)


def rotation(g: Env, sign: int = 1) -> Iterator[Statement]:
    """v is z turned by 90 degrees, and on VP it is dz/dphi with alpha = cos(phi), sigma = sin(phi)."""
    at = g.point()
    v = PARAMETERIZATIONS["v"].at(g.xp, at)
    yield Equal("[Z, v] = |Z|^2", det(at, v), sign * (at.alpha * at.alpha + at.sigma * at.sigma))
    yield Equal("v is orthogonal to Z", at.alpha * v.p + at.sigma * v.q, 0 * at.alpha)
    # phi = 2 arctan t, so dphi/dt = 2/(1 + t^2)
    for coordinate, end in ((at.alpha, v.p), (at.sigma, v.q)):
        yield Equal("dZ/dphi = v", g.derivative(coordinate, "t") * (1 + g.t * g.t), sign * 2 * end)


def wronskian(g: Env, sign: int = 1) -> Iterator[Statement]:
    """The velocity row's determinant is the Wronskian: -alpha*sigma times the slope of the half-log-SNR."""
    at = g.point()
    row = PARAMETERIZATIONS["velocity"].at(g.xp, at, **parameters(g, "velocity"))
    slope = g.dalpha / at.alpha - g.dsigma / at.sigma  # d lambda/dt
    yield Equal("[Z, Z'] = -alpha sigma lambda'", det(at, row), -sign * at.alpha * at.sigma * slope)
    flow = emit(g.xp, g.x_0, g.e_0, at, "flow")
    on_flow = emit(g.xp, g.x_0, g.e_0, at, "velocity", dalpha=-g.dsigma, dsigma=g.dsigma)
    yield Equal("on alpha' = -sigma' the velocity is sigma'(eps - x0)", on_flow, sign * g.dsigma * flow)


POSITIVE = ("alpha > 0", "sigma > 0")
ALL_ROWS = (
    *POSITIVE, "sd > 0", "sigma**2 + alpha**2*sd**2 > 0", "alpha + sigma > 0", "alpha*dsigma != sigma*dalpha"
)  # fmt: skip
MOVES = (*POSITIVE, "alpha*dsigma != sigma*dalpha")

THEOREMS = (
    Theorem(
        "P1",
        r"\mathrm{pred}_Q = ([Z,Q]\,\mathrm{pred}_P + [Q,P]\,z)/[Z,P] \text{ for all rows; every printed form is it}",
        "arXiv:2006.11239 eq. 15; arXiv:2202.00512; arXiv:2210.02747; derived here",
        "field",
        (
            Part(definition, {"z of the other sign of sigma": {"sign": -1}}, {"": "free"}, ALL_ROWS),
            Part(forms(ANY), {"another prediction": {"pred_shift": 1}}, {"": "free"}, POSITIVE),
            Part(forms(VP), {"another prediction": {"pred_shift": 1}}, {"": "vp"}),
            Part(forms(VP), {"another prediction": {"pred_shift": 1}}, {"": "circle"}),
            Part(forms(FLOW), {"another prediction": {"pred_shift": 1}}, {"": "flow"}),
            Part(forms(MOVING, True), {"another prediction": {"pred_shift": 1}}, {"": "free"}, MOVES),
        ),
    ),
    Theorem(
        "P2",
        r"\partial\,\mathrm{pred}_Q/\partial\,\mathrm{pred}_P = [Z,Q]/[Z,P]",
        "derived here, from the independently printed conversions",
        "field",
        (
            Part(amplified(ANY), {"the inverse ratio": {"swap": True}}, {"": "free"}, POSITIVE, "field_only"),
            Part(amplified(VP), {"the inverse ratio": {"swap": True}}, {"": "vp"}, (), "field_only"),
            Part(amplified(FLOW), {"the inverse ratio": {"swap": True}}, {"": "flow"}, (), "field_only"),
            Part(amplified(MOVING, True), {"the inverse ratio": {"swap": True}}, {"": "free"}, MOVES, "field_only"),
        ),
    ),
    Theorem(
        "P3",
        r"P \to P = \mathrm{id},\quad (P \to Q)^{-1} = Q \to P,\quad (Q \to S)(P \to Q) = P \to S",
        "derived here, for three arbitrary rows",
        "field",
        (
            Part(
                group,
                {"the inverse at -z": {"sign": -1}},
                {"": "free"},
                ("alpha*q_1 != sigma*p_1", "alpha*q_2 != sigma*p_2"),
            ),
        ),
    ),
    Theorem(
        "P4",
        r"[Z,P]\to 0 \text{ at } \alpha = 0 \text{ for } \epsilon, s; \text{ at } \sigma = 0 \text{ for } x_0; "
        r"\text{ never for } v, u, F",
        "derived here; arXiv:2305.08891 on zero terminal SNR",
        "limit",
        (
            Part(
                ends,
                {"x0 dead at alpha = 0": {"swap": True}},
                {"": "free"},
                (*POSITIVE, "sd > 0"),
                "field_only",
            ),
        ),
    ),
    Theorem(
        "P5",
        r"x_0 = (\alpha z - \sigma v)/(\alpha^2+\sigma^2); \text{ the VP form is off by } (\alpha^2+\sigma^2-1)\,x_0",
        "derived here; the short form is arXiv:2202.00512",
        "field",
        (Part(v_off_circle, {"divided by alpha^2+sigma^2+1": {"power": 1}}, {"": "free"}, POSITIVE),),
    ),
    Theorem(
        "P6",
        r"v \perp z,\ [Z,v] = |Z|^2,\quad v = dz/d\phi \text{ on VP}",
        "arXiv:2202.00512 appendix D",
        "field",
        (Part(rotation, {"turned the other way": {"sign": -1}}, {"": "vp"}, (), "field_only"),),
    ),
    Theorem(
        "P7",
        r"[Z,\dot Z] = -\alpha\sigma\dot\lambda;\quad "
        r"\dot z = \dot\sigma(\epsilon - x_0) \text{ where } \dot\alpha = -\dot\sigma",
        "arXiv:2210.02747; derived here",
        "field",
        (Part(wronskian, {"the other sign": {"sign": -1}}, {"": "free"}, MOVES),),
    ),
)
