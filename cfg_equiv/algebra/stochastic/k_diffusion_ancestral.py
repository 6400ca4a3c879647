r"""k-diffusion's two-stage samplers that go below the level they want and add noise to reach it.

The state is :math:`x = z/\alpha` and the points are VE points: ``sigma`` is :math:`\kappa`, ``lam`` is
:math:`-\log\sigma`, :math:`D` the denoised prediction and :math:`n` unit noise. An ancestral step from :math:`\sigma_s`
to :math:`\sigma_t` has, for ``eta`` in [0, 1] (where the library's ``min(sigma_to, ...)`` never acts),

.. math::
    \sigma_\mathrm{up} = \eta\sqrt{\sigma_t^2(\sigma_s^2-\sigma_t^2)/\sigma_s^2},\qquad
    \sigma_\mathrm{down} = \sqrt{\sigma_t^2 - \sigma_\mathrm{up}^2}

``sample_dpm_2_ancestral`` and ``sample_dpmpp_2s_ancestral`` call the network half way to
:math:`\sigma_\mathrm{down}` in log-SNR, ``sample_dpmpp_sde`` half way to :math:`\sigma_t`, and it adds noise there too.
To :math:`\sigma_t = 0` all take Euler's step.

References
----------
[Crowson] k-diffusion, ``sampling.py``: ``get_ancestral_step``, ``sample_dpm_2_ancestral``,
    ``sample_dpmpp_2s_ancestral``, ``sample_dpmpp_sde``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic


def _ancestral_step(xp: Any, sigma_from: Any, sigma_to: Any, eta: Any) -> tuple[Any, Any]:
    """``get_ancestral_step``: the level to go down to, and the noise that is added then."""
    var_from, var_to = sigma_from * sigma_from, sigma_to * sigma_to
    sigma_up = eta * xp.sqrt(var_to * (var_from - var_to) / var_from)
    return xp.sqrt(var_to - sigma_up * sigma_up), sigma_up


def below(xp: Any, s: Point, t: Point, *, eta: Any) -> Point:
    """The VE point at ``sigma_down``: what the inner call of a step from ``s`` to ``t`` lies half way to."""
    down, _ = _ancestral_step(xp, s.sigma / s.alpha, t.sigma / t.alpha, eta)
    return point(xp, 1, down)


def dpm_2_ancestral(
    xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point, *, noise: Noise, eta: Any
) -> Any:
    r"""``sample_dpm_2_ancestral``: Euler to the middle, the slope found there all the way down.

    .. math::
        x_2 = x + d\,(\sigma_m - \sigma_s),\qquad
        x' = x + \frac{x_2 - D_2}{\sigma_m}(\sigma_\mathrm{down} - \sigma_s) + \sigma_\mathrm{up}\,n
    """
    here, x, denoised = past[0]
    sigma_down, sigma_up = _ancestral_step(xp, here.sigma, t.sigma, eta)
    d = (x - denoised) / here.sigma
    dt_1 = mid.sigma - here.sigma
    dt_2 = sigma_down - here.sigma
    x_2 = x + d * dt_1
    d_2 = (x_2 - net(x_2, mid)) / mid.sigma
    return x + d_2 * dt_2 + noise() * sigma_up


def dpmpp_2s_ancestral(
    xp: Any, past: tuple[Past, ...], t: Point, net: Network, s: Point, *, noise: Noise, eta: Any
) -> Any:
    r"""``sample_dpmpp_2s_ancestral``, :math:`r = \tfrac12`, with :math:`h = \lambda_\mathrm{down} - \lambda_s`.

    .. math::
        x_2 = \frac{\sigma_m}{\sigma_s} x - (e^{-hr}-1)\,D,\qquad
        x' = \frac{\sigma_\mathrm{down}}{\sigma_s} x - (e^{-h}-1)\,D_2 + \sigma_\mathrm{up}\,n
    """
    here, x, denoised = past[0]
    sigma_down, sigma_up = _ancestral_step(xp, here.sigma, t.sigma, eta)
    t_next = -xp.log(sigma_down)
    x_2 = s.sigma / here.sigma * x - xp.expm1(here.lam - s.lam) * denoised
    denoised_2 = net(x_2, s)
    return sigma_down / here.sigma * x - xp.expm1(here.lam - t_next) * denoised_2 + noise() * sigma_up


def dpmpp_sde(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s: Point, *, noise: Noise, eta: Any) -> Any:
    r"""``sample_dpmpp_sde``, :math:`r = \tfrac12`: an ancestral step to the middle, then one all the way.

    .. math::
        x_2 = \frac{\sigma_{m,\mathrm{down}}}{\sigma_s} x - (e^{\lambda_s-\lambda_{m,\mathrm{down}}}-1)\,D
              + \sigma_{m,\mathrm{up}}\,n_1,

    .. math::
        x' = \frac{\sigma_\mathrm{down}}{\sigma_s} x - (e^{\lambda_s-\lambda_\mathrm{down}}-1)\,
             \bigl((1-f)\,D + f D_2\bigr) + \sigma_\mathrm{up}\,n_2,\qquad f = \frac{1}{2r}

    The released sampler draws :math:`n_1` and :math:`n_2` from one Brownian path, over steps that overlap.
    """
    here, x, denoised = past[0]
    fac = 1
    sd, su = _ancestral_step(xp, here.sigma, s.sigma, eta)
    s_ = -xp.log(sd)
    x_2 = sd / here.sigma * x - xp.expm1(here.lam - s_) * denoised
    x_2 = x_2 + noise() * su
    denoised_2 = net(x_2, s)
    sd, su = _ancestral_step(xp, here.sigma, t.sigma, eta)
    t_next_ = -xp.log(sd)
    denoised_d = (1 - fac) * denoised + fac * denoised_2
    x = sd / here.sigma * x - xp.expm1(here.lam - t_next_) * denoised_d
    return x + noise() * su


_HALF = (Fraction(1, 2),)

STOCHASTIC = (
    Stochastic(
        Solver(
            "dpm_2_ancestral",
            "x0",
            (Inner(dpm_2_ancestral, _HALF),),
            order=1,
            source="k-diffusion sample_dpm_2_ancestral",
            last=lift(euler_ve),
            state="z/alpha",
            aim=below,
            aliases={
                "k_diffusion": "sample_dpm_2_ancestral",
                "diffusers": "KDPM2AncestralDiscreteScheduler",
                "comfyui": "dpm_2_ancestral",
            },
        ),
        {"eta": 1},
    ),
    Stochastic(
        Solver(
            "dpmpp_2s_ancestral",
            "x0",
            (Inner(dpmpp_2s_ancestral, _HALF),),
            order=1,
            source="k-diffusion sample_dpmpp_2s_ancestral",
            last=lift(euler_ve),
            state="z/alpha",
            aim=below,
            aliases={"k_diffusion": "sample_dpmpp_2s_ancestral", "comfyui": "dpmpp_2s_ancestral"},
        ),
        {"eta": 1},
    ),
    Stochastic(
        Solver(
            "dpmpp_sde",
            "x0",
            (Inner(dpmpp_sde, _HALF),),
            order=1,
            source="k-diffusion sample_dpmpp_sde",
            last=lift(euler_ve),
            state="z/alpha",
            aliases={
                "k_diffusion": "sample_dpmpp_sde",
                "diffusers": "DPMSolverSDEScheduler",
                "comfyui": "dpmpp_sde",
            },
        ),
        {"eta": 1},
    ),
)
