r"""DEIS multistep: the noise as a polynomial, integrated in :math:`\rho = \kappa`.

In :math:`x = z/\alpha` the probability-flow ODE is :math:`dx/d\rho = \epsilon`. The method is named after the variable
in which the polynomial is one: ``log rho`` in diffusers, :math:`\rho` itself in rhoAB, and the time :math:`t` of the
training schedule in tAB, whose integrals have no closed form.

References
----------
[ZC22] Zhang, Chen, DEIS, arXiv:2204.13902.
[HF] diffusers, ``DEISMultistepScheduler``: ``multistep_deis_second_order_update``,
    ``multistep_deis_third_order_update``; its first-order step is DPM-Solver-1.
[Comfy] ComfyUI, ``k_diffusion/deis.py``: ``get_deis_coeff_list`` with ``deis_mode="rhoab"``, from zju-pi/diff-sampler.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def _rho(at: Point) -> Any:
    return at.sigma / at.alpha


def _ind_2(xp: Any, t: Any, b: Any, c: Any) -> Any:
    r"""The antiderivative :math:`\int\frac{\log\tau-\log c}{\log b-\log c}\,d\tau` at ``t`` [HF, ``ind_fn``]."""
    return t * (-xp.log(c) + xp.log(t) - 1) / (xp.log(b) - xp.log(c))


def deis_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`z' = \alpha_t\bigl(z/\alpha_s + c_1 m_0 + c_2 m_1\bigr)` [HF].

    .. math::
        c_1 = \int_{\rho_s}^{\rho_t}\frac{\log\tau-\log\rho_{-1}}{\log\rho_s-\log\rho_{-1}}\,d\tau,\qquad
        c_2 = \int_{\rho_s}^{\rho_t}\frac{\log\tau-\log\rho_s}{\log\rho_{-1}-\log\rho_s}\,d\tau
    """
    m0, m1 = past[0].pred, past[1].pred
    rho_t, rho_s0, rho_s1 = _rho(t), _rho(past[0].at), _rho(past[1].at)
    coef1 = _ind_2(xp, rho_t, rho_s0, rho_s1) - _ind_2(xp, rho_s0, rho_s0, rho_s1)
    coef2 = _ind_2(xp, rho_t, rho_s1, rho_s0) - _ind_2(xp, rho_s0, rho_s1, rho_s0)
    return t.alpha * (past[0].z / past[0].at.alpha + coef1 * m0 + coef2 * m1)


def _ind_3(xp: Any, t: Any, b: Any, c: Any, d: Any) -> Any:
    r"""The antiderivative of :math:`\frac{(\log\tau-\log c)(\log\tau-\log d)}{(\log b-\log c)(\log b-\log d)}` [HF]."""
    numerator = t * (
        xp.log(c) * (xp.log(d) - xp.log(t) + 1)
        - xp.log(d) * xp.log(t)
        + xp.log(d)
        + xp.log(t) * xp.log(t)
        - 2 * xp.log(t)
        + 2
    )
    denominator = (xp.log(b) - xp.log(c)) * (xp.log(b) - xp.log(d))
    return numerator / denominator


def deis_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`z' = \alpha_t\bigl(z/\alpha_s + c_1 m_0 + c_2 m_1 + c_3 m_2\bigr)`, products of two logarithms [HF]."""
    m0, m1, m2 = past[0].pred, past[1].pred, past[2].pred
    rho_t, rho_s0, rho_s1, rho_s2 = _rho(t), _rho(past[0].at), _rho(past[1].at), _rho(past[2].at)
    coef1 = _ind_3(xp, rho_t, rho_s0, rho_s1, rho_s2) - _ind_3(xp, rho_s0, rho_s0, rho_s1, rho_s2)
    coef2 = _ind_3(xp, rho_t, rho_s1, rho_s2, rho_s0) - _ind_3(xp, rho_s0, rho_s1, rho_s2, rho_s0)
    coef3 = _ind_3(xp, rho_t, rho_s2, rho_s0, rho_s1) - _ind_3(xp, rho_s0, rho_s2, rho_s0, rho_s1)
    return t.alpha * (past[0].z / past[0].at.alpha + coef1 * m0 + coef2 * m1 + coef3 * m2)


def _slopes(past: tuple[Past, ...]) -> list[Any]:
    """``d_cur`` and the buffer, newest first."""
    return [(one.z - one.pred) / one.at.sigma for one in past]


def deis_rho_ab_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Coefficients :math:`\frac{(t-p)^2-(s-p)^2}{2(s-p)}` and :math:`\frac{(t-s)^2}{2(p-s)}` of two levels [Comfy]."""
    d, t_cur, t_next, prev = _slopes(past), past[0].at.sigma, t.sigma, past[1].at.sigma
    after, before = t_next - prev, t_cur - prev
    coeff_cur = (after * after - before * before) / (2 * (t_cur - prev))
    coeff_prev1 = (t_next - t_cur) * (t_next - t_cur) / (2 * (prev - t_cur))
    return past[0].z + coeff_cur * d[0] + coeff_prev1 * d[1]


def _integral_2(a: Any, b: Any, start: Any, end: Any, c: Any) -> Any:
    r""":math:`\int_{start}^{end}\frac{(\tau-a)(\tau-b)}{(c-a)(c-b)}\,d\tau`, expanded [Comfy]."""
    cubes, squares = end * end * end - start * start * start, end * end - start * start
    coeff = cubes / 3 - squares * (a + b) / 2 + (end - start) * a * b
    return coeff / ((c - a) * (c - b))


def deis_rho_ab_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """Three levels, each coefficient its expanded integral [Comfy]."""
    d, end = _slopes(past), t.sigma
    s, p1, p2 = past[0].at.sigma, past[1].at.sigma, past[2].at.sigma
    coeff_cur = _integral_2(p1, p2, s, end, s)
    coeff_prev1 = _integral_2(s, p2, s, end, p1)
    coeff_prev2 = _integral_2(s, p1, s, end, p2)
    return past[0].z + coeff_cur * d[0] + coeff_prev1 * d[1] + coeff_prev2 * d[2]


def _integral_3(a: Any, b: Any, c: Any, start: Any, end: Any, d: Any) -> Any:
    r""":math:`\int_{start}^{end}\frac{(\tau-a)(\tau-b)(\tau-c)}{(d-a)(d-b)(d-c)}\,d\tau`, expanded [Comfy]."""
    squares, cubes = end * end - start * start, end * end * end - start * start * start
    fourths = end * end * end * end - start * start * start * start
    coeff = fourths / 4 - cubes * (a + b + c) / 3 + squares * (a * b + a * c + b * c) / 2 - (end - start) * a * b * c
    return coeff / ((d - a) * (d - b) * (d - c))


def deis_rho_ab_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """Four levels, each coefficient its expanded integral [Comfy]."""
    d, end = _slopes(past), t.sigma
    s, p1, p2, p3 = (one.at.sigma for one in past[:4])
    coeff_cur = _integral_3(p1, p2, p3, s, end, s)
    coeff_prev1 = _integral_3(s, p2, p3, s, end, p1)
    coeff_prev2 = _integral_3(s, p1, p3, s, end, p2)
    coeff_prev3 = _integral_3(s, p1, p2, s, end, p3)
    return past[0].z + coeff_cur * d[0] + coeff_prev1 * d[1] + coeff_prev2 * d[2] + coeff_prev3 * d[3]


_LOG_RHO = (lift(dpm_solver_1), deis_2, deis_3)
_RHO_AB = (lift(euler_ve), deis_rho_ab_2, deis_rho_ab_3, deis_rho_ab_4)

SOLVERS = (
    *(
        Solver(
            f"deis_{order}",
            "eps",
            _LOG_RHO[:order],
            order=order,
            source=f"diffusers DEISMultistepScheduler, solver_order={order}",
            aliases={"diffusers": f"DEISMultistepScheduler(solver_order={order})"},
        )
        for order in (2, 3)
    ),
    *(
        Solver(
            f"deis_rho_ab_{order}",
            "x0",
            _RHO_AB[:order],
            order=order,
            source=f"ComfyUI k_diffusion/deis.py get_deis_coeff_list, deis_mode='rhoab', {order} levels",
            last=lift(euler_ve),
            state="z/alpha",
            aliases={"th_deis": f"get_sampler(method='rho_ab', ab_order={order - 1})"},
        )
        for order in (2, 3, 4)
    ),
)
