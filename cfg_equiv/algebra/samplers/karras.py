r"""Euler on the probability-flow ODE of the VE path, and Euler ancestral, as k-diffusion writes them.

The state is :math:`x = z/\alpha = x_0 + \kappa\epsilon`; the points handed in are VE points, so ``sigma`` is
:math:`\kappa` and ``alpha`` is 1.

References
----------
[Karras22] Karras et al., arXiv:2206.00364, algorithm 1 without its correction (lines 6-8); eq. 1 with eq. 3.
[Crowson] k-diffusion, ``sampling.py``: ``to_d``, ``sample_euler``, ``get_ancestral_step``, ``sample_euler_ancestral``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def euler_ve(xp: Any, x: Any, denoised: Any, s: Point, t: Point) -> Any:
    r""":math:`x' = x + \frac{x-D}{\sigma_s}(\sigma_t-\sigma_s)` [Karras22, algorithm 1; Crowson, ``sample_euler``]."""
    d = (x - denoised) / s.sigma
    return x + d * (t.sigma - s.sigma)


def euler_ancestral(xp: Any, x: Any, denoised: Any, s: Point, t: Point, noise: Any, eta: Any) -> Any:
    r"""Euler to :math:`\sigma_\mathrm{down}`, then noise :math:`\sigma_\mathrm{up}` [Crowson, ``get_ancestral_step``].

    .. math::
        \sigma_\mathrm{up} = \eta\sqrt{\sigma_t^2(\sigma_s^2-\sigma_t^2)/\sigma_s^2},\qquad
        \sigma_\mathrm{down} = \sqrt{\sigma_t^2 - \sigma_\mathrm{up}^2}

    ``eta`` in [0, 1]: the library's ``min(sigma_to, ...)`` never acts there.
    """
    var_s, var_t = s.sigma * s.sigma, t.sigma * t.sigma
    up = eta * xp.sqrt(var_t * (var_s - var_t) / var_s)
    down = xp.sqrt(var_t - up * up)
    d = (x - denoised) / s.sigma
    return x + d * (down - s.sigma) + up * noise
