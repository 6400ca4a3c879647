r"""CFG++, first order: the data from the guided prediction, the noise from the unconditional one.

Every prediction is a pair (:class:`~cfg_equiv.algebra.solvers.record.Guided`). With both parts equal each form is the
first-order step of its space.

References
----------
[Chung24] Chung et al., CFG++, arXiv:2406.08070, algorithm 2; the authors' ``latent_diffusion.py``: ``ddim_cfg++``,
    ``euler_cfg++``, ``ddim_inversion_cfg++``. [ComfyUI] ``k_diffusion/sampling.py``: ``sample_euler_cfg_pp``.
[SAT] stable-audio-tools, ``inference/sampling.py``: ``sample`` with ``cfg_pp=True``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def ddim_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Tweedie with the guided noise, renoising with the unconditional one [Chung24, algorithm 2].

    .. math:: z' = \alpha_t\frac{z - \sigma_s\epsilon_g}{\alpha_s} + \sigma_t\epsilon_u
    """
    now = past[0]
    guided, uncond = now.pred
    z0t = (now.z - now.at.sigma * guided) / now.at.alpha
    return t.alpha * z0t + t.sigma * uncond


def euler_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""On the VE path, :math:`x' = D_g + \frac{x - D_u}{\sigma_s}\sigma_t` [Chung24, ``euler_cfg++``]."""
    now = past[0]
    denoised, uncond_denoised = now.pred
    d = (now.z - uncond_denoised) / now.at.sigma
    return denoised + d * t.sigma


def euler_cfg_pp_any(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""On any path, :math:`z' = \alpha_t D_g + \sigma_t\frac{z - \alpha_s D_u}{\sigma_s}` [ComfyUI]."""
    now = past[0]
    denoised, uncond_denoised = now.pred
    d = (now.z - now.at.alpha * uncond_denoised) / now.at.sigma
    return t.alpha * denoised + t.sigma * d


def v_ddim_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``pred`` from the guided v, ``eps`` from the unconditional one, ``eta = 0`` [SAT]; VP only.

    .. math:: z' = \alpha_t(\alpha_s z - \sigma_s v_g) + \sigma_t(\sigma_s z + \alpha_s v_u)
    """
    now = past[0]
    v, v_eps = now.pred
    pred = now.z * now.at.alpha - v * now.at.sigma
    eps = now.z * now.at.sigma + v_eps * now.at.alpha
    return pred * t.alpha + eps * t.sigma


def ddim_inverse_cfg_pp(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""From data to noise, both noises asked for at :math:`(z_s, t)` [Chung24, ``ddim_inversion_cfg++``].

    .. math:: z' = \alpha_t\frac{z - \sigma_s\epsilon_u}{\alpha_s} + \sigma_t\epsilon_g

    The roles are exchanged: with the same two noises it undoes the sampling step from ``t`` to ``s``. VP.
    """
    now = past[0]
    noise_pred, noise_uc = net(now.z, t)
    z0t = (now.z - now.at.sigma * noise_uc) / now.at.alpha
    return t.alpha * z0t + t.sigma * noise_pred


SOLVERS = (
    Solver(
        "ddim_cfg_pp",
        "eps",
        (ddim_cfg_pp,),
        order=1,
        source="arXiv:2406.08070 algorithm 2",
        branches=True,
    ),
    Solver(
        "euler_cfg_pp",
        "x0",
        (euler_cfg_pp,),
        order=1,
        source="CFGpp latent_diffusion.py, euler_cfg++",
        state="z/alpha",
        branches=True,
    ),
    Solver(
        "euler_cfg_pp_any",
        "x0",
        (euler_cfg_pp_any,),
        order=1,
        source="ComfyUI k_diffusion/sampling.py, sample_euler_cfg_pp",
        branches=True,
        aliases={"comfyui": "euler_cfg_pp"},
    ),
    Solver(
        "v_ddim_cfg_pp",
        "v",
        (v_ddim_cfg_pp,),
        order=1,
        source="stable-audio-tools inference/sampling.py, sample(cfg_pp=True)",
        path="vp",
        branches=True,
        aliases={"stable_audio_tools": "v-ddim-cfgpp"},
    ),
    Solver(
        "ddim_inverse_cfg_pp",
        "eps",
        (Inner(ddim_inverse_cfg_pp),),
        order=1,
        source="CFGpp latent_diffusion.py, ddim_inversion_cfg++",
        path="vp",
        branches=True,
    ),
)
