r"""DDPM ancestral sampling with the posterior variance, on the strided chain.

References
----------
[Ho20] Ho, Jain, Abbeel, DDPM, arXiv:2006.11239, eqs. 6 and 7. Its :math:`\bar\alpha` is :math:`\alpha^2` here.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def ddpm_posterior(xp: Any, z: Any, x0: Any, s: Point, t: Point, noise: Any) -> Any:
    r"""Mean and variance of :math:`q(z_t | z_s, x_0)` [Ho20, eq. 7], VP only.

    With :math:`a = \bar\alpha_s/\bar\alpha_t` and :math:`\beta = 1 - a` of the stride:

    .. math::
        \mu = \frac{\sqrt{\bar\alpha_t}\,\beta}{1-\bar\alpha_s} x_0
              + \frac{\sqrt a\,(1-\bar\alpha_t)}{1-\bar\alpha_s} z,\qquad
        \tilde\beta = \frac{1-\bar\alpha_t}{1-\bar\alpha_s}\beta
    """
    root_a = s.alpha / t.alpha
    beta = 1 - root_a * root_a
    var_s, var_t = s.sigma * s.sigma, t.sigma * t.sigma
    mean = t.alpha * beta / var_s * x0 + root_a * var_t / var_s * z
    return mean + xp.sqrt(var_t / var_s * beta) * noise


def ddpm_fixed_large(xp: Any, z: Any, x0: Any, s: Point, t: Point, noise: Any) -> Any:
    r"""The posterior mean with the upper-bound variance :math:`\beta` in place of the posterior's [Ho20, section 3.2].

    VP only. Optimal for unit-variance data; its end distribution is not that of the posterior variance (theorem S3).
    """
    root_a = s.alpha / t.alpha
    beta = 1 - root_a * root_a
    var_s, var_t = s.sigma * s.sigma, t.sigma * t.sigma
    mean = t.alpha * beta / var_s * x0 + root_a * var_t / var_s * z
    return mean + xp.sqrt(beta) * noise
