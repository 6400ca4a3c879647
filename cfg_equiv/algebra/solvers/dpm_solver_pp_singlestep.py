r"""DPM-Solver++ in its data form, single step: the network is asked again inside the step.

With :math:`h = \lambda_t - \lambda_s` the nodes are :math:`\lambda_{s_i} = \lambda_s + r_i h`, by default
:math:`r_1 = \tfrac12` for order 2 and :math:`r_1 = \tfrac13, r_2 = \tfrac23` for order 3; the numbers below are those
of the defaults. ``dpmsolver`` weighs one difference, ``taylor`` the derivatives fitted to all outputs.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095; the authors' ``dpm_solver_pytorch.py``:
    ``singlestep_dpm_solver_second_update`` and ``singlestep_dpm_solver_third_update`` with
    ``algorithm_type="dpmsolver++"``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def dpmpp_2s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Order 2, ``solver_type="dpmsolver"``, :math:`r_1 = \tfrac12`.

    .. math::
        u = \frac{\sigma_{s_1}}{\sigma_s} z - \alpha_{s_1}(e^{-r_1 h}-1)\,m_s,\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s
             - \frac{1}{2r_1}\alpha_t(e^{-h}-1)\,(m_{s_1} - m_s)
    """
    s, z, model_s = past[0]
    phi_11, phi_1 = xp.expm1(s.lam - mid.lam), xp.expm1(s.lam - t.lam)
    ahead = mid.sigma / s.sigma * z - mid.alpha * phi_11 * model_s
    model_s1 = net(ahead, mid)
    return t.sigma / s.sigma * z - t.alpha * phi_1 * model_s - t.alpha * phi_1 * (model_s1 - model_s)


def dpmpp_2s_taylor(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Order 2, ``solver_type="taylor"``, :math:`r_1 = \tfrac12`.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s
             + \frac{1}{r_1}\alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)(m_{s_1} - m_s)
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_11, phi_1 = xp.expm1(s.lam - mid.lam), xp.expm1(-h)
    ahead = mid.sigma / s.sigma * z - mid.alpha * phi_11 * model_s
    model_s1 = net(ahead, mid)
    difference = 2 * (model_s1 - model_s)
    return t.sigma / s.sigma * z - t.alpha * phi_1 * model_s + t.alpha * (phi_1 / h + 1) * difference


def _outputs(xp: Any, now: Past, net: Network, s1: Point, s2: Point) -> tuple[Any, Any]:
    r"""The two outputs inside a step of order 3.

    .. math::
        u_1 = \frac{\sigma_{s_1}}{\sigma_s} z - \alpha_{s_1}(e^{-r_1 h}-1)\,m_s,\qquad
        u_2 = \frac{\sigma_{s_2}}{\sigma_s} z - \alpha_{s_2}(e^{-r_2 h}-1)\,m_s
              + \frac{r_2}{r_1}\alpha_{s_2}\Bigl(\frac{e^{-r_2 h}-1}{r_2 h}+1\Bigr)(m_{s_1} - m_s)
    """
    s, z, model_s = now
    r2_h = s2.lam - s.lam
    phi_11, phi_12 = xp.expm1(s.lam - s1.lam), xp.expm1(-r2_h)
    phi_22 = phi_12 / r2_h + 1
    x_s1 = s1.sigma / s.sigma * z - s1.alpha * phi_11 * model_s
    model_s1 = net(x_s1, s1)
    x_s2 = s2.sigma / s.sigma * z - s2.alpha * phi_12 * model_s + 2 * (s2.alpha * phi_22) * (model_s1 - model_s)
    return model_s1, net(x_s2, s2)


def dpmpp_3s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s2: Point) -> Any:
    r"""Order 3, ``solver_type="dpmsolver"``, :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s
             + \frac{1}{r_2}\alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)(m_{s_2} - m_s)
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_1 = xp.expm1(-h)
    phi_2 = phi_1 / h + 1
    _, model_s2 = _outputs(xp, past[0], net, s1, s2)
    return t.sigma / s.sigma * z - t.alpha * phi_1 * model_s + 3 * (t.alpha * phi_2) / 2 * (model_s2 - model_s)


def dpmpp_3s_taylor(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s2: Point) -> Any:
    r"""Order 3, ``solver_type="taylor"``, :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        D_{10} = \frac{m_{s_1} - m_s}{r_1},\quad D_{11} = \frac{m_{s_2} - m_s}{r_2},\quad
        D_1 = \frac{r_2 D_{10} - r_1 D_{11}}{r_2 - r_1},\quad D_2 = \frac{2(D_{11} - D_{10})}{r_2 - r_1},

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t\varphi_1 m_s + \alpha_t\varphi_2 D_1 - \alpha_t\varphi_3 D_2,
        \qquad \varphi_1 = e^{-h} - 1,\quad \varphi_2 = \frac{\varphi_1}{h} + 1,\quad
        \varphi_3 = \frac{\varphi_2}{h} - \frac12
    """
    s, z, model_s = past[0]
    h = t.lam - s.lam
    phi_1 = xp.expm1(-h)
    phi_2 = phi_1 / h + 1
    phi_3 = (2 * phi_2 / h - 1) / 2
    model_s1, model_s2 = _outputs(xp, past[0], net, s1, s2)
    d1_0, d1_1 = 3 * (model_s1 - model_s), 3 * (model_s2 - model_s) / 2
    d1 = 2 * d1_0 - d1_1
    d2 = 6 * (d1_1 - d1_0)
    return t.sigma / s.sigma * z - t.alpha * phi_1 * model_s + t.alpha * phi_2 * d1 - t.alpha * phi_3 * d2


_HALF = (Fraction(1, 2),)
_THIRDS = (Fraction(1, 3), Fraction(2, 3))
_SECOND = "dpm_solver_pytorch.py singlestep_dpm_solver_second_update, dpmsolver++"
_THIRD = "dpm_solver_pytorch.py singlestep_dpm_solver_third_update, dpmsolver++"
_LAST = lift(dpm_solver_pp_1)

SOLVERS = (
    Solver("dpmpp_2s", "x0", (Inner(dpmpp_2s, _HALF),), order=2, source=_SECOND, last=_LAST),
    Solver(
        "dpmpp_2s_taylor",
        "x0",
        (Inner(dpmpp_2s_taylor, _HALF),),
        order=2,
        source=f"{_SECOND}, solver_type='taylor'",
        last=_LAST,
    ),
    Solver("dpmpp_3s", "x0", (Inner(dpmpp_3s, _THIRDS),), order=3, source=_THIRD, last=_LAST),
    Solver(
        "dpmpp_3s_taylor",
        "x0",
        (Inner(dpmpp_3s_taylor, _THIRDS),),
        order=3,
        source=f"{_THIRD}, solver_type='taylor'",
        last=_LAST,
    ),
)
