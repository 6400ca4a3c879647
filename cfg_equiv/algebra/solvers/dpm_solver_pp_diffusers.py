r"""The single-step solvers in data form as diffusers runs them: the nodes are levels of its own schedule.

``DPMSolverSinglestepScheduler`` takes two or three entries of its schedule as one step, and goes to each node from the
start of the step, by the update of the next lower order with the same ``solver_type``. The fractions
:math:`r = (\lambda_{\text{node}} - \lambda_s)/h`, :math:`h = \lambda_t - \lambda_s`, are read off the schedule; they
are :math:`\tfrac12`, and :math:`\tfrac13, \tfrac23`, where it is uniform in :math:`\lambda`, and there

- ``"heun"`` is the authors' ``taylor`` form, and ``"midpoint"`` of order 2 their ``dpmsolver`` form;
- ``"midpoint"`` of order 3 is another map: its second node is reached by the midpoint update of order 2, where the
  authors' form integrates the difference exactly.

The step to :math:`\sigma_t = 0` is always of order 1.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095.
[Diffusers] ``DPMSolverSinglestepScheduler.singlestep_dpm_solver_second_order_update`` and
    ``singlestep_dpm_solver_third_order_update`` with ``algorithm_type="dpmsolver++"``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def _first(xp: Any, now: Past, t: Point) -> Any:
    r""":math:`z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s`."""
    s, z, m = now
    return t.sigma / s.sigma * z - t.alpha * xp.expm1(s.lam - t.lam) * m


def _midpoint(xp: Any, now: Past, t: Point, r0: Any, m0: Any) -> Any:
    r"""``solver_type="midpoint"``, order 2, with :math:`D_1 = (m_{s_1} - m_s)/r_0`.

    .. math:: z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s - \frac12 \alpha_t(e^{-h}-1)\,D_1
    """
    s, z, m1 = now
    d1 = 1 / r0 * (m0 - m1)
    shrunk = xp.expm1(s.lam - t.lam)
    return t.sigma / s.sigma * z - t.alpha * shrunk * m1 - t.alpha * shrunk / 2 * d1


def _heun(xp: Any, now: Past, t: Point, r0: Any, m0: Any) -> Any:
    r"""``solver_type="heun"``, order 2.

    .. math:: z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s + \alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)D_1
    """
    s, z, m1 = now
    h = t.lam - s.lam
    d1 = 1 / r0 * (m0 - m1)
    shrunk = xp.expm1(-h)
    return t.sigma / s.sigma * z - t.alpha * shrunk * m1 + t.alpha * (shrunk / h + 1) * d1


def dpmpp_2s_midpoint(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    """Order 2, ``"midpoint"``: to the node by the first order, from the start again by order 2."""
    now = past[0]
    r0 = (mid.lam - now.at.lam) / (t.lam - now.at.lam)
    return _midpoint(xp, now, t, r0, net(_first(xp, now, mid), mid))


def dpmpp_2s_heun(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    """Order 2, ``"heun"``: to the node by the first order, from the start again by order 2."""
    now = past[0]
    r0 = (mid.lam - now.at.lam) / (t.lam - now.at.lam)
    return _heun(xp, now, t, r0, net(_first(xp, now, mid), mid))


def dpmpp_3s_midpoint(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s0: Point) -> Any:
    r"""Order 3, ``"midpoint"``: to the nodes by orders 1 and 2, then without the difference of the first node.

    .. math::
        D_{11} = \frac{m_{s_0} - m_s}{r_0},\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s
             + \alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)D_{11}
    """
    s, z, m2 = past[0]
    m1 = net(_first(xp, past[0], s1), s1)
    m0 = net(_midpoint(xp, past[0], s0, (s1.lam - s.lam) / (s0.lam - s.lam), m1), s0)
    h = t.lam - s.lam
    r0 = (s0.lam - s.lam) / h
    d1_1 = 1 / r0 * (m0 - m2)
    shrunk = xp.expm1(-h)
    return t.sigma / s.sigma * z - t.alpha * shrunk * m2 + t.alpha * (shrunk / h + 1) * d1_1


def dpmpp_3s_heun(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s1: Point, s0: Point) -> Any:
    r"""Order 3, ``"heun"``: to the nodes by orders 1 and 2, then with both differences.

    .. math::
        D_{10} = \frac{m_{s_1} - m_s}{r_1},\quad D_{11} = \frac{m_{s_0} - m_s}{r_0},\quad
        D_1 = \frac{r_0 D_{10} - r_1 D_{11}}{r_0 - r_1},\quad D_2 = \frac{2(D_{11} - D_{10})}{r_0 - r_1},

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,m_s + \alpha_t\Bigl(\frac{e^{-h}-1}{h}+1\Bigr)D_1
             - \alpha_t\Bigl(\frac{e^{-h}-1+h}{h^2}-\frac12\Bigr)D_2
    """
    s, z, m2 = past[0]
    m1 = net(_first(xp, past[0], s1), s1)
    m0 = net(_heun(xp, past[0], s0, (s1.lam - s.lam) / (s0.lam - s.lam), m1), s0)
    h, h_0, h_1 = t.lam - s.lam, s0.lam - s.lam, s1.lam - s.lam
    r0, r1 = h_0 / h, h_1 / h
    d1_0, d1_1 = 1 / r1 * (m1 - m2), 1 / r0 * (m0 - m2)
    d1 = (r0 * d1_0 - r1 * d1_1) / (r0 - r1)
    d2 = 2 * (d1_1 - d1_0) / (r0 - r1)
    shrunk = xp.expm1(-h)
    second = ((shrunk + h) / (h * h) * 2 - 1) / 2
    return t.sigma / s.sigma * z - t.alpha * shrunk * m2 + t.alpha * (shrunk / h + 1) * d1 - t.alpha * second * d2


_HALF = (Fraction(1, 2),)
_THIRDS = (Fraction(1, 3), Fraction(2, 3))
_CLASS = "DPMSolverSinglestepScheduler"
_SECOND = f"diffusers {_CLASS}.singlestep_dpm_solver_second_order_update, dpmsolver++"
_THIRD = f"diffusers {_CLASS}.singlestep_dpm_solver_third_order_update, dpmsolver++"
_NAME = f"{_CLASS}(algorithm_type='dpmsolver++', solver_order="
_LAST = lift(dpm_solver_pp_1)

SOLVERS = (
    Solver(
        "dpmpp_2s_midpoint",
        "x0",
        (Inner(dpmpp_2s_midpoint, _HALF),),
        order=2,
        source=f"{_SECOND}, solver_type='midpoint'",
        last=_LAST,
        aliases={"diffusers": f"{_NAME}2, solver_type='midpoint')"},
    ),
    Solver(
        "dpmpp_2s_heun",
        "x0",
        (Inner(dpmpp_2s_heun, _HALF),),
        order=2,
        source=f"{_SECOND}, solver_type='heun'",
        last=_LAST,
        aliases={"diffusers": f"{_NAME}2, solver_type='heun')"},
    ),
    Solver(
        "dpmpp_3s_midpoint",
        "x0",
        (Inner(dpmpp_3s_midpoint, _THIRDS),),
        order=3,
        source=f"{_THIRD}, solver_type='midpoint'",
        last=_LAST,
        aliases={"diffusers": f"{_NAME}3, solver_type='midpoint')"},
    ),
    Solver(
        "dpmpp_3s_heun",
        "x0",
        (Inner(dpmpp_3s_heun, _THIRDS),),
        order=3,
        source=f"{_THIRD}, solver_type='heun'",
        last=_LAST,
        aliases={"diffusers": f"{_NAME}3, solver_type='heun')"},
    ),
)
