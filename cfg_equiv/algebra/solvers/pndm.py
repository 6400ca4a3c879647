r"""PNDM: classical methods on the noise, with DDIM in place of their linear step, and the samplers made from it.

A step is the transfer of one combination of noises. PNDM's two methods differ in how they start: S-PNDM with a pseudo
improved Euler step, F-PNDM with three pseudo Runge-Kutta steps whose first noise goes into the history. PLMS starts as
S-PNDM and raises the order of the combination to 4. PNDM prints the transfer with :math:`\bar\alpha = \alpha^2` and
:math:`1-\bar\alpha = \sigma^2`: VP only. CompVis prints DDIM.

The Runge-Kutta node is the middle timestep index of the training grid. Which level that is depends on the training
schedule, which a point does not carry; the entry places it at the ``angle`` bisector, where it is for the cosine
schedule, and the form itself takes any node.

References
----------
[Liu22] Liu et al., PNDM, arXiv:2202.09778; the authors' code, luping-liu/PNDM, ``runner/method.py``: ``transfer``,
    ``improved_eular``, ``runge_kutta``, ``gen_order_2``, ``gen_order_4``. diffusers' ``PNDMScheduler``.
[CompVis] latent-diffusion, ``ldm/models/diffusion/plms.py``: ``p_sample_plms``; diffusers' ``PNDMScheduler`` with
    ``skip_prk_steps=True``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def _transfer(xp: Any, x: Any, s: Point, t: Point, et: Any) -> Any:
    r"""PNDM's transfer [Liu22, ``transfer``], with :math:`a = \alpha_s^2` and :math:`a' = \alpha_t^2`.

    .. math::
        x' = x + (a'-a)\Bigl(\frac{x}{\sqrt a\,(\sqrt a + \sqrt{a'})}
             - \frac{e}{\sqrt a\,\bigl(\sqrt{(1-a')a} + \sqrt{(1-a)a'}\bigr)}\Bigr)

    ``alpha`` and ``sigma`` are the roots of :math:`a` and :math:`1-a`, and no root is taken.
    """
    delta = t.alpha * t.alpha - s.alpha * s.alpha
    of_x = 1 / (s.alpha * (s.alpha + t.alpha)) * x
    of_e = 1 / (s.alpha * (t.sigma * s.alpha + s.sigma * t.alpha)) * et
    return x + delta * (of_x - of_e)


def improved_euler(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""The transfer of :math:`(e_1 + e_2)/2`, :math:`e_2` where :math:`e_1` leads [Liu22, ``improved_eular``]."""
    now = past[0]
    e_1 = now.pred
    x_2 = _transfer(xp, now.z, now.at, t, e_1)
    e_2 = net(x_2, t)
    return _transfer(xp, now.z, now.at, t, (e_1 + e_2) / 2)


def runge_kutta(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""The transfer of :math:`(e_1 + 2e_2 + 2e_3 + e_4)/6` [Liu22, ``runge_kutta``]."""
    now = past[0]
    e_1 = now.pred
    x_2 = _transfer(xp, now.z, now.at, mid, e_1)
    e_2 = net(x_2, mid)
    x_3 = _transfer(xp, now.z, now.at, mid, e_2)
    e_3 = net(x_3, mid)
    x_4 = _transfer(xp, now.z, now.at, t, e_3)
    e_4 = net(x_4, t)
    return _transfer(xp, now.z, now.at, t, (e_1 + 2 * e_2 + 2 * e_3 + e_4) / 6)


def s_pndm(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(3e_0 - e_1)/2` [Liu22, ``gen_order_2``]."""
    now, before = past[0], past[1]
    return _transfer(xp, now.z, now.at, t, (3 * now.pred - before.pred) / 2)


def f_pndm(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(55e_0 - 59e_1 + 37e_2 - 9e_3)/24` [Liu22, ``gen_order_4``]."""
    now, ets = past[0], [one.pred for one in past]
    return _transfer(xp, now.z, now.at, t, (55 * ets[0] - 59 * ets[1] + 37 * ets[2] - 9 * ets[3]) / 24)


def _x_prev(now: Past, t: Point, e_t: Any) -> Any:
    """``pred_x0`` and the direction pointing to ``x_t``, no noise [CompVis, ``get_x_prev_and_pred_x0``]."""
    pred_x0 = (now.z - now.at.sigma * e_t) / now.at.alpha
    dir_xt = t.sigma * e_t
    return t.alpha * pred_x0 + dir_xt


def plms_start(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    """The pseudo improved Euler step [CompVis]."""
    now = past[0]
    e_t_next = net(_x_prev(now, t, now.pred), t)
    return _x_prev(now, t, (now.pred + e_t_next) / 2)


def plms_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """``(3*e_t - old_eps[-1]) / 2`` [CompVis]."""
    e = [one.pred for one in past]
    return _x_prev(past[0], t, (3 * e[0] - e[1]) / 2)


def plms_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """``(23*e_t - 16*old_eps[-1] + 5*old_eps[-2]) / 12`` [CompVis]."""
    e = [one.pred for one in past]
    return _x_prev(past[0], t, (23 * e[0] - 16 * e[1] + 5 * e[2]) / 12)


def plms_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """``(55*e_t - 59*old_eps[-1] + 37*old_eps[-2] - 9*old_eps[-3]) / 24`` [CompVis]."""
    e = [one.pred for one in past]
    return _x_prev(past[0], t, (55 * e[0] - 59 * e[1] + 37 * e[2] - 9 * e[3]) / 24)


_PRK = Inner(runge_kutta, (Fraction(1, 2),))

SOLVERS = (
    Solver(
        "s_pndm",
        "eps",
        (Inner(improved_euler), s_pndm),
        order=2,
        source="luping-liu/PNDM runner/method.py gen_order_2; arXiv:2202.09778",
        path="vp",
        aliases={"pndm": "S-PNDM"},
    ),
    Solver(
        "f_pndm",
        "eps",
        (_PRK, _PRK, _PRK, f_pndm),
        order=4,
        source="luping-liu/PNDM runner/method.py gen_order_4; arXiv:2202.09778",
        path="vp",
        clock="angle",
        aliases={"pndm": "F-PNDM", "diffusers": "PNDMScheduler"},
    ),
    Solver(
        "plms",
        "eps",
        (Inner(plms_start), plms_2, plms_3, plms_4),
        order=4,
        source="CompVis latent-diffusion ldm/models/diffusion/plms.py p_sample_plms",
        aliases={"diffusers": "PNDMScheduler(skip_prk_steps=True)", "latent_diffusion": "PLMSSampler"},
    ),
)
