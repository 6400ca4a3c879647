r"""DPM-Solver++ in k-diffusion's own forms, the noise of the stochastic ones at zero (``eta=0``).

The state is :math:`x = z/\alpha` and the points are VE points: :math:`\lambda = -\log\sigma` is the library's ``t``,
:math:`D` the denoised prediction. At ``eta=0`` the ancestral steps go to :math:`\sigma_t` itself and add nothing, the
SDE steps lose their noise: what is left are steps on the probability-flow ODE. ``dpmpp_2s_ancestral_rf`` is what
ComfyUI runs on the flow path, where the state is :math:`z`.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095.
[Crowson] k-diffusion, ``sampling.py``: ``sample_dpmpp_2s_ancestral``, ``sample_dpmpp_sde``, ``sample_dpmpp_2m_sde``,
    ``sample_dpmpp_3m_sde``.
[ComfyUI] ``comfy/k_diffusion/sampling.py``: ``sample_dpmpp_2s_ancestral_RF``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def dpmpp_2s_ancestral(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s: Point) -> Any:
    r"""``sample_dpmpp_2s_ancestral``, :math:`r = \tfrac12`: the second output alone.

    .. math::
        x_2 = \frac{\sigma_m}{\sigma_s} x - (e^{-hr}-1)\,D,\qquad x' = \frac{\sigma_t}{\sigma_s} x - (e^{-h}-1)\,D_2
    """
    here, x, denoised = past[0]
    x_2 = s.sigma / here.sigma * x - xp.expm1(here.lam - s.lam) * denoised
    denoised_2 = net(x_2, s)
    return t.sigma / here.sigma * x - xp.expm1(here.lam - t.lam) * denoised_2


def dpmpp_2s_ancestral_rf(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s: Point) -> Any:
    r"""ComfyUI's ``sample_dpmpp_2s_ancestral_RF`` on the flow path.

    .. math::
        u = \frac{\sigma_m}{\sigma_s} z + \Bigl(1-\frac{\sigma_m}{\sigma_s}\Bigr) D,\qquad
        z' = \frac{\sigma_t}{\sigma_s} z + \Bigl(1-\frac{\sigma_t}{\sigma_s}\Bigr) D_2
    """
    here, x, denoised = past[0]
    inner, outer = s.sigma / here.sigma, t.sigma / here.sigma
    u = inner * x + (1 - inner) * denoised
    denoised_2 = net(u, s)
    return outer * x + (1 - outer) * denoised_2


def dpmpp_sde(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s: Point) -> Any:
    r"""``sample_dpmpp_sde``, :math:`r = \tfrac12`; ``fac`` is :math:`f = 1/(2r)`.

    .. math::
        x_2 = \frac{\sigma_m}{\sigma_s} x - (e^{\lambda_s-\lambda_m}-1)\,D,\qquad
        x' = \frac{\sigma_t}{\sigma_s} x - (e^{\lambda_s-\lambda_t}-1)\,\bigl((1-f)\,D + f D_2\bigr)
    """
    here, x, denoised = past[0]
    fac = 1
    x_2 = s.sigma / here.sigma * x - xp.expm1(here.lam - s.lam) * denoised
    denoised_2 = net(x_2, s)
    denoised_d = (1 - fac) * denoised + fac * denoised_2
    return t.sigma / here.sigma * x - xp.expm1(here.lam - t.lam) * denoised_d


def dpmpp_2m_sde(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``sample_dpmpp_2m_sde``, ``solver_type="midpoint"``, with :math:`r = h_{-1}/h`.

    .. math::
        x' = \frac{\sigma_t}{\sigma_s} x + (1-e^{-h})\,D + \frac12(1-e^{-h})\,\frac1r\,(D - D_{-1})
    """
    now, before = past[0], past[1]
    h, h_last = t.lam - now.at.lam, now.at.lam - before.at.lam
    rest = -xp.expm1(-h)
    r = h_last / h
    x = t.sigma / now.at.sigma * now.z + rest * now.pred
    return x + rest / 2 * (1 / r) * (now.pred - before.pred)


def dpmpp_2m_sde_heun(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``sample_dpmpp_2m_sde``, ``solver_type="heun"``.

    .. math::
        x' = \frac{\sigma_t}{\sigma_s} x + (1-e^{-h})\,D + \Bigl(\frac{1-e^{-h}}{-h}+1\Bigr)\frac1r\,(D - D_{-1})
    """
    now, before = past[0], past[1]
    h, h_last = t.lam - now.at.lam, now.at.lam - before.at.lam
    rest = -xp.expm1(-h)
    r = h_last / h
    x = t.sigma / now.at.sigma * now.z + rest * now.pred
    return x + (1 - rest / h) * (1 / r) * (now.pred - before.pred)


def _two(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The second step of ``sample_dpmpp_3m_sde``: :math:`x' = e^{-h}x + (1-e^{-h})D + \varphi_2 (D - D_{-1})/r`."""
    now, before = past[0], past[1]
    h, h_1 = t.lam - now.at.lam, now.at.lam - before.at.lam
    r = h_1 / h
    d = (now.pred - before.pred) / r
    phi_2 = xp.expm1(-h) / h + 1
    return (1 + xp.expm1(-h)) * now.z - xp.expm1(-h) * now.pred + phi_2 * d


def dpmpp_3m_sde(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``sample_dpmpp_3m_sde``: its second difference has half the weight of a third-order step.

    .. math::
        D_{10} = \frac{D - D_{-1}}{r_0},\quad D_{11} = \frac{D_{-1} - D_{-2}}{r_1},\quad
        D_1 = D_{10} + (D_{10}-D_{11})\frac{r_0}{r_0+r_1},\quad D_2 = \frac{D_{10}-D_{11}}{r_0+r_1},

    .. math::
        x' = e^{-h} x + (1-e^{-h})\,D + \varphi_2 D_1 - \varphi_3 D_2,\qquad
        \varphi_2 = \frac{e^{-h}-1}{h}+1,\quad \varphi_3 = \frac{\varphi_2}{h}-\frac12
    """
    now, one, two = past[0], past[1], past[2]
    h, h_1, h_2 = t.lam - now.at.lam, now.at.lam - one.at.lam, one.at.lam - two.at.lam
    r0, r1 = h_1 / h, h_2 / h
    d1_0 = (now.pred - one.pred) / r0
    d1_1 = (one.pred - two.pred) / r1
    d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
    d2 = (d1_0 - d1_1) / (r0 + r1)
    phi_2 = xp.expm1(-h) / h + 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    x = (1 + xp.expm1(-h)) * now.z - xp.expm1(-h) * now.pred
    return x + phi_2 * d1 - phi_3 * d2


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The SDE samplers' step to sigma = 0: :math:`x' = D`."""
    return past[0].pred


_HALF = (Fraction(1, 2),)

SOLVERS = (
    Solver(
        "dpmpp_2s_ancestral",
        "x0",
        (Inner(dpmpp_2s_ancestral, _HALF),),
        order=2,
        source="k-diffusion sample_dpmpp_2s_ancestral, eta=0",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={
            "k_diffusion": "sample_dpmpp_2s_ancestral(eta=0)",
            "comfyui": "dpmpp_2s_ancestral(eta=0)",
        },
    ),
    Solver(
        "dpmpp_2s_ancestral_rf",
        "x0",
        (Inner(dpmpp_2s_ancestral_rf, _HALF),),
        order=2,
        source="ComfyUI sample_dpmpp_2s_ancestral_RF, eta=0",
        last=_denoised,
        path="flow",
        aliases={"comfyui": "dpmpp_2s_ancestral(eta=0) on flow models"},
    ),
    Solver(
        "dpmpp_sde",
        "x0",
        (Inner(dpmpp_sde, _HALF),),
        order=2,
        source="k-diffusion sample_dpmpp_sde, eta=0",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={"k_diffusion": "sample_dpmpp_sde(eta=0)", "comfyui": "dpmpp_sde(eta=0)"},
    ),
    Solver(
        "dpmpp_2m_sde",
        "x0",
        (lift(dpm_solver_pp_1), dpmpp_2m_sde),
        order=2,
        source="k-diffusion sample_dpmpp_2m_sde, eta=0, solver_type='midpoint'",
        last=_denoised,
        state="z/alpha",
        aliases={
            "k_diffusion": "sample_dpmpp_2m_sde(eta=0, solver_type='midpoint')",
            "comfyui": "dpmpp_2m_sde(eta=0)",
        },
    ),
    Solver(
        "dpmpp_2m_sde_heun",
        "x0",
        (lift(dpm_solver_pp_1), dpmpp_2m_sde_heun),
        order=2,
        source="k-diffusion sample_dpmpp_2m_sde, eta=0, solver_type='heun'",
        last=_denoised,
        state="z/alpha",
        aliases={
            "k_diffusion": "sample_dpmpp_2m_sde(eta=0, solver_type='heun')",
            "comfyui": "dpmpp_2m_sde_heun(eta=0)",
        },
    ),
    Solver(
        "dpmpp_3m_sde",
        "x0",
        (lift(dpm_solver_pp_1), _two, dpmpp_3m_sde),
        order=3,
        source="k-diffusion sample_dpmpp_3m_sde, eta=0",
        last=_denoised,
        state="z/alpha",
        aliases={"k_diffusion": "sample_dpmpp_3m_sde(eta=0)", "comfyui": "dpmpp_3m_sde(eta=0)"},
    ),
)
