r"""DPM-Solver in k-diffusion's own form: noise prediction on the VE path.

The state is :math:`x = z/\alpha` and the points are VE points, so that :math:`x = x_0 + \sigma\epsilon` and
:math:`\lambda = -\log\sigma` is the library's ``t``. These are the steps of its class ``DPMSolver``.
``sample_dpm_fast`` takes that of order 3, and one or two of lower order at the end. ``sample_dpm_adaptive`` compares
two of them and goes on from the higher, that of order 2 (DPM-Solver-12) or 3 (DPM-Solver-23): which step sizes its
controller accepts, and the lower estimate it compares with, are no part of the map. Both end at a positive sigma: there
is no limit at 0.

References
----------
[Lu22] Lu et al., DPM-Solver, arXiv:2206.00927.
[Crowson] k-diffusion, ``sampling.py``: ``DPMSolver.dpm_solver_2_step`` and ``DPMSolver.dpm_solver_3_step``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def dpm_solver_12(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point) -> Any:
    r"""``dpm_solver_2_step`` with its default :math:`r_1 = \tfrac12`.

    .. math::
        u_1 = x - \sigma_{s_1}(e^{r_1 h}-1)\,\epsilon,\qquad
        x' = x - \sigma_t(e^h-1)\,\epsilon - \frac{\sigma_t}{2r_1}(e^h-1)\,(\epsilon_{r_1} - \epsilon)
    """
    s, x, eps = past[0]
    h, r1_h = t.lam - s.lam, s1.lam - s.lam
    u1 = x - s1.sigma * xp.expm1(r1_h) * eps
    eps_r1 = net(u1, s1)
    return x - t.sigma * xp.expm1(h) * eps - t.sigma * xp.expm1(h) * (eps_r1 - eps)


def dpm_solver_23(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s2: Point) -> Any:
    r"""``dpm_solver_3_step`` with its defaults :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        u_1 = x - \sigma_{s_1}(e^{r_1 h}-1)\,\epsilon,\qquad
        u_2 = x - \sigma_{s_2}(e^{r_2 h}-1)\,\epsilon
              - \sigma_{s_2}\frac{r_2}{r_1}\Bigl(\frac{e^{r_2 h}-1}{r_2 h}-1\Bigr)(\epsilon_{r_1}-\epsilon),

    .. math::
        x' = x - \sigma_t(e^h-1)\,\epsilon - \frac{\sigma_t}{r_2}\Bigl(\frac{e^h-1}{h}-1\Bigr)(\epsilon_{r_2}-\epsilon)
    """
    s, x, eps = past[0]
    h, r1_h, r2_h = t.lam - s.lam, s1.lam - s.lam, s2.lam - s.lam
    u1 = x - s1.sigma * xp.expm1(r1_h) * eps
    eps_r1 = net(u1, s1)
    u2 = x - s2.sigma * xp.expm1(r2_h) * eps - s2.sigma * 2 * (xp.expm1(r2_h) / r2_h - 1) * (eps_r1 - eps)
    eps_r2 = net(u2, s2)
    return x - t.sigma * xp.expm1(h) * eps - 3 * t.sigma / 2 * (xp.expm1(h) / h - 1) * (eps_r2 - eps)


SOLVERS = (
    Solver(
        "dpm_solver_12",
        "eps",
        (Inner(dpm_solver_12, (Fraction(1, 2),)),),
        order=2,
        source="k-diffusion DPMSolver.dpm_solver_2_step",
        state="z/alpha",
        aliases={"k_diffusion": "sample_dpm_adaptive(order=2)", "comfyui": "dpm_adaptive(order=2)"},
    ),
    Solver(
        "dpm_solver_23",
        "eps",
        (Inner(dpm_solver_23, (Fraction(1, 3), Fraction(2, 3))),),
        order=3,
        source="k-diffusion DPMSolver.dpm_solver_3_step",
        state="z/alpha",
        aliases={"k_diffusion": "sample_dpm_adaptive(order=3)", "comfyui": "dpm_adaptive"},
    ),
)
