r"""DPM-Solver++ in its data form with two earlier outputs: as released, and with its second difference at full weight.

With :math:`h = \lambda_t - \lambda_s` and the divided differences in units of ``h``,

.. math::
    r_0 = \frac{\lambda_s - \lambda_{-1}}{h},\quad r_1 = \frac{\lambda_{-1} - \lambda_{-2}}{h},\quad
    D_{10} = \frac{m_0 - m_{-1}}{r_0},\quad D_{11} = \frac{m_{-1} - m_{-2}}{r_1},

.. math::
    D_1 = D_{10} + \frac{r_0}{r_0+r_1}(D_{10} - D_{11}),\qquad D_2 = \frac{D_{10} - D_{11}}{r_0+r_1},

:math:`D_1` is :math:`h m_0'` and :math:`D_2` is :math:`\tfrac12 h^2 m_0''` for every quadratic. The exact step weighs
:math:`h^2 m_0''` by :math:`-\alpha_t\varphi_3` with :math:`\varphi_3 = (e^{-h}-1+h)/h^2 - \tfrac12`, hence :math:`D_2`
by twice that. Released code weighs it once: its local error is :math:`-\alpha_t m_0''h^3/12 + O(h^4)` at any ratios,
so that the released step has order 2, the corrected one 3. The corrected step with full history is that of
DPM-Solver-v3 of order 3 without statistics.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095; the authors' ``dpm_solver_pytorch.py``:
    ``multistep_dpm_solver_third_update`` with ``algorithm_type="dpmsolver++"``.
[Zheng23] Zheng et al., DPM-Solver-v3, arXiv:2310.13268.
[Diffusers] ``DPMSolverMultistepScheduler.multistep_dpm_solver_third_order_update``, ``algorithm_type="dpmsolver++"``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.dpm_solver_pp_2m import dpmpp_2m
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def dpmpp_3m(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The authors' update, :math:`\varphi_2 = \varphi_1/h + 1`, :math:`\varphi_3 = \varphi_2/h - \frac12`.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t\varphi_1 m_0 + \alpha_t\varphi_2 D_1 - \alpha_t\varphi_3 D_2
    """
    now, before, first = past[0], past[1], past[2]
    h_1 = before.at.lam - first.at.lam
    h_0 = now.at.lam - before.at.lam
    h = t.lam - now.at.lam
    r0, r1 = h_0 / h, h_1 / h
    d1_0 = 1 / r0 * (now.pred - before.pred)
    d1_1 = 1 / r1 * (before.pred - first.pred)
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    d2 = 1 / (r0 + r1) * (d1_0 - d1_1)
    phi_1 = xp.expm1(-h)
    phi_2 = phi_1 / h + 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    scaled = t.sigma / now.at.sigma * now.z
    return scaled - t.alpha * phi_1 * now.pred + t.alpha * phi_2 * d1 - t.alpha * phi_3 * d2


def dpmpp_3m_diffusers(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The update of diffusers, its weights in terms of ``exp``.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_0 + \alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)D_1
             - \alpha_t\Bigl(\frac{e^{-h}-1+h}{h^2}-\frac12\Bigr)D_2
    """
    m0, m1, m2 = past[0].pred, past[1].pred, past[2].pred
    s0, s1, s2 = past[0].at, past[1].at, past[2].at
    h, h_0, h_1 = t.lam - s0.lam, s0.lam - s1.lam, s1.lam - s2.lam
    r0, r1 = h_0 / h, h_1 / h
    d1_0, d1_1 = 1 / r0 * (m0 - m1), 1 / r1 * (m1 - m2)
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    d2 = 1 / (r0 + r1) * (d1_0 - d1_1)
    shrunk = xp.expm1(-h)
    second = ((shrunk + h) / (h * h) * 2 - 1) / 2
    return (
        t.sigma / s0.sigma * past[0].z - t.alpha * shrunk * m0 + t.alpha * (shrunk / h + 1) * d1 - t.alpha * second * d2
    )


def dpmpp_3m_corrected(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The exact integral of the quadratic through the three outputs: the authors' update with :math:`D_2` doubled.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t\varphi_1 m_0 + \alpha_t\varphi_2 D_1 - 2\alpha_t\varphi_3 D_2
    """
    now, before, first = past[0], past[1], past[2]
    h = t.lam - now.at.lam
    r0, r1 = (now.at.lam - before.at.lam) / h, (before.at.lam - first.at.lam) / h
    d1_0 = (now.pred - before.pred) / r0
    d1_1 = (before.pred - first.pred) / r1
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    curvature = 2 / (r0 + r1) * (d1_0 - d1_1)
    phi_1 = xp.expm1(-h)
    phi_2 = phi_1 / h + 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    scaled = t.sigma / now.at.sigma * now.z
    return scaled - t.alpha * phi_1 * now.pred + t.alpha * phi_2 * d1 - t.alpha * phi_3 * curvature


_START = (lift(dpm_solver_pp_1), dpmpp_2m)

SOLVERS = (
    Solver(
        "dpmpp_3m",
        "x0",
        (*_START, dpmpp_3m),
        order=3,
        source="dpm_solver_pytorch.py multistep_dpm_solver_third_update, dpmsolver++",
        last=lift(dpm_solver_pp_1),
    ),
    Solver(
        "dpmpp_3m_diffusers",
        "x0",
        (*_START, dpmpp_3m_diffusers),
        order=3,
        source="diffusers DPMSolverMultistepScheduler.multistep_dpm_solver_third_order_update, dpmsolver++",
        last=lift(dpm_solver_pp_1),
        aliases={"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=3)"},
    ),
    Solver(
        "dpmpp_3m_corrected",
        "x0",
        (*_START, dpmpp_3m_corrected),
        order=3,
        source="dpm_solver_pytorch.py multistep_dpm_solver_third_update, dpmsolver++, the weight of D2 doubled",
        last=lift(dpm_solver_pp_1),
    ),
)
