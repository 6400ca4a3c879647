r"""S1-S4 and S7: first-order samplers. Which are one map, which family they belong to, and what they do at the end.

What S4 and S7 say of the solvers of several evaluations is in :mod:`cfg_equiv.theorems.solvers`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Point, Row
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.samplers.renoise import family_step
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.solvers import LAST_STEPS, MATCHED
from cfg_equiv.theorems.statement import Differs, Equal, Statement


def from_truth(g: Env, sampler: Sampler, s: Point, t: Point, x0: Any, eps: Any, **extras: Any) -> Any:
    """One step of a sampler whose network emits the true row, at the latent ``alpha*x0 + sigma*eps``."""
    given = {name: extras.get(name, g[name]) for name in sampler.extras}
    z = s.alpha * x0 + s.sigma * eps
    return sampler.step(g.xp, z, emit(g.xp, x0, eps, s, sampler.space), s, t, **given)


def is_conversion(g: Env, names: tuple[str, ...] = ("ddim_eps", "ddim_x0"), keep: int = 1) -> Iterator[Statement]:
    """DDIM is the conversion to the row (alpha_t, sigma_t), for any prediction, true or not."""
    s, t = g.point("s"), g.point("t")
    for name in names:
        sampler = SAMPLERS[name]
        row = PARAMETERIZATIONS[sampler.space].at(g.xp, s)
        step = sampler.step(g.xp, g.z, g.pred, s, t)
        yield Equal(name, step, convert(g.z, keep * g.pred, s, row, Row(t.alpha, t.sigma)))


def is_conversion_vp(g: Env, keep: int = 1) -> Iterator[Statement]:
    """The angular v form is the same conversion, on VP."""
    return is_conversion(g, ("ddim_v",), keep)


ONE_MAP = ("ddim_eps", "ddim_x0", "euler_ve", "dpm_solver_1", "dpm_solver_pp_1")


def one_map(g: Env, sign: int = 1) -> Iterator[Statement]:
    """On any path five native forms are one map, alpha_t*x0 + sigma_t*eps; two more leave a residual off their path."""
    s, t = g.point("s", lam=True), g.point("t", lam=True)
    exact = t.alpha * g.x_0 + t.sigma * g.e_0
    for name in ONE_MAP:
        yield Equal(name, from_truth(g, SAMPLERS[name], s, t, g.x_0, sign * g.e_0), exact)
    angular = from_truth(g, SAMPLERS["ddim_v"], s, t, g.x_0, g.e_0)
    circle = s.alpha * s.alpha + s.sigma * s.sigma - 1
    yield Equal("residual of the angular form", angular - exact, circle * exact)
    flow = from_truth(g, SAMPLERS["euler_flow"], s, t, g.x_0, g.e_0)
    line = s.alpha + s.sigma - t.alpha - t.sigma
    yield Equal("residual of flow Euler", flow - exact, line * g.x_0)


def on_path(g: Env, name: str) -> Iterator[Statement]:
    """A sampler on its own path is the same map."""
    s, t = g.point("s"), g.point("t")
    exact = t.alpha * g.x_0 + t.sigma * g.e_0
    yield Equal(name, from_truth(g, SAMPLERS[name], s, t, g.x_0, g.e_0), exact)


def angular_on_vp(g: Env, name: str = "ddim_v") -> Iterator[Statement]:
    """The angular v form on VP."""
    return on_path(g, name)


def euler_on_flow(g: Env, name: str = "euler_flow") -> Iterator[Statement]:
    """Flow Euler on the flow path."""
    return on_path(g, name)


def _rho(g: Env, s: Point, t: Point, which: str) -> tuple[Any, Any]:
    """Rho and sqrt(1 - rho^2) of a member of the family."""
    h = t.lam - s.lam
    if which == "eta":  # rho^2 = 1 - eta^2 (1 - e^{-2h})
        shrink = -g.xp.expm1(-2 * h)
        return g.xp.sqrt(1 - g.eta * g.eta * shrink), g.eta * g.xp.sqrt(shrink)
    exponent = g.eta * h if which == "power" else h
    return 1 + g.xp.expm1(-exponent), g.xp.sqrt(-g.xp.expm1(-2 * exponent))


def family(members: dict[str, str]) -> Callable[..., Iterator[Statement]]:
    """The claim that samplers are the members of F_rho with the named rho."""

    def claim(g: Env, sign: int = 1) -> Iterator[Statement]:
        s, t = g.point("s", lam=True), g.point("t", lam=True)
        for name, which in members.items():
            rho, rest = _rho(g, s, t, which)
            step = from_truth(g, SAMPLERS[name], s, t, g.x_0, g.e_0)
            yield Equal(f"{name}: rho of {which}", step, family_step(g.x_0, g.e_0, t, g.noise, sign * rho, rest))

    return claim


def renoising(g: Env, rest: int = 1) -> Iterator[Statement]:
    """Renoising is rho = 0."""
    s, t = g.point("s"), g.point("t")
    step = from_truth(g, SAMPLERS["renoise"], s, t, g.x_0, g.e_0)
    yield Equal("renoise: rho = 0", step, family_step(g.x_0, g.e_0, t, g.noise, 0, rest))


def _excess(g: Env, name: str, s: Point, t: Point) -> Any:
    """Variance of a step's noise, eps and fresh noise of unit variance, beyond sigma_t^2: zero for a member."""
    zero, one = 0 * g.x_0, 1 + 0 * g.x_0
    of_eps = from_truth(g, SAMPLERS[name], s, t, zero, one, noise=zero)
    of_noise = from_truth(g, SAMPLERS[name], s, t, zero, zero, noise=one)
    return of_eps * of_eps + of_noise * of_noise - t.sigma * t.sigma


def outsider(g: Env, factor: int = 2) -> Iterator[Statement]:
    """SDE-DPM-Solver-1 in the noise form is no member: eps coefficient and excess variance in closed form."""
    s, t = g.point("s", lam=True), g.point("t", lam=True)
    grown = g.xp.expm1(t.lam - s.lam)
    coefficient = from_truth(g, SAMPLERS["sde_dpm_solver_1"], s, t, 0 * g.x_0, 1 + 0 * g.x_0, noise=0 * g.x_0)
    yield Equal("eps coefficient sigma_t (2 - e^h)", coefficient, t.sigma * (1 - grown))
    excess = _excess(g, "sde_dpm_solver_1", s, t)
    yield Equal("excess variance 2 sigma_t^2 (e^h - 1)^2", excess, factor * (t.sigma * grown) ** 2)
    yield Equal("a member has no excess", _excess(g, "sde_dpm_solver_pp_1", s, t), 0 * excess)


def outsider_vp(g: Env, name: str = "ddpm_fixed_large") -> Iterator[Statement]:
    """DDPM with the large variance is no member: its excess is beta (1 - sigma_t^2/sigma_s^2)."""
    s, t = g.point("s"), g.point("t")
    beta = 1 - s.alpha * s.alpha / (t.alpha * t.alpha)
    ratio = t.sigma * t.sigma / (s.sigma * s.sigma)
    yield Equal("excess variance", _excess(g, name, s, t), beta * (1 - ratio))


def matched_snr(g: Env, names: tuple[str, ...] = ()) -> Iterator[Statement]:
    """Rescaling the path at both ends rescales the step: in z/alpha only the SNR matters, for all of these samplers."""
    s, t = g.point("s", lam=True), g.point("t", lam=True)
    s_scaled, t_scaled = (Point(p.alpha * c, p.sigma * c, p.lam) for p, c in ((s, g.c_s), (t, g.c_t)))
    for sampler in SAMPLERS.values():
        if sampler.path == "any" or sampler.name in names:
            here = from_truth(g, sampler, s, t, g.x_0, g.e_0)
            there = from_truth(g, sampler, s_scaled, t_scaled, g.x_0, g.e_0)
            yield Equal(f"{sampler.name}: z/alpha", there, g.c_t * here)


KEEPS_NOISE = ("sde_dpm_solver_1", "ddpm_fixed_large")


def ends_at_data(path: str, end: str, keeps: tuple[str, ...] = KEEPS_NOISE) -> Callable[..., Iterator[Statement]]:
    """The claim that a step to sigma = 0 has the limit alpha_t*x0, except for those that keep noise there."""

    def claim(g: Env, exceptions: tuple[str, ...] = keeps) -> Iterator[Statement]:
        s, t = g.point("s", lam=True), g.point("t", lam=True)
        for sampler in (sampler for sampler in SAMPLERS.values() if sampler.path == path):
            limit = g.limit_at_zero(from_truth(g, sampler, s, t, g.x_0, g.e_0), end)
            statement = Differs if sampler.name in exceptions else Equal
            yield statement(f"{sampler.name} at sigma_t = 0", limit, g.limit_at_zero(t.alpha, end) * g.x_0)

    return claim


ORDERED = ("alpha_s > 0", "sigma_s > 0", "alpha_t > 0", "sigma_t > 0", "alpha_t*sigma_s > alpha_s*sigma_t")
ETA = ("eta > 0", "1 > eta")
ANCESTRAL = (*ETA, "(alpha_t*sigma_s)**2 > eta**2*((alpha_t*sigma_s)**2 - (alpha_s*sigma_t)**2)")
POWER = ("0 > expm1(-1*eta*(lam_t - lam_s))",)
VP_ORDERED = ("alpha_t*sigma_s > alpha_s*sigma_t", "alpha_t + alpha_s > 0")
VP_ETA = (*VP_ORDERED, *ETA, "sigma_t**2 > eta**2*sigma_t**2*(1 - alpha_s**2/alpha_t**2)/sigma_s**2")
FREE: dict[str, Any] = {"points": {"s": "free", "t": "free"}}
VP: dict[str, Any] = {"points": {"s": "vp", "t": "vp"}}
FLOW: dict[str, Any] = {"points": {"s": "flow", "t": "flow"}}
DOUBLE = {"another predict": {"keep": 2}}
MINUS_RHO = {"minus rho": {"sign": -1}}
MISSED = {"none keeps noise": {"exceptions": ()}}

THEOREMS = (
    Theorem(
        "S1",
        r"\mathrm{DDIM} = \mathrm{convert}(\cdot \to (\alpha_t, \sigma_t))",
        "arXiv:2010.02502 eq. 12; arXiv:2202.00512; derived here",
        "field",
        (
            Part(is_conversion, DOUBLE, conditions=ORDERED, **FREE),
            Part(is_conversion_vp, DOUBLE, **VP),
        ),
    ),
    Theorem(
        "S2",
        r"\text{DDIM}(\epsilon) = \text{DDIM}(x_0) = \text{VE Euler} = \text{DPM-Solver-1} = \text{DPM-Solver++-1}"
        r"\text{ on any path};"
        r"\ \text{angular } v \text{ on VP, flow Euler iff } \alpha_s+\sigma_s = \alpha_t+\sigma_t",
        "arXiv:2010.02502, 2202.00512, 2206.00364, 2206.00927, 2211.01095, 2209.03003; derived here",
        "field",
        (
            Part(one_map, {"eps of the other sign": {"sign": -1}}, conditions=ORDERED, **FREE),
            Part(angular_on_vp, {"flow Euler on VP": {"name": "euler_flow"}}, **VP),
            Part(euler_on_flow, {"angular v on flow": {"name": "ddim_v"}}, **FLOW),
        ),
    ),
    Theorem(
        "S3",
        r"z' = \alpha_t x_0 + \sigma_t(\rho\,\epsilon + \sqrt{1-\rho^2}\,n):\ "
        r"\rho^2 = 1-\eta^2(1-e^{-2h});\ \rho = e^{-h},\ e^{-\eta h},\ 0",
        "arXiv:2010.02502 eqs. 7, 16; arXiv:2006.11239 eq. 7; k-diffusion; derived here",
        "field",
        (
            Part(family({"euler_ancestral": "eta"}), MINUS_RHO, conditions=(*ORDERED, *ANCESTRAL), **FREE),
            Part(family({"ddim_eta": "eta", "v_diffusion": "eta"}), MINUS_RHO, conditions=VP_ETA, **VP),
            Part(family({"ddpm_posterior": "decay"}), MINUS_RHO, conditions=VP_ORDERED, **VP),
            Part(family({"sde_dpm_solver_pp_1": "decay"}), MINUS_RHO, conditions=ORDERED, **FREE),
            Part(family({"dpmpp_sde_eta": "power"}), MINUS_RHO, conditions=(*ORDERED, *ETA, *POWER), **FREE),
            Part(renoising, {"twice the noise": {"rest": 2}}, conditions=ORDERED, **FREE),
            Part(outsider, {"half the excess": {"factor": 1}}, conditions=ORDERED, **FREE),
            Part(outsider_vp, {"the posterior variance": {"name": "ddpm_posterior"}}, conditions=VP_ORDERED, **VP),
        ),
    ),
    Theorem(
        "S4",
        r"\text{samplers and solvers for any path, on VP, VE and flow at matched SNR: one trajectory in } z/\alpha",
        "derived here",
        "field",
        (
            Part(
                matched_snr,
                {"flow Euler": {"names": ("euler_flow",)}, "angular v": {"names": ("ddim_v",)}},
                conditions=(*ORDERED, *ANCESTRAL, *POWER, "c_s > 0", "c_t > 0"),
                **FREE,
            ),
            *MATCHED,
        ),
    ),
    Theorem(
        "S7",
        r"\lim_{\sigma_t\to 0} \mathrm{step} = \alpha_t x_0,\ "
        r"\text{except SDE-DPM-Solver-1 (noise form) and DDPM fixed-large}",
        "derived here",
        "limit",
        (
            Part(
                ends_at_data("any", "sigma_t"),
                MISSED,
                conditions=(*ORDERED, *ANCESTRAL, *POWER),
                arena="field_only",
                **FREE,
            ),
            Part(ends_at_data("vp", "t_t"), MISSED, conditions=VP_ETA, arena="field_only", **VP),
            Part(
                ends_at_data("flow", "sigma_t"),
                {"it keeps noise": {"exceptions": ("euler_flow",)}},
                conditions=("sigma_s > sigma_t",),
                arena="field_only",
                **FLOW,
            ),
            *LAST_STEPS,
        ),
    ),
)
