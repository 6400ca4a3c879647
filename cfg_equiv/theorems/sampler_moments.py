r"""S9: what first-order samplers do to the mean and the variance of Gaussian data, exactly, one step at a time.

With the exact network of :math:`N(m, a)` a step is affine in the latent and the fresh noise. Its coefficients are read
off the shipped step by unit latents and unit noises, so no sampling is needed, and the variance after it is a rational
function of the points.
"""

from collections.abc import Iterator
from typing import Any

from cfg_equiv.algebra.gaussian import marginal_variance, posterior_mean_eps, posterior_mean_x0
from cfg_equiv.algebra.gaussian_sde import step_variance
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.theorems.environment import Env, Path
from cfg_equiv.theorems.record import Claim, Part, Theorem
from cfg_equiv.theorems.samplers import ANCESTRAL, ORDERED, POWER, VP_ORDERED, from_truth
from cfg_equiv.theorems.statement import Differs, Equal, Statement

OUTSIDE = ("sde_dpm_solver_1", "ddpm_fixed_large")  # theorem S3: no members of the family F_rho


def affine(g: Env, sampler: Sampler, s: Point, t: Point, var: Any) -> tuple[Any, Any, Any]:
    """What the latent, the mean of the data and the noise are multiplied by in a step on Gaussian data."""
    zero, one = 0 * s.alpha, 1 + 0 * s.alpha

    def moved(z: Any, mean: Any, noise: Any) -> Any:
        x0, eps = posterior_mean_x0(z, s, mean, var), posterior_mean_eps(z, s, mean, var)
        given = {name: noise if name == "noise" else g[name] for name in sampler.extras}
        return sampler.step(g.xp, z, emit(g.xp, x0, eps, s, sampler.space), s, t, **given)

    return moved(one, zero, zero), moved(zero, one, zero), moved(zero, zero, one)


def _shares(g: Env, sampler: Sampler, s: Point, t: Point) -> tuple[Any, Any]:
    """``rho`` and ``rest``: the shares of old and of fresh noise at ``t``, in units of its sigma."""
    zero, one = 0 * s.alpha, 1 + 0 * s.alpha
    old = from_truth(g, sampler, s, t, zero, one, noise=zero)
    return old / t.sigma, from_truth(g, sampler, s, t, zero, zero, noise=one) / t.sigma


def _chosen(path: str) -> Iterator[Sampler]:
    """The samplers of a path; by theorem S3 two of VP are Euler ancestral there, which runs on any path."""
    same = ("ddim_eta", "v_diffusion")
    return (sampler for sampler in SAMPLERS.values() if sampler.path == path and sampler.name not in same)


def moments(path: str) -> Claim:
    """The claim about the samplers of a path: the mean is right, and the variance is off by the closed form."""

    def claim(g: Env, factor: int = 1, outside: tuple[str, ...] = OUTSIDE) -> Iterator[Statement]:
        s, t = g.point("s", lam=True), g.point("t", lam=True)
        a = g.c_a
        v_s, v_t = marginal_variance(s, a), marginal_variance(t, a)
        for sampler in _chosen(path):
            of_z, of_mean, of_noise = affine(g, sampler, s, t, a)
            yield Equal(f"{sampler.name}: mean", of_z * s.alpha + of_mean, t.alpha + 0 * v_t)
            rho, rest = _shares(g, sampler, s, t)
            excess = t.sigma * t.sigma * (rho * rho + rest * rest - 1)
            loss = a * (t.alpha * s.sigma - rho * s.alpha * t.sigma) ** 2 / v_s
            reached = step_variance(of_z, of_noise, v_s)
            yield Equal(f"{sampler.name}: variance", reached - v_t, excess - factor * loss)
            member = Differs if sampler.name in outside else Equal
            yield member(f"{sampler.name}: no excess", excess, 0 * excess)

    return claim


def point_mass(path: str) -> Claim:
    """The claim that members of the family are exact on a point mass, whatever their rho, and the others are not."""

    def claim(g: Env, outside: tuple[str, ...] = OUTSIDE) -> Iterator[Statement]:
        s, t = g.point("s", lam=True), g.point("t", lam=True)
        for sampler in _chosen(path):
            of_z, _, of_noise = affine(g, sampler, s, t, 0 * s.alpha)
            reached = step_variance(of_z, of_noise, s.sigma * s.sigma)
            statement = Differs if sampler.name in outside else Equal
            yield statement(f"{sampler.name} on a point mass", reached, t.sigma * t.sigma)

    return claim


SIDE = {"any": (*ORDERED, *ANCESTRAL, *POWER), "vp": VP_ORDERED}
PLACED: dict[str, dict[str, Path]] = {"any": {"s": "free", "t": "free"}, "vp": {"s": "vp", "t": "vp"}}
SPREAD = ("c_a > 0", "alpha_s**2*c_a + sigma_s**2 > 0")
ALL: dict[str, Any] = {"all are members": {"outside": ()}}
TWICE: dict[str, Any] = {"twice the loss": {"factor": 2}}

THEOREMS = (
    Theorem(
        "S9",
        r"\text{One step on } N(m, a):\ m' = \alpha_t m,\ "
        r"V' - v_t = \sigma_t^2(\rho^2 + r^2 - 1) - \frac{a(\alpha_t\sigma_s - \rho\,\alpha_s\sigma_t)^2}{v_s},\ "
        r"\rho^2 + r^2 = 1 \text{ in the family } F_\rho: \text{ exact on a point mass, too narrow else}",
        "derived here",
        "field",
        (
            *(Part(moments(path), TWICE, PLACED[path], (*SIDE[path], *SPREAD)) for path in SIDE),
            Part(moments("flow"), TWICE, {"s": "flow", "t": "flow"}, ("sigma_s > sigma_t", *SPREAD)),
            *(Part(point_mass(path), ALL, PLACED[path], SIDE[path]) for path in SIDE),
        ),
    ),
)
