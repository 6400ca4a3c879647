r"""DPM-Solver++ of order 1 (data form), its SDE variant, and k-diffusion's SDE with ``eta``.

:math:`h = \lambda_t - \lambda_s`.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095; the authors' ``dpm_solver_first_update`` for the ODE, and diffusers'
    ``DPMSolverMultistepScheduler`` with ``algorithm_type="sde-dpmsolver++"`` for the SDE.
[Crowson] k-diffusion, ``sampling.py``: the first step of ``sample_dpmpp_2m_sde``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def dpm_solver_pp_1(xp: Any, z: Any, x0: Any, s: Point, t: Point) -> Any:
    r""":math:`z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h} - 1)\,x_0` [Lu22b]."""
    h = t.lam - s.lam
    return t.sigma / s.sigma * z - t.alpha * xp.expm1(-h) * x0


def sde_dpm_solver_pp_1(xp: Any, z: Any, x0: Any, s: Point, t: Point, noise: Any) -> Any:
    r"""The SDE variant, SDE-DPM-Solver++1 [Lu22b].

    .. math:: z' = \frac{\sigma_t}{\sigma_s}e^{-h} z + \alpha_t(1-e^{-2h})\,x_0 + \sigma_t\sqrt{1-e^{-2h}}\,n
    """
    h = t.lam - s.lam
    decay = 1 + xp.expm1(-h)
    rest = -xp.expm1(-2 * h)
    return t.sigma / s.sigma * decay * z + t.alpha * rest * x0 + t.sigma * xp.sqrt(rest) * noise


def dpmpp_sde_eta(xp: Any, x: Any, denoised: Any, s: Point, t: Point, noise: Any, eta: Any) -> Any:
    r"""k-diffusion's SDE step on the VE path, ``eta`` >= 0 [Crowson, ``sample_dpmpp_2m_sde``].

    .. math::
        x' = \frac{\sigma_t}{\sigma_s}e^{-\eta h} x + (1 - e^{-h-\eta h}) D + \sigma_t\sqrt{1-e^{-2\eta h}}\,n
    """
    h = t.lam - s.lam
    eta_h = eta * h
    decay = 1 + xp.expm1(-eta_h)
    return (
        t.sigma / s.sigma * decay * x
        - xp.expm1(-h - eta_h) * denoised
        + t.sigma * xp.sqrt(-xp.expm1(-2 * eta_h)) * noise
    )
