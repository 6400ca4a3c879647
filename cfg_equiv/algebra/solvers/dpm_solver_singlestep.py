r"""DPM-Solver in its noise form, single step: the network is asked again inside the step.

With :math:`h = \lambda_t - \lambda_s` the nodes are :math:`\lambda_{s_i} = \lambda_s + r_i h`, by default
:math:`r_1 = \tfrac12` for order 2 and :math:`r_1 = \tfrac13, r_2 = \tfrac23` for order 3; the numbers below are those
of the defaults. ``dpmsolver`` weighs one difference, ``taylor`` the derivatives fitted to all outputs. There is no
limit at :math:`\sigma_t = 0`: the noise form ends at a positive sigma.

These are also the steps of the authors' adaptive solver (``dpm_solver_adaptive``; DPM-Solver-12 accepts the step of
order 2, DPM-Solver-23 that of order 3). Which step sizes it accepts is no part of the map.

References
----------
[Lu22] Lu et al., DPM-Solver, arXiv:2206.00927; the authors' ``dpm_solver_pytorch.py``:
    ``singlestep_dpm_solver_second_update`` and ``singlestep_dpm_solver_third_update`` with
    ``algorithm_type="dpmsolver"``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def dpm_solver_2s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Order 2, ``solver_type="dpmsolver"``, :math:`r_1 = \tfrac12`.

    .. math::
        u = \frac{\alpha_{s_1}}{\alpha_s} z - \sigma_{s_1}(e^{r_1 h}-1)\,\epsilon_s,\qquad
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_s
             - \frac{1}{2r_1}\sigma_t(e^h-1)\,(\epsilon_{s_1} - \epsilon_s)
    """
    s, z, model_s = past[0]
    phi_11, phi_1 = xp.expm1(mid.lam - s.lam), xp.expm1(t.lam - s.lam)
    ahead = mid.alpha / s.alpha * z - mid.sigma * phi_11 * model_s
    model_s1 = net(ahead, mid)
    return t.alpha / s.alpha * z - t.sigma * phi_1 * model_s - t.sigma * phi_1 * (model_s1 - model_s)


def dpm_solver_2s_taylor(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Order 2, ``solver_type="taylor"``, :math:`r_1 = \tfrac12`.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_s
             - \frac{1}{r_1}\sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr)(\epsilon_{s_1} - \epsilon_s)
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_11, phi_1 = xp.expm1(mid.lam - s.lam), xp.expm1(h)
    ahead = mid.alpha / s.alpha * z - mid.sigma * phi_11 * model_s
    model_s1 = net(ahead, mid)
    difference = 2 * (model_s1 - model_s)
    return t.alpha / s.alpha * z - t.sigma * phi_1 * model_s - t.sigma * (phi_1 / h - 1) * difference


def _outputs(xp: Any, now: Past, net: Network, s1: Point, s2: Point) -> tuple[Any, Any]:
    r"""The two outputs inside a step of order 3.

    .. math::
        u_1 = \frac{\alpha_{s_1}}{\alpha_s} z - \sigma_{s_1}(e^{r_1 h}-1)\,\epsilon_s,\qquad
        u_2 = \frac{\alpha_{s_2}}{\alpha_s} z - \sigma_{s_2}(e^{r_2 h}-1)\,\epsilon_s
              - \frac{r_2}{r_1}\sigma_{s_2}\Bigl(\frac{e^{r_2 h}-1}{r_2 h}-1\Bigr)(\epsilon_{s_1} - \epsilon_s)
    """
    s, z, model_s = now
    r2_h = s2.lam - s.lam
    phi_11, phi_12 = xp.expm1(s1.lam - s.lam), xp.expm1(r2_h)
    phi_22 = phi_12 / r2_h - 1
    x_s1 = s1.alpha / s.alpha * z - s1.sigma * phi_11 * model_s
    model_s1 = net(x_s1, s1)
    x_s2 = s2.alpha / s.alpha * z - s2.sigma * phi_12 * model_s - 2 * (s2.sigma * phi_22) * (model_s1 - model_s)
    return model_s1, net(x_s2, s2)


def dpm_solver_3s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s2: Point) -> Any:
    r"""Order 3, ``solver_type="dpmsolver"``, :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h-1)\,\epsilon_s
             - \frac{1}{r_2}\sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr)(\epsilon_{s_2} - \epsilon_s)
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_1 = xp.expm1(h)
    phi_2 = phi_1 / h - 1
    _, model_s2 = _outputs(xp, past[0], net, s1, s2)
    return t.alpha / s.alpha * z - t.sigma * phi_1 * model_s - 3 * (t.sigma * phi_2) / 2 * (model_s2 - model_s)


def dpm_solver_3s_taylor(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s2: Point) -> Any:
    r"""Order 3, ``solver_type="taylor"``, :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        D_{10} = \frac{\epsilon_{s_1} - \epsilon_s}{r_1},\quad D_{11} = \frac{\epsilon_{s_2} - \epsilon_s}{r_2},\quad
        D_1 = \frac{r_2 D_{10} - r_1 D_{11}}{r_2 - r_1},\quad D_2 = \frac{2(D_{11} - D_{10})}{r_2 - r_1},

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t\varphi_1\epsilon_s - \sigma_t\varphi_2 D_1 - \sigma_t\varphi_3 D_2,
        \qquad \varphi_1 = e^h - 1,\quad \varphi_2 = \frac{\varphi_1}{h} - 1,\quad
        \varphi_3 = \frac{\varphi_2}{h} - \frac12
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_1 = xp.expm1(h)
    phi_2 = phi_1 / h - 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    model_s1, model_s2 = _outputs(xp, past[0], net, s1, s2)
    d1_0, d1_1 = 3 * (model_s1 - model_s), 3 * (model_s2 - model_s) / 2
    d1 = 2 * d1_0 - d1_1
    d2 = 6 * (d1_1 - d1_0)
    return t.alpha / s.alpha * z - t.sigma * phi_1 * model_s - t.sigma * phi_2 * d1 - t.sigma * phi_3 * d2


_HALF = (Fraction(1, 2),)
_THIRDS = (Fraction(1, 3), Fraction(2, 3))
_SECOND = "dpm_solver_pytorch.py singlestep_dpm_solver_second_update, dpmsolver"
_THIRD = "dpm_solver_pytorch.py singlestep_dpm_solver_third_update, dpmsolver"

SOLVERS = (
    Solver("dpm_solver_2s", "eps", (Inner(dpm_solver_2s, _HALF),), order=2, source=_SECOND),
    Solver(
        "dpm_solver_2s_taylor",
        "eps",
        (Inner(dpm_solver_2s_taylor, _HALF),),
        order=2,
        source=f"{_SECOND}, solver_type='taylor'",
    ),
    Solver("dpm_solver_3s", "eps", (Inner(dpm_solver_3s, _THIRDS),), order=3, source=_THIRD),
    Solver(
        "dpm_solver_3s_taylor",
        "eps",
        (Inner(dpm_solver_3s_taylor, _THIRDS),),
        order=3,
        source=f"{_THIRD}, solver_type='taylor'",
    ),
)
