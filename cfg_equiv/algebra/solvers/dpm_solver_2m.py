r"""DPM-Solver in its noise form with one earlier output: the multistep updates of order 2.

With :math:`h = \lambda_t - \lambda_s`, :math:`r = (\lambda_s - \lambda_{-1})/h` and
:math:`D_1 = (\epsilon_0 - \epsilon_{-1})/r`; ``past[0]`` is at ``s``, ``past[1]`` at ``-1``. The exact step is

.. math::
    z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t\int_0^h e^{h-\tau}\,\epsilon(\lambda_s+\tau)\,d\tau
       = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_0
         - \sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr)h\,\epsilon_0' - \dots

and the two forms differ in the weight of the difference: one integrates it exactly, the other takes half of that of
:math:`\epsilon_0`. There is no limit at :math:`\sigma_t = 0`: the noise form ends at a positive sigma.

References
----------
[Lu22] Lu et al., DPM-Solver, arXiv:2206.00927; the authors' ``dpm_solver_pytorch.py``:
    ``multistep_dpm_solver_second_update`` with ``algorithm_type="dpmsolver"``, ``solver_type="dpmsolver"`` and
    ``"taylor"``; diffusers' ``DPMSolverMultistepScheduler`` calls the two ``"midpoint"`` and ``"heun"``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def dpm_solver_2m(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The update with ``solver_type="dpmsolver"``.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_0 - \frac12\sigma_t(e^h-1)\,D_1
    """
    now, before = past[0], past[1]
    h_0 = now.at.lam - before.at.lam
    h = t.lam - now.at.lam
    r0 = h_0 / h
    d1_0 = 1 / r0 * (now.pred - before.pred)
    phi_1 = xp.expm1(h)
    return t.alpha / now.at.alpha * now.z - t.sigma * phi_1 * now.pred - t.sigma * phi_1 / 2 * d1_0


def dpm_solver_2m_taylor(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The update with ``solver_type="taylor"``.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_0
             - \sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr) D_1
    """
    now, before = past[0], past[1]
    h_0 = now.at.lam - before.at.lam
    h = t.lam - now.at.lam
    r0 = h_0 / h
    d1_0 = 1 / r0 * (now.pred - before.pred)
    phi_1 = xp.expm1(h)
    return t.alpha / now.at.alpha * now.z - t.sigma * phi_1 * now.pred - t.sigma * (phi_1 / h - 1) * d1_0


SOLVERS = (
    Solver(
        "dpm_solver_2m",
        "eps",
        (lift(dpm_solver_1), dpm_solver_2m),
        order=2,
        source="dpm_solver_pytorch.py multistep_dpm_solver_second_update, dpmsolver, solver_type='dpmsolver'",
        aliases={"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver', solver_order=2)"},
    ),
    Solver(
        "dpm_solver_2m_taylor",
        "eps",
        (lift(dpm_solver_1), dpm_solver_2m_taylor),
        order=2,
        source="dpm_solver_pytorch.py multistep_dpm_solver_second_update, dpmsolver, solver_type='taylor'",
        aliases={
            "diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver', solver_order=2, solver_type='heun')"
        },
    ),
)
