r"""SDE-DPM-Solver++ of orders 2 and 3, as diffusers writes it.

With :math:`h = \lambda_t - \lambda_s`, :math:`m` the data predictions, newest first, and :math:`n` unit noise; all add
:math:`\sigma_t\sqrt{1-e^{-2h}}\,n`. The first step, and the step to :math:`\sigma_t = 0`, where that is
:math:`\alpha_t m_0`, are of order 1.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095, SDE-DPM-Solver++(2M).
[Diffusers] ``DPMSolverMultistepScheduler.multistep_dpm_solver_second_order_update`` and
    ``multistep_dpm_solver_third_order_update`` with ``algorithm_type="sde-dpmsolver++"``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1, sde_dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Past, Solver, lift
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic, lift_noisy


def sde_dpmpp_2m(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""Order 2, ``solver_type="midpoint"``, with :math:`D_1 = (m_0 - m_1)/r_0`, :math:`r_0 = h_{-1}/h`.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s}e^{-h} z + \alpha_t(1-e^{-2h})\,m_0 + \frac12\alpha_t(1-e^{-2h})\,D_1
             + \sigma_t\sqrt{1-e^{-2h}}\,n
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r0 = (now.at.lam - before.at.lam) / h
    d1 = 1 / r0 * (now.pred - before.pred)
    rest = -xp.expm1(-2 * h)
    z = t.sigma / now.at.sigma * (1 + xp.expm1(-h)) * now.z + t.alpha * rest * now.pred
    return z + t.alpha * rest / 2 * d1 + t.sigma * xp.sqrt(rest) * noise()


def sde_dpmpp_2m_heun(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""Order 2, ``solver_type="heun"``.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s}e^{-h} z + \alpha_t(1-e^{-2h})\,m_0
             + \alpha_t\Bigl(\frac{1-e^{-2h}}{-2h}+1\Bigr)D_1 + \sigma_t\sqrt{1-e^{-2h}}\,n
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r0 = (now.at.lam - before.at.lam) / h
    d1 = 1 / r0 * (now.pred - before.pred)
    rest = -xp.expm1(-2 * h)
    z = t.sigma / now.at.sigma * (1 + xp.expm1(-h)) * now.z + t.alpha * rest * now.pred
    return z + t.alpha * (rest / (-2 * h) + 1) * d1 + t.sigma * xp.sqrt(rest) * noise()


def sde_dpmpp_3m(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""Order 3; the second difference has half the weight of a third-order step, as in the release without noise.

    .. math::
        D_{10} = \frac{m_0-m_1}{r_0},\quad D_{11} = \frac{m_1-m_2}{r_1},\quad
        D_1 = D_{10} + \frac{r_0}{r_0+r_1}(D_{10}-D_{11}),\quad D_2 = \frac{D_{10}-D_{11}}{r_0+r_1},

    .. math::
        z' = \frac{\sigma_t}{\sigma_s}e^{-h} z + \alpha_t(1-e^{-2h})\,m_0
             + \alpha_t\Bigl(\frac{1-e^{-2h}}{-2h}+1\Bigr)D_1
             + \alpha_t\Bigl(\frac{1-e^{-2h}-2h}{(2h)^2}+\frac12\Bigr)D_2 + \sigma_t\sqrt{1-e^{-2h}}\,n

    diffusers' ``multistep_dpm_solver_third_order_update`` has :math:`-\tfrac12` there: the factor then tends to
    :math:`-1` with :math:`h`, where that of the integral vanishes.
    """
    now, one, two = past[0], past[1], past[2]
    h = t.lam - now.at.lam
    r0, r1 = (now.at.lam - one.at.lam) / h, (one.at.lam - two.at.lam) / h
    d1_0, d1_1 = 1 / r0 * (now.pred - one.pred), 1 / r1 * (one.pred - two.pred)
    d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1)
    d2 = 1 / (r0 + r1) * (d1_0 - d1_1)
    rest = -xp.expm1(-2 * h)
    first = rest / (-2 * h) + 1
    second = ((rest - 2 * h) / (2 * h * h) + 1) / 2
    z = t.sigma / now.at.sigma * (1 + xp.expm1(-h)) * now.z + t.alpha * rest * now.pred
    return z + t.alpha * first * d1 + t.alpha * second * d2 + t.sigma * xp.sqrt(rest) * noise()


_FIRST = lift_noisy(sde_dpm_solver_pp_1)
_LAST = lift(dpm_solver_pp_1)
_CLASS = "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++', "


def _entry(name: str, order: int, *forms: Any, options: str) -> Stochastic:
    return Stochastic(
        Solver(
            name,
            "x0",
            (_FIRST, *forms),
            order=order,
            source=f"diffusers {_CLASS}{options})",
            last=_LAST,
            aliases={"diffusers": f"{_CLASS}{options})"},
        )
    )


STOCHASTIC = (
    _entry("sde_dpmpp_2m", 2, sde_dpmpp_2m, options="solver_order=2"),
    _entry("sde_dpmpp_2m_heun", 2, sde_dpmpp_2m_heun, options="solver_order=2, solver_type='heun'"),
    _entry("sde_dpmpp_3m", 3, sde_dpmpp_2m, sde_dpmpp_3m, options="solver_order=3"),
    _entry("sde_dpmpp_3m_heun", 3, sde_dpmpp_2m_heun, sde_dpmpp_3m, options="solver_order=3, solver_type='heun'"),
)
