r"""SEEDS without noise, and exponential Heun, as ComfyUI runs them at ``eta=0``: data form, any path.

:math:`h = \lambda_t - \lambda_s`, a node lies at :math:`\lambda_s + rh`, and the weights are those of exponential
Runge-Kutta methods,

.. math:: h\varphi_1(h) = e^h - 1,\qquad h\varphi_2(h) = \frac{e^h - 1 - h}{h}.

``exp_heun_2_x0`` is the form of two stages with :math:`r = 1`: its second output is that at the end of the step.

References
----------
[Gonzalez23] Gonzalez et al., SEEDS: exponential SDE solvers, arXiv:2305.14267.
[ComfyUI] ``comfy/k_diffusion/sampling.py``: ``sample_seeds_2`` with ``solver_type="phi_1"`` (the default) and
    ``"phi_2"``, ``sample_exp_heun_2_x0``, ``sample_seeds_3``, ``ei_h_phi_1``, ``ei_h_phi_2``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def _h_phi_2(xp: Any, h: Any) -> Any:
    r""":math:`h\varphi_2(h)`."""
    return (xp.expm1(h) - h) / h


def seeds_2(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s_1: Point) -> Any:
    r"""``solver_type="phi_1"``, :math:`r = \tfrac12`, with :math:`f = 1/(2r)`.

    .. math::
        z_2 = \frac{\sigma_1}{\sigma_s} z - \alpha_1(e^{-rh}-1)\,D,\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,\bigl(D + f(D_2 - D)\bigr)
    """
    s, z, denoised = past[0]
    fac = 1
    z_2 = s_1.sigma / s.sigma * z - s_1.alpha * xp.expm1(s.lam - s_1.lam) * denoised
    denoised_2 = net(z_2, s_1)
    denoised_d = denoised + fac * (denoised_2 - denoised)
    return t.sigma / s.sigma * z - t.alpha * xp.expm1(s.lam - t.lam) * denoised_d


def seeds_2_phi_2(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s_1: Point) -> Any:
    r"""``solver_type="phi_2"``, :math:`r = \tfrac12`.

    .. math::
        b_2 = \frac{-h\varphi_2(-h)}{r},\quad b_1 = -h\varphi_1(-h) - b_2,\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(b_1 D + b_2 D_2)
    """
    s, z, denoised = past[0]
    z_2 = s_1.sigma / s.sigma * z - s_1.alpha * xp.expm1(s.lam - s_1.lam) * denoised
    denoised_2 = net(z_2, s_1)
    b2 = 2 * _h_phi_2(xp, s.lam - t.lam)
    b1 = xp.expm1(s.lam - t.lam) - b2
    return t.sigma / s.sigma * z - t.alpha * (b1 * denoised + b2 * denoised_2)


def exp_heun_phi_1(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""``solver_type="phi_1"``, :math:`r = 1`: the mean of both outputs.

    .. math::
        z_2 = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,D,\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(e^{-h}-1)\,\bigl(D + \tfrac12(D_2 - D)\bigr)
    """
    s, z, denoised = past[0]
    z_2 = t.sigma / s.sigma * z - t.alpha * xp.expm1(s.lam - t.lam) * denoised
    denoised_2 = net(z_2, t)
    denoised_d = denoised + (denoised_2 - denoised) / 2
    return t.sigma / s.sigma * z - t.alpha * xp.expm1(s.lam - t.lam) * denoised_d


def exp_heun_phi_2(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""``solver_type="phi_2"``, :math:`r = 1`: the line through both outputs, integrated exactly.

    .. math::
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(b_1 D + b_2 D_2),\qquad
        b_2 = -h\varphi_2(-h),\quad b_1 = -h\varphi_1(-h) - b_2
    """
    s, z, denoised = past[0]
    z_2 = t.sigma / s.sigma * z - t.alpha * xp.expm1(s.lam - t.lam) * denoised
    denoised_2 = net(z_2, t)
    b2 = _h_phi_2(xp, s.lam - t.lam)
    b1 = xp.expm1(s.lam - t.lam) - b2
    return t.sigma / s.sigma * z - t.alpha * (b1 * denoised + b2 * denoised_2)


def seeds_3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, s_1: Point, s_2: Point) -> Any:
    r"""``sample_seeds_3``, :math:`r_1 = \tfrac13, r_2 = \tfrac23`.

    .. math::
        a_{32} = \frac{r_2}{r_1}\bigl(-r_2h\varphi_2(-r_2h)\bigr),\quad a_{31} = -r_2h\varphi_1(-r_2h) - a_{32},\quad
        b_3 = \frac{-h\varphi_2(-h)}{r_2},\quad b_1 = -h\varphi_1(-h) - b_3,
    .. math::
        z_3 = \frac{\sigma_2}{\sigma_s} z - \alpha_2(a_{31} D + a_{32} D_2),\qquad
        z' = \frac{\sigma_t}{\sigma_s} z - \alpha_t(b_1 D + b_3 D_3)
    """
    s, z, denoised = past[0]
    z_2 = s_1.sigma / s.sigma * z - s_1.alpha * xp.expm1(s.lam - s_1.lam) * denoised
    denoised_2 = net(z_2, s_1)
    a32 = 2 * _h_phi_2(xp, s.lam - s_2.lam)
    a31 = xp.expm1(s.lam - s_2.lam) - a32
    z_3 = s_2.sigma / s.sigma * z - s_2.alpha * (a31 * denoised + a32 * denoised_2)
    denoised_3 = net(z_3, s_2)
    b3 = 3 * _h_phi_2(xp, s.lam - t.lam) / 2
    b1 = xp.expm1(s.lam - t.lam) - b3
    return t.sigma / s.sigma * z - t.alpha * (b1 * denoised + b3 * denoised_3)


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The step to sigma = 0: :math:`z' = D` (alpha is 1 there)."""
    return past[0].pred


def _entry(name: str, form: Inner, order: int, source: str, alias: str) -> Solver:
    return Solver(
        name, "x0", (form,), order=order, source=f"ComfyUI {source}", last=_denoised, aliases={"comfyui": alias}
    )


_HALF = (Fraction(1, 2),)
_THIRDS = (Fraction(1, 3), Fraction(2, 3))

SOLVERS = (
    _entry("seeds_2", Inner(seeds_2, _HALF), 2, "sample_seeds_2, eta=0", "seeds_2(eta=0)"),
    _entry(
        "seeds_2_phi_2",
        Inner(seeds_2_phi_2, _HALF),
        2,
        "sample_seeds_2, eta=0, solver_type='phi_2'",
        "seeds_2(eta=0, solver_type='phi_2')",
    ),
    _entry(
        "exp_heun_phi_1",
        Inner(exp_heun_phi_1),
        2,
        "sample_exp_heun_2_x0, solver_type='phi_1'",
        "exp_heun_2_x0(solver_type='phi_1')",
    ),
    _entry("exp_heun_phi_2", Inner(exp_heun_phi_2), 2, "sample_exp_heun_2_x0", "exp_heun_2_x0"),
    _entry("seeds_3", Inner(seeds_3, _THIRDS), 3, "sample_seeds_3, eta=0", "seeds_3(eta=0)"),
)
