r"""DPM-Solver++(2M) in its data form, and the two ways its second output enters.

With :math:`h = \lambda_t - \lambda_s` and :math:`r = (\lambda_s - \lambda_{-1})/h`; ``past[0]`` is at ``s``,
``past[1]`` at ``-1``.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095, algorithm 2; diffusers' ``DPMSolverMultistepScheduler`` with
    ``solver_type="midpoint"`` and ``"heun"``; k-diffusion's ``sample_dpmpp_2m``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def dpmpp_2m(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The multistep update of [Lu22b, algorithm 2].

    .. math::
        D = \Bigl(1+\frac{1}{2r}\Bigr)m_0 - \frac{1}{2r}m_1,\qquad
        z' = \frac{\sigma_t}{\sigma_s}z - \alpha_t(e^{-h}-1)\,D
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r = (now.at.lam - before.at.lam) / h
    d = (1 + 1 / (2 * r)) * now.pred - 1 / (2 * r) * before.pred
    return t.sigma / now.at.sigma * now.z - t.alpha * xp.expm1(-h) * d


def dpmpp_2m_heun(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The ``heun`` variant of diffusers: the difference is integrated exactly.

    .. math::
        D_1 = \frac{m_0 - m_1}{r},\qquad
        z' = \frac{\sigma_t}{\sigma_s}z - \alpha_t(e^{-h}-1)\,m_0
             + \alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)D_1
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r = (now.at.lam - before.at.lam) / h
    d1 = 1 / r * (now.pred - before.pred)
    shrunk = xp.expm1(-h)
    return t.sigma / now.at.sigma * now.z - t.alpha * shrunk * now.pred + t.alpha * (shrunk / h + 1) * d1


SOLVERS = (
    Solver(
        "dpmpp_2m",
        "x0",
        (lift(dpm_solver_pp_1), dpmpp_2m),
        order=2,
        source="arXiv:2211.01095 algorithm 2",
        last=lift(dpm_solver_pp_1),
        aliases={
            "diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=2)",
            "k_diffusion": "sample_dpmpp_2m",
            "comfyui": "dpmpp_2m",
            "skrample": "DPM(order=2)",
        },
    ),
    Solver(
        "dpmpp_2m_heun",
        "x0",
        (lift(dpm_solver_pp_1), dpmpp_2m_heun),
        order=2,
        source="diffusers DPMSolverMultistepScheduler, solver_type='heun'",
        last=lift(dpm_solver_pp_1),
        aliases={
            "diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=2, solver_type='heun')"
        },
    ),
)
