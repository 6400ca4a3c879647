r"""ER-SDE-Solver on the ODE: the extended reverse-time SDE without noise, orders 1 to 3 by Taylor expansion.

In this family ``lam`` of the paper is :math:`\kappa = \sigma/\alpha`, and the noise scale :math:`\phi(\kappa)` decides
how much noise enters; the ODE is :math:`\phi(\kappa) = \kappa`. Switching the noise off in another member leaves its
drift, which is not the ODE's. The authors take the two integrals by a Riemann sum of 100 points (200 in ComfyUI); for
the ODE both have a closed form, which is what is typed here:

.. math::
    \int_{\kappa_t}^{\kappa_s}\frac{d\kappa}{\phi(\kappa)} = h,\qquad
    \int_{\kappa_t}^{\kappa_s}\frac{\kappa-\kappa_s}{\phi(\kappa)}\,d\kappa = (\kappa_s-\kappa_t) - \kappa_s h,
    \qquad h = \lambda_t - \lambda_s

The derivatives are by :math:`\kappa`; the first one is the slope of the last two outputs, which is the derivative in
the middle between them.

References
----------
[Cui23] Cui et al., ER-SDE-Solver, arXiv:2309.06169; the authors' ``er_sde_solver.py``: ``vp_1_order``,
    ``vp_2_order_taylor``, ``vp_3_order_taylor`` with ``customized_func(func_type=1)``; ComfyUI's ``sample_er_sde``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Past, Solver


def _kappa(at: Point) -> Any:
    return at.sigma / at.alpha


def _stage_1(now: Past, t: Point) -> Any:
    r_fn = _kappa(t) / _kappa(now.at)
    r_alphas = t.alpha / now.at.alpha
    return r_alphas * r_fn * now.z + t.alpha * (1 - r_fn) * now.pred


def _slope(now: Past, before: Past) -> Any:
    return (now.pred - before.pred) / (_kappa(now.at) - _kappa(before.at))


def _stage_2(now: Past, t: Point) -> Any:
    s_int = t.lam - now.at.lam
    return t.alpha * (_kappa(t) - _kappa(now.at) + s_int * _kappa(t))


def er_sde_1(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""With :math:`r = \phi(\kappa_t)/\phi(\kappa_s)` [Cui23, ``vp_1_order``].

    .. math:: z' = \frac{\alpha_t}{\alpha_s} r\,z + \alpha_t(1-r)\,x_0
    """
    return _stage_1(past[0], t)


def er_sde_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Order 1 and one derivative [Cui23, ``vp_2_order_taylor``].

    .. math::
        z' = z'_1 + \alpha_t\bigl(\kappa_t-\kappa_s + \phi(\kappa_t)\,h\bigr)\,x_0',\qquad
        x_0' = \frac{x_{0,s}-x_{0,-1}}{\kappa_s-\kappa_{-1}}
    """
    now, before = past[0], past[1]
    return _stage_1(now, t) + _stage_2(now, t) * _slope(now, before)


def er_sde_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Order 2 and the second derivative [Cui23, ``vp_3_order_taylor``].

    .. math::
        z' = z'_2 + \alpha_t\Bigl(\tfrac12(\kappa_t-\kappa_s)^2
             + \phi(\kappa_t)\bigl((\kappa_s-\kappa_t) - \kappa_s h\bigr)\Bigr)x_0'',\qquad
        x_0'' = \frac{2\,(x_0'-x'_{0,-1})}{\kappa_s-\kappa_{-2}}
    """
    now, before, oldest = past[0], past[1], past[2]
    dt = _kappa(t) - _kappa(now.at)
    s_d_int = -dt - _kappa(now.at) * (t.lam - now.at.lam)
    d_x0 = _slope(now, before)
    dd_x0 = 2 * (d_x0 - _slope(before, oldest)) / (_kappa(now.at) - _kappa(oldest.at))
    return _stage_1(now, t) + _stage_2(now, t) * d_x0 + t.alpha * (dt * dt / 2 + s_d_int * _kappa(t)) * dd_x0


_PREDICT = (er_sde_1, er_sde_2, er_sde_3)

SOLVERS = tuple(
    Solver(
        f"er_sde_{order}",
        "x0",
        _PREDICT[:order],
        order=order,
        source=f"arXiv:2309.06169, the authors' er_sde_solver.py, {function}, noise scale phi(x) = x",
        last=er_sde_1,
        aliases={"comfyui": f"er_sde (max_stage={order}, noise_scaler=lambda x: x, s_noise=0), integrals exact"},
    )
    for order, function in ((1, "vp_1_order"), (2, "vp_2_order_taylor"), (3, "vp_3_order_taylor"))
)
