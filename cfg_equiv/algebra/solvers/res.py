r"""The refined exponential solvers (RES), in the data form on the VE path.

The state is :math:`x = z/\alpha`; :math:`h = \lambda_t - \lambda_s`, and

.. math:: \varphi_1(-h) = \frac{e^{-h}-1}{-h},\qquad \varphi_2(-h) = \frac{\varphi_1(-h)-1}{-h},\qquad
          \varphi_{i,j} = \varphi_i(-c_j h).

These are exponential Runge-Kutta methods whose coefficients meet the order conditions of [HO05]; the multistep form is
the second-order one with the output before the step in place of that at a node, at :math:`c_2 < 0`.

References
----------
[Zhang23] Zhang et al., Improved order analysis and design of exponential integrator, arXiv:2308.02157: its algorithm 1
    and table 3, as [RES4LYF] prints them.
[HO05] Hochbruck & Ostermann, Explicit exponential Runge-Kutta methods, SIAM J. Numer. Anal. 43 (2005): with three
    stages :math:`\gamma = (3c_3-2)c_3/((2-3c_2)c_2)`.
[ComfyUI] ``comfy/k_diffusion/sampling.py``: ``res_multistep``.
[RES4LYF] ClownsharkBatwing/RES4LYF, ``refined_exp_solver.py``: ``_refined_exp_sosu_step`` with ``_de_second_order``,
    and ``calculate_third_order_coeffs``. It takes :math:`\gamma = (3c_3^3-2c_3)/\dots`, which is that of [HO05] at
    :math:`c_3 = 1`, the default of its ``res_3s``, and only there.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def _phi_1(xp: Any, minus_h: Any) -> Any:
    r""":math:`\varphi_1`."""
    return xp.expm1(minus_h) / minus_h


def _phi_2(xp: Any, minus_h: Any) -> Any:
    r""":math:`\varphi_2`."""
    return (_phi_1(xp, minus_h) - 1) / minus_h


def res_multistep(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``res_multistep`` without noise: :math:`c_2 = (\lambda_{-1}-\lambda_s)/h` is negative.

    .. math::
        b_1 = \varphi_1 - \frac{\varphi_2}{c_2},\quad b_2 = \frac{\varphi_2}{c_2},\qquad
        x' = e^{-h} x + h\,(b_1 D + b_2 D_{-1})
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    c2 = (before.at.lam - now.at.lam) / h
    phi_1, phi_2 = _phi_1(xp, -h), _phi_2(xp, -h)
    b1 = phi_1 - phi_2 / c2
    b2 = phi_2 / c2
    return (1 + xp.expm1(-h)) * now.z + h * (b1 * now.pred + b2 * before.pred)


def res_2s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""The single step of order 2 [Zhang23, algorithm 1], :math:`c_2 = \tfrac12`.

    .. math::
        a_{21} = c_2\varphi_{1,2},\quad b_1 = \varphi_1 - \frac{\varphi_2}{c_2},\quad b_2 = \frac{\varphi_2}{c_2},
    .. math::
        x_2 = e^{-c_2 h} x + h\,a_{21} D,\qquad x' = e^{-h} x + h\,(b_1 D + b_2 D_2)
    """
    s, x, denoised = past[0]
    h, c2_h = t.lam - s.lam, mid.lam - s.lam
    a21 = _phi_1(xp, -c2_h) / 2
    x_2 = (1 + xp.expm1(-c2_h)) * x + h * (a21 * denoised)
    denoised2 = net(x_2, mid)
    phi_1, phi_2 = _phi_1(xp, -h), _phi_2(xp, -h)
    phi_2_c2 = 2 * phi_2
    b1, b2 = phi_1 - phi_2_c2, phi_2_c2
    return (1 + xp.expm1(-h)) * x + h * (b1 * denoised + b2 * denoised2)


def res_3s(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s2: Point) -> Any:
    r"""The single step of order 3, :math:`c_2 = \tfrac12, c_3 = 1`, hence :math:`\gamma = 4`.

    .. math::
        a_{32} = \gamma c_2\varphi_{2,2} + \frac{c_3^2}{c_2}\varphi_{2,3},\quad a_{31} = c_3\varphi_{1,3} - a_{32},\quad
        b_3 = \frac{\varphi_2}{\gamma c_2+c_3},\quad b_2 = \gamma b_3,\quad b_1 = \varphi_1 - b_2 - b_3,
    .. math::
        x_2 = e^{-c_2h}x + h a_{21}k_1,\quad x_3 = e^{-c_3h}x + h(a_{31}k_1+a_{32}k_2),\quad
        x' = e^{-h}x + h(b_1k_1+b_2k_2+b_3k_3)
    """
    s, x, k1 = past[0]
    h, c2_h = t.lam - s.lam, s2.lam - s.lam
    phi_1, phi_2 = _phi_1(xp, -h), _phi_2(xp, -h)
    a21 = _phi_1(xp, -c2_h) / 2
    a32 = 4 * _phi_2(xp, -c2_h) / 2 + 2 * phi_2
    a31 = phi_1 - a32
    b3 = phi_2 / 3
    b2 = 4 * b3
    b1 = phi_1 - b2 - b3
    k2 = net((1 + xp.expm1(-c2_h)) * x + h * (a21 * k1), s2)
    k3 = net((1 + xp.expm1(-h)) * x + h * (a31 * k1 + a32 * k2), t)
    return (1 + xp.expm1(-h)) * x + h * (b1 * k1 + b2 * k2 + b3 * k3)


_HALF = (Fraction(1, 2),)

SOLVERS = (
    Solver(
        "res_multistep",
        "x0",
        (lift(euler_ve), res_multistep),
        order=2,
        source="ComfyUI res_multistep, eta=0",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={"comfyui": "res_multistep"},
    ),
    Solver(
        "res_2s",
        "x0",
        (Inner(res_2s, _HALF),),
        order=2,
        source="arXiv:2308.02157 algorithm 1, as in RES4LYF refined_exp_solver.py _refined_exp_sosu_step",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={"res4lyf": "res_2s"},
    ),
    Solver(
        "res_3s",
        "x0",
        (Inner(res_3s, _HALF),),
        order=3,
        source="RES4LYF refined_exp_solver.py calculate_third_order_coeffs, c2=1/2, c3=1",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={"res4lyf": "res_3s"},
    ),
)
