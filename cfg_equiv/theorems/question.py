r"""Q1-Q3, Q5, Q6: is classifier-free guidance on v right? (Q4, Q7 and Q8 have files of their own.)"""

from collections.abc import Iterator

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans, weight_off_at_one, weight_off_at_zero
from cfg_equiv.algebra.literature import denoised_from_edm_f, edm_scalings, x0_from_eps
from cfg_equiv.algebra.points import Point, ve_point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.solvers import PER_CALL
from cfg_equiv.theorems.statement import Equal, Statement
from cfg_equiv.theorems.values import branches, guided_step, parameters


def first_poster(g: Env, sign: int = 1) -> Iterator[Statement]:
    """``(1 + w)*c - w*u`` on v is alpha times the eps rule minus sigma times the x0 rule."""
    at = g.point()
    v_cond, v_uncond = emit(g.xp, g.x_c, g.e_c, at, "v"), emit(g.xp, g.x_u, g.e_u, at, "v")
    guided_eps, guided_x0 = cfg_ho_salimans(g.e_c, g.e_u, g.w), cfg_ho_salimans(g.x_c, g.x_u, g.w)
    combined = emit(g.xp, guided_x0, guided_eps, Point(at.alpha, sign * at.sigma), "v")
    yield Equal("v_cfg = alpha*eps_cfg - sigma*x0_cfg", cfg_ho_salimans(v_cond, v_uncond, g.w), combined)


def second_poster(g: Env, sign: int = 1) -> Iterator[Statement]:
    """``u + w*(c - u)`` on v: the flat sum term by term, and back to the factored form."""
    at = g.point()
    cos, sin, w = at.alpha, at.sigma, g.w
    v_cond, v_uncond = emit(g.xp, g.x_c, g.e_c, at, "v"), emit(g.xp, g.x_u, g.e_u, at, "v")
    start = cfg(v_cond, v_uncond, w)
    noise_terms = cos * g.e_u + w * cos * g.e_c - w * cos * g.e_u
    signal_terms = -sin * g.x_u - w * sin * g.x_c + sign * w * sin * g.x_u
    yield Equal("the flat sum of six terms", start, noise_terms + signal_terms)
    factored = emit(g.xp, cfg(g.x_c, g.x_u, w), cfg(g.e_c, g.e_u, w), at, "v")
    yield Equal("back to the factored form", noise_terms + signal_terms, factored)


def two_conventions(g: Env, shift: int = 0) -> Iterator[Statement]:
    """The posters' weights are different numbers: w of the first is 1 + w of the second."""
    yield Equal("w -> 1 + w", cfg(g.c, g.u, weight_off_at_one(g.w) + shift), cfg_from_cond(g.c, g.u, g.w))
    yield Equal("w -> w - 1", cfg_from_cond(g.c, g.u, weight_off_at_zero(g.w)), cfg(g.c, g.u, g.w))
    yield Equal("(1 + w)c - wu = c + w(c - u)", cfg_ho_salimans(g.c, g.u, g.w), cfg_from_cond(g.c, g.u, g.w))


def implied(g: Env, gap: int = 0) -> Iterator[Statement]:
    """At a shared z the x0 combination is implied by the eps combination."""
    at = g.point()
    x_cond, x_uncond = x0_from_eps(g.z, g.e_c, at), x0_from_eps(g.z + gap, g.e_u, at)
    guided_eps = cfg(g.e_c, g.e_u, g.w)
    yield Equal("x0_cfg = (z - sigma*eps_cfg)/alpha", cfg(x_cond, x_uncond, g.w), x0_from_eps(g.z, guided_eps, at))


def karras(g: Env, row: str = "F") -> Iterator[Statement]:
    """c_skip, c_out, c_in and the k-diffusion wrapper at any sigma_data, and F against v at sigma_data = 1."""
    at = g.point()
    on_ve = ve_point(at)
    x, z = g.x_0 + on_ve.sigma * g.e_0, at.alpha * g.x_0 + at.sigma * g.e_0
    network = emit(g.xp, g.x_0, g.e_0, on_ve, row, sigma_data=g.sd)
    yield Equal("D = c_skip x + c_out F", denoised_from_edm_f(g.xp, x, network, on_ve.sigma, g.sd), g.x_0)
    c_skip, c_out, _ = edm_scalings(g.xp, on_ve.sigma, g.sd)
    wrapped = emit(g.xp, g.x_0, g.e_0, on_ve, "k_diffusion_v", sigma_data=g.sd)
    yield Equal("VDenoiser: D = c_skip x - c_out v", c_skip * x - c_out * wrapped, g.x_0)
    norm = g.xp.sqrt(at.alpha * at.alpha + at.sigma * at.sigma)
    f_one = emit(g.xp, g.x_0, g.e_0, at, "F", sigma_data=1)
    yield Equal("F = -v/sqrt(alpha^2+sigma^2)", f_one, -emit(g.xp, g.x_0, g.e_0, at, "v") / norm)
    yield Equal("c_in x = z/sqrt(alpha^2+sigma^2)", edm_scalings(g.xp, on_ve.sigma, 1)[2] * x, z / norm)


def karras_guided(g: Env, row: str = "F") -> Iterator[Statement]:
    """Guiding D, F and v is one thing."""
    at, p = g.point(), parameters(g, "F")
    guided = {name: cfg(*branches(g, name, at), g.w) for name in ("x0", "v", "F")}
    yield Equal("guiding F = guiding D", to_space(g.xp, g.z, guided["F"], at, row, "x0", **p), guided["x0"])
    yield Equal("guiding v = guiding D", to_space(g.xp, g.z, guided["v"], at, "v", "x0"), guided["x0"])


def karras_vp(g: Env, sign: int = -1) -> Iterator[Statement]:
    """On VP, F = -v at sigma_data = 1 and the network's input c_in*x is z itself."""
    at = g.point()
    f_one = emit(g.xp, g.x_0, g.e_0, at, "F", sigma_data=1)
    yield Equal("F = -v", f_one, sign * emit(g.xp, g.x_0, g.e_0, at, "v"))
    z = at.alpha * g.x_0 + at.sigma * g.e_0
    yield Equal("c_in x = z", edm_scalings(g.xp, ve_point(at).sigma, 1)[2] * (z / at.alpha), z)


def one_step(g: Env, path: str, gap: int = 0) -> Iterator[Statement]:
    """In every sampler of a path the guided step is the same from every parameterization."""
    s, t = g.point("s", lam=True), g.point("t", lam=True)
    for sampler in (sampler for sampler in SAMPLERS.values() if sampler.path == path):
        native = guided_step(g, sampler, sampler.space, s, t)
        for name in PARAMETERIZATIONS:
            if name != sampler.space:
                yield Equal(f"{sampler.name} from {name}", guided_step(g, sampler, name, s, t, gap=gap), native)


def any_path(g: Env, gap: int = 0) -> Iterator[Statement]:
    """Samplers whose native form holds on any path."""
    return one_step(g, "any", gap)


def vp_path(g: Env, gap: int = 0) -> Iterator[Statement]:
    """Samplers whose native form holds on the VP path."""
    return one_step(g, "vp", gap)


def flow_path(g: Env, gap: int = 0) -> Iterator[Statement]:
    """Samplers whose native form holds on the flow path."""
    return one_step(g, "flow", gap)


POSITIVE = ("alpha > 0", "sigma > 0")
STEP = ("sd > 0", "sigma_s**2 + alpha_s**2*sd**2 > 0", "alpha_s + sigma_s > 0", "alpha_s*dsigma != sigma_s*dalpha")
DENOISES = ("alpha_t*sigma_s > alpha_s*sigma_t",)
OTHER_LATENT = {"the unconditional branch at another z": {"gap": 1}}

THEOREMS = (
    Theorem(
        "Q1",
        r"(1+w)v_c - w v_u = \alpha[(1+w)\epsilon_c - w\epsilon_u] - \sigma[(1+w)x_c - w x_u]",
        "the thread, first answer; conventions of arXiv:2207.12598 eq. 6",
        "field",
        (Part(first_poster, {"plus sigma": {"sign": -1}}, {"": "free"}),),
    ),
    Theorem(
        "Q2",
        r"v_u + w(v_c - v_u) = \cos\phi[\epsilon_u + w(\epsilon_c-\epsilon_u)] - \sin\phi[x_u + w(x_c-x_u)]",
        "the thread, second answer; conventions of arXiv:2205.11487 eq. 2",
        "field",
        (
            Part(second_poster, {"a sign of the flat sum": {"sign": -1}}, {"": "free"}),
            Part(two_conventions, {"the same number in both conventions": {"shift": -1}}),
        ),
    ),
    Theorem(
        "Q3",
        r"x_{0,\mathrm{cfg}} = (z - \sigma\,\epsilon_{\mathrm{cfg}})/\alpha \text{ at a shared } z",
        "the thread's doubt: 'signal_u + w*(signal_c - signal_u) might introduce differences'",
        "field",
        (Part(implied, OTHER_LATENT, {"": "free"}, ("alpha > 0",)),),
    ),
    Theorem(
        "Q5",
        r"D = c_{\mathrm{skip}}x + c_{\mathrm{out}}F,\quad F = -v/\sqrt{\alpha^2+\sigma^2} \text{ at } \sigma_d = 1",
        "arXiv:2206.00364 eq. 7 and table 1; k-diffusion VDenoiser",
        "field",
        (
            Part(
                karras,
                {"the other sign of c_out": {"row": "k_diffusion_v"}},
                {"": "free"},
                (*POSITIVE, "sd > 0"),
            ),
            Part(karras_guided, {"F read as v": {"row": "v"}}, {"": "free"}, (*POSITIVE, "sd > 0")),
            Part(karras_vp, {"F = +v": {"sign": 1}}, {"": "vp"}),
        ),
    ),
    Theorem(
        "Q6",
        r"\mathrm{step}(\mathrm{cfg}(\mathrm{pred}_P)) = \mathrm{step}(\mathrm{cfg}(\mathrm{pred}_Q))"
        r"\text{ for every sampler and all rows } P, Q",
        "the thread: 'it depends on what the sampler does with the output'",
        "field",
        (
            Part(
                any_path,
                OTHER_LATENT,
                {"s": "free", "t": "free"},
                (
                    "alpha_s > 0", "sigma_s > 0", "alpha_t > 0", "sigma_t > 0", "eta > 0", *DENOISES, *STEP,
                    "(alpha_t*sigma_s)**2 > eta**2*((alpha_t*sigma_s)**2 - (alpha_s*sigma_t)**2)",
                    "0 > expm1(-1*eta*(lam_t - lam_s))",
                ),
            ),
            Part(
                vp_path,
                OTHER_LATENT,
                {"s": "vp", "t": "vp"},
                (
                    *DENOISES, "alpha_t + alpha_s > 0", "eta > 0", *STEP,
                    "sigma_t**2 > eta**2*sigma_t**2*(1 - alpha_s**2/alpha_t**2)/sigma_s**2",
                ),
            ),
            Part(
                flow_path,
                OTHER_LATENT,
                {"s": "flow", "t": "flow"},
                ("sigma_s > sigma_t", "alpha_s**2 + sigma_s**2 > 0", *STEP),
            ),
            PER_CALL,  # the solvers of several evaluations: call by call, and then S6
        ),
    ),
)  # fmt: skip
