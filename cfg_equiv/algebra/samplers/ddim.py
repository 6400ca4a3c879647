r"""DDIM, in the three forms the literature prints, and its stochastic family.

References
----------
[SME20] Song, Meng, Ermon, Denoising Diffusion Implicit Models, arXiv:2010.02502, eqs. 12 and 16. Its ``alpha_t`` is
    :math:`\alpha^2` here (DDPM's cumulative product), and :math:`1-\alpha_t` is :math:`\sigma^2`: the paper is VP.
[SH22] Salimans, Ho, Progressive Distillation, arXiv:2202.00512, eq. 7 and appendix D.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def ddim_eps(xp: Any, z: Any, eps: Any, s: Point, t: Point) -> Any:
    r""":math:`z' = \alpha_t\,\frac{z - \sigma_s\epsilon}{\alpha_s} + \sigma_t\epsilon` [SME20, eq. 12, no noise]."""
    return t.alpha * ((z - s.sigma * eps) / s.alpha) + t.sigma * eps


def ddim_x0(xp: Any, z: Any, x0: Any, s: Point, t: Point) -> Any:
    r""":math:`z' = \alpha_t x_0 + \frac{\sigma_t}{\sigma_s}(z - \alpha_s x_0)` [SH22, eq. 7]."""
    return t.alpha * x0 + t.sigma / s.sigma * (z - s.alpha * x0)


def ddim_v(xp: Any, z: Any, v: Any, s: Point, t: Point) -> Any:
    r""":math:`z_{\phi_s - \delta} = \cos(\delta)\,z - \sin(\delta)\,v`, VP only [SH22, appendix D].

    With :math:`\alpha = \cos\phi`, :math:`\sigma = \sin\phi` and :math:`\delta = \phi_s - \phi_t`, the addition
    theorems give the two coefficients.
    """
    cos_delta = s.alpha * t.alpha + s.sigma * t.sigma
    sin_delta = s.sigma * t.alpha - s.alpha * t.sigma
    return cos_delta * z - sin_delta * v


def ddim_eta(xp: Any, z: Any, eps: Any, s: Point, t: Point, noise: Any, eta: Any) -> Any:
    r"""The stochastic family [SME20, eqs. 12 and 16], VP only, ``eta`` in [0, 1].

    .. math::
        \varsigma = \eta\sqrt{\sigma_t^2/\sigma_s^2}\,\sqrt{1-\alpha_s^2/\alpha_t^2},\qquad
        z' = \alpha_t\frac{z-\sigma_s\epsilon}{\alpha_s} + \sqrt{\sigma_t^2-\varsigma^2}\,\epsilon + \varsigma\,n
    """
    ratio = t.sigma * t.sigma / (s.sigma * s.sigma)
    std = eta * xp.sqrt(ratio) * xp.sqrt(1 - s.alpha * s.alpha / (t.alpha * t.alpha))
    x0 = (z - s.sigma * eps) / s.alpha
    return t.alpha * x0 + xp.sqrt(t.sigma * t.sigma - std * std) * eps + std * noise
