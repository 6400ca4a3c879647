r"""DPM-Solver in its noise form with two earlier outputs: as released, and with its second difference at full weight.

With :math:`h = \lambda_t - \lambda_s` and the divided differences in units of ``h``,

.. math::
    r_0 = \frac{\lambda_s - \lambda_{-1}}{h},\quad r_1 = \frac{\lambda_{-1} - \lambda_{-2}}{h},\quad
    D_{10} = \frac{\epsilon_0 - \epsilon_{-1}}{r_0},\quad D_{11} = \frac{\epsilon_{-1} - \epsilon_{-2}}{r_1},

.. math::
    D_1 = D_{10} + \frac{r_0}{r_0+r_1}(D_{10} - D_{11}),\qquad D_2 = \frac{D_{10} - D_{11}}{r_0+r_1},

:math:`D_1` is :math:`h\epsilon_0'` and :math:`D_2` is :math:`\tfrac12 h^2\epsilon_0''` for every quadratic. The exact
step weighs :math:`h^2\epsilon_0''` by :math:`-\sigma_t\varphi_3` with :math:`\varphi_3 = (e^h-1-h)/h^2 - \tfrac12`,
hence :math:`D_2` by twice that. Released code weighs it once: its local error is
:math:`\sigma_t\epsilon_0''h^3/12 + O(h^4)` at any ratios, so that the released step has order 2, the corrected one 3.

References
----------
[Lu22] Lu et al., DPM-Solver, arXiv:2206.00927; the authors' ``dpm_solver_pytorch.py``:
    ``multistep_dpm_solver_third_update`` with ``algorithm_type="dpmsolver"``.
[Diffusers] ``DPMSolverMultistepScheduler.multistep_dpm_solver_third_order_update``, ``algorithm_type="dpmsolver"``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.solvers.dpm_solver_2m import dpm_solver_2m
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def dpm_solver_3m(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The authors' update, :math:`\varphi_2 = \varphi_1/h - 1`, :math:`\varphi_3 = \varphi_2/h - \frac12`.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t\varphi_1\epsilon_0 - \sigma_t\varphi_2 D_1 - \sigma_t\varphi_3 D_2
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
    phi_1 = xp.expm1(h)
    phi_2 = phi_1 / h - 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    scaled = t.alpha / now.at.alpha * now.z
    return scaled - t.sigma * phi_1 * now.pred - t.sigma * phi_2 * d1 - t.sigma * phi_3 * d2


def dpm_solver_3m_diffusers(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The update of diffusers, its weights in terms of ``exp``.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_0 - \sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr)D_1
             - \sigma_t\Bigl(\frac{e^h-1-h}{h^2}-\frac12\Bigr)D_2
    """
    m0, m1, m2 = past[0].pred, past[1].pred, past[2].pred
    s0, s1, s2 = past[0].at, past[1].at, past[2].at
    h, h_0, h_1 = t.lam - s0.lam, s0.lam - s1.lam, s1.lam - s2.lam
    r0, r1 = h_0 / h, h_1 / h
    d1_0, d1_1 = 1 / r0 * (m0 - m1), 1 / r1 * (m1 - m2)
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    d2 = 1 / (r0 + r1) * (d1_0 - d1_1)
    grown = xp.expm1(h)
    second = ((grown - h) / (h * h) * 2 - 1) / 2
    return (
        t.alpha / s0.alpha * past[0].z - t.sigma * grown * m0 - t.sigma * (grown / h - 1) * d1 - t.sigma * second * d2
    )


def dpm_solver_3m_corrected(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The exact integral of the quadratic through the three outputs: the authors' update with :math:`D_2` doubled.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t\varphi_1\epsilon_0 - \sigma_t\varphi_2 D_1 - 2\sigma_t\varphi_3 D_2
    """
    now, before, first = past[0], past[1], past[2]
    h = t.lam - now.at.lam
    r0, r1 = (now.at.lam - before.at.lam) / h, (before.at.lam - first.at.lam) / h
    d1_0 = (now.pred - before.pred) / r0
    d1_1 = (before.pred - first.pred) / r1
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    curvature = 2 / (r0 + r1) * (d1_0 - d1_1)
    phi_1 = xp.expm1(h)
    phi_2 = phi_1 / h - 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    scaled = t.alpha / now.at.alpha * now.z
    return scaled - t.sigma * phi_1 * now.pred - t.sigma * phi_2 * d1 - t.sigma * phi_3 * curvature


_START = (lift(dpm_solver_1), dpm_solver_2m)

SOLVERS = (
    Solver(
        "dpm_solver_3m",
        "eps",
        (*_START, dpm_solver_3m),
        order=3,
        source="dpm_solver_pytorch.py multistep_dpm_solver_third_update, dpmsolver",
    ),
    Solver(
        "dpm_solver_3m_diffusers",
        "eps",
        (*_START, dpm_solver_3m_diffusers),
        order=3,
        source="diffusers DPMSolverMultistepScheduler.multistep_dpm_solver_third_order_update, dpmsolver",
        aliases={"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver', solver_order=3)"},
    ),
    Solver(
        "dpm_solver_3m_corrected",
        "eps",
        (*_START, dpm_solver_3m_corrected),
        order=3,
        source="dpm_solver_pytorch.py multistep_dpm_solver_third_update, dpmsolver, the weight of D2 doubled",
    ),
)
