r"""Gaussian data :math:`x_0 \sim N(m, a)`: the exact network in closed form, element by element.

The noisy latent :math:`z = \alpha x_0 + \sigma\epsilon` is Gaussian with mean :math:`\alpha m` and variance
:math:`v = \alpha^2 a + \sigma^2`, and jointly Gaussian with :math:`x_0` and :math:`\epsilon`: both posterior means are
linear in :math:`z - \alpha m`. No formula divides by sigma or by alpha, so they hold at both ends of a path.

References
----------
[Karras22] Karras et al., arXiv:2206.00364, appendix B.3 (the ideal denoiser). [Song21] arXiv:2011.13456, eq. 13 (the
    probability-flow ODE, of which :func:`flow_map` is the solution).
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def marginal_variance(at: Point, var: Any) -> Any:
    r""":math:`v = \alpha^2 a + \sigma^2`, the variance of ``z``; its mean is :math:`\alpha m`."""
    return at.alpha * at.alpha * var + at.sigma * at.sigma


def posterior_mean_x0(z: Any, at: Point, mean: Any, var: Any) -> Any:
    r""":math:`E[x_0|z] = m + \frac{\alpha a}{v}(z - \alpha m)`."""
    return mean + at.alpha * var / marginal_variance(at, var) * (z - at.alpha * mean)


def posterior_mean_eps(z: Any, at: Point, mean: Any, var: Any) -> Any:
    r""":math:`E[\epsilon|z] = \frac{\sigma}{v}(z - \alpha m)`."""
    return at.sigma / marginal_variance(at, var) * (z - at.alpha * mean)


def marginal_score(z: Any, at: Point, mean: Any, var: Any) -> Any:
    r""":math:`\nabla_z\log p(z) = -(z - \alpha m)/v`; finite at sigma = 0, where :math:`-\epsilon/\sigma` is not."""
    return -(z - at.alpha * mean) / marginal_variance(at, var)


def posterior_variance_x0(at: Point, var: Any) -> Any:
    r""":math:`\mathrm{Var}[x_0|z] = a\sigma^2/v`."""
    return var * (at.sigma * at.sigma) / marginal_variance(at, var)


def flow_map(xp: Any, z: Any, s: Point, t: Point, mean: Any, var: Any) -> Any:
    r"""The probability-flow map from ``s`` to ``t``: :math:`\alpha_t m + \sqrt{v_t/v_s}\,(z - \alpha_s m)`."""
    return t.alpha * mean + xp.sqrt(marginal_variance(t, var) / marginal_variance(s, var)) * (z - s.alpha * mean)
