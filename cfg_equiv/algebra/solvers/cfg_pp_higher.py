r"""CFG++ forms of second-order solvers, each as its source writes it: they place the guidance differently.

With :math:`D` the guided and :math:`U` the unconditional data prediction, :math:`G = D - U`, and
:math:`h = \lambda_t - \lambda_s`, the first-order CFG++ step on the VE path is the unconditional step plus :math:`G`.
The forms here add :math:`G` of the first call or of the inner one, or :math:`e^{-h} G`, or put it into a difference of
outputs as well. With :math:`G = 0` each is its plain solver, which is what its order refers to.

References
----------
[Chung24] Chung et al., CFG++, arXiv:2406.08070; the authors' ``latent_diffusion.py``: ``dpm++_2s_a_cfg++``,
    ``dpm++_2m_cfg++``. [ComfyUI] ``k_diffusion/sampling.py``: ``sample_dpmpp_2s_ancestral_cfg_pp`` and its RF form,
    ``sample_dpmpp_2m_cfg_pp``, ``sample_res_multistep_cfg_pp``, ``sample_gradient_estimation_cfg_pp``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.cfg_pp import euler_cfg_pp, euler_cfg_pp_any
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def dpmpp_2s_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""The authors' single step, ``eta = 0``: guidance from the inner call [Chung24, ``dpm++_2s_a_cfg++``].

    .. math::
        x_2 = \frac{\sigma_m}{\sigma_s}x - (e^{-h/2}-1)\,U_s,\qquad
        x' = D_m - e^{-h}\,U_m + \frac{\sigma_t}{\sigma_s}x
    """
    s, x = past[0].at, past[0].z
    _, uncond_denoised = past[0].pred
    x_2 = mid.sigma / s.sigma * x - xp.expm1(s.lam - mid.lam) * uncond_denoised
    denoised_2, uncond_denoised_2 = net(x_2, mid)
    return denoised_2 - (1 + xp.expm1(s.lam - t.lam)) * uncond_denoised_2 + t.sigma / s.sigma * x


def dpmpp_2s_cfg_pp_first(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""ComfyUI's single step, ``eta = 0``: the guidance of the first call, added at the end.

    .. math::
        x_2 = \frac{\sigma_m}{\sigma_s}x - (e^{-h/2}-1)\,U_s,\qquad
        x' = \frac{\sigma_t}{\sigma_s}x - (e^{-h}-1)\,U_m + (D_s - U_s)
    """
    s, x = past[0].at, past[0].z
    denoised, uncond_denoised = past[0].pred
    guidance_vector = denoised - uncond_denoised
    x_2 = mid.sigma / s.sigma * x - xp.expm1(s.lam - mid.lam) * uncond_denoised
    _, uncond_denoised_2 = net(x_2, mid)
    return t.sigma / s.sigma * x - xp.expm1(s.lam - t.lam) * uncond_denoised_2 + guidance_vector


def dpmpp_2s_cfg_pp_flow(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""ComfyUI's form for flow models, ``eta = 0``: the step by ratios of sigma.

    .. math::
        u = \frac{\sigma_m}{\sigma_s}x + \Bigl(1-\frac{\sigma_m}{\sigma_s}\Bigr)U_s,\qquad
        x' = \frac{\sigma_t}{\sigma_s}x + \Bigl(1-\frac{\sigma_t}{\sigma_s}\Bigr)U_m + (1-\sigma_t)(D_s - U_s)
    """
    s, x = past[0].at, past[0].z
    denoised, uncond_denoised = past[0].pred
    guidance_vector = denoised - uncond_denoised
    sigma_s_i_ratio = mid.sigma / s.sigma
    _, uncond_d_i = net(sigma_s_i_ratio * x + (1 - sigma_s_i_ratio) * uncond_denoised, mid)
    sigma_down_i_ratio = t.sigma / s.sigma
    return sigma_down_i_ratio * x + (1 - sigma_down_i_ratio) * uncond_d_i + (1 - t.sigma) * guidance_vector


def dpmpp_2m_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The multistep form: the difference is of a guided and an unconditional output [Chung24; ComfyUI].

    .. math::
        r = \frac{\lambda_s-\lambda_{-1}}{h},\qquad
        x' = D_s - e^{-h}\,U_s - (e^{-h}-1)\frac{1}{2r}(D_s - U_{-1}) + e^{-h}x
    """
    now, before = past[0], past[1]
    denoised, uncond_denoised = now.pred
    _, old_uncond_denoised = before.pred
    h = t.lam - now.at.lam
    r = (now.at.lam - before.at.lam) / h
    decay = 1 + xp.expm1(-h)
    denoised_mix = -decay * uncond_denoised - xp.expm1(-h) * (1 / (2 * r)) * (denoised - old_uncond_denoised)
    return denoised + denoised_mix + decay * now.z


def res_multistep_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The guidance is added to the state before the step, so the step shrinks it [ComfyUI].

    With :math:`\varphi_1 = \frac{e^{-h}-1}{-h}`, :math:`\varphi_2 = \frac{\varphi_1-1}{-h}` and
    :math:`c_2 = (\lambda_{-1}-\lambda_s)/h`:

    .. math::
        x' = e^{-h}\bigl(x + D_s - U_s\bigr)
             + h\Bigl(\bigl(\varphi_1-\tfrac{\varphi_2}{c_2}\bigr)U_s + \tfrac{\varphi_2}{c_2}U_{-1}\Bigr)
    """
    now, before = past[0], past[1]
    denoised, uncond_denoised = now.pred
    _, old_denoised = before.pred
    h = t.lam - now.at.lam
    c2 = (before.at.lam - now.at.lam) / h
    phi1 = xp.expm1(-h) / -h
    phi2 = (phi1 - 1) / -h
    b1, b2 = phi1 - phi2 / c2, phi2 / c2
    x = now.z + (denoised - uncond_denoised)
    return (1 + xp.expm1(-h)) * x + h * (b1 * uncond_denoised + b2 * old_denoised)


def gradient_estimation_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""First-order CFG++ and a multiple of the change of the unconditional slope, ``ge_gamma = 2`` [ComfyUI].

    .. math:: d = \frac{x-U}{\sigma},\qquad x' = D_s + \sigma_t d_s + (\gamma-1)(d_s - d_{-1})(\sigma_t-\sigma_s)
    """
    now, before = past[0], past[1]
    denoised, uncond_denoised = now.pred
    _, old_uncond_denoised = before.pred
    d = (now.z - uncond_denoised) / now.at.sigma
    old_d = (before.z - old_uncond_denoised) / before.at.sigma
    ge_gamma = 2
    d_bar = (ge_gamma - 1) * (d - old_d)
    return denoised + d * t.sigma + d_bar * (t.sigma - now.at.sigma)


_HALF = (Fraction(1, 2),)

SOLVERS = (
    Solver(
        "dpmpp_2s_cfg_pp",
        "x0",
        (Inner(dpmpp_2s_cfg_pp, _HALF),),
        order=2,
        source="CFGpp latent_diffusion.py, dpm++_2s_a_cfg++ without noise",
        last=euler_cfg_pp,
        state="z/alpha",
        branches=True,
    ),
    Solver(
        "dpmpp_2s_cfg_pp_first",
        "x0",
        (Inner(dpmpp_2s_cfg_pp_first, _HALF),),
        order=2,
        source="ComfyUI k_diffusion/sampling.py, sample_dpmpp_2s_ancestral_cfg_pp(eta=0)",
        last=euler_cfg_pp,
        state="z/alpha",
        branches=True,
        aliases={"comfyui": "dpmpp_2s_ancestral_cfg_pp (eta=0)"},
    ),
    Solver(
        "dpmpp_2s_cfg_pp_flow",
        "x0",
        (Inner(dpmpp_2s_cfg_pp_flow, _HALF),),
        order=2,
        source="ComfyUI k_diffusion/sampling.py, sample_dpmpp_2s_ancestral_RF_cfg_pp(eta=0)",
        last=euler_cfg_pp_any,
        path="flow",
        branches=True,
        aliases={"comfyui": "dpmpp_2s_ancestral_cfg_pp (eta=0, flow models)"},
    ),
    Solver(
        "dpmpp_2m_cfg_pp",
        "x0",
        (euler_cfg_pp, dpmpp_2m_cfg_pp),
        order=2,
        source="CFGpp latent_diffusion.py, dpm++_2m_cfg++",
        last=euler_cfg_pp,
        state="z/alpha",
        branches=True,
        aliases={"comfyui": "dpmpp_2m_cfg_pp (alpha = 1)"},
    ),
    Solver(
        "res_multistep_cfg_pp",
        "x0",
        (euler_cfg_pp, res_multistep_cfg_pp),
        order=2,
        source="ComfyUI k_diffusion/sampling.py, sample_res_multistep_cfg_pp",
        last=euler_cfg_pp,
        state="z/alpha",
        branches=True,
        aliases={"comfyui": "res_multistep_cfg_pp (alpha = 1)"},
    ),
    Solver(
        "gradient_estimation_cfg_pp",
        "x0",
        (euler_cfg_pp, gradient_estimation_cfg_pp),
        order=1,
        source="ComfyUI k_diffusion/sampling.py, sample_gradient_estimation_cfg_pp(ge_gamma=2)",
        last=euler_cfg_pp,
        state="z/alpha",
        branches=True,
        aliases={"comfyui": "gradient_estimation_cfg_pp (alpha = 1)"},
    ),
)
