r"""What guidance does to two centred Gaussians: three answers that differ, in closed form.

The conditional data are :math:`N(0, a)`, the unconditional :math:`N(0, b)`, noised on the VE path
(:math:`s = \sigma^2`), and guided with the *exact* scores. All three limits are variances at :math:`\sigma = 0`.

References
----------
Derived here: the guided flow ODE and reverse SDE are linear, so their variances are one integral each (theorem Q4).
"""

from typing import Any


def guided_rate(a: Any, b: Any, w: Any, s: Any) -> Any:
    r"""Minus the guided score over ``x``: :math:`k(s) = \frac{w}{a+s} + \frac{1-w}{b+s}`."""
    return w / (a + s) + (1 - w) / (b + s)


def tilted_variance(a: Any, b: Any, w: Any) -> Any:
    r"""Variance of the density :math:`\propto p(x|c)^w p(x)^{1-w}`: :math:`1/(w/a + (1-w)/b)`, where positive."""
    return 1 / guided_rate(a, b, w, 0)


def guided_ode_variance(a: Any, b: Any, w: int, s: Any = 0) -> Any:
    r"""Variance of the guided probability-flow ODE at noise variance s: :math:`(a+s)^w (b+s)^{1-w}`, integer ``w``."""
    return (a + s) ** w * (b + s) ** (1 - w)


def guided_sde_variance_w3(a: Any, b: Any) -> Any:
    r"""Variance of the guided reverse SDE at ``w = 3``: minus :func:`sde_primitive_w3` at 0 over the squared decay.

    In general :math:`V = \int_0^\infty \left(\frac{a^w b^{1-w}}{(a+s)^w(b+s)^{1-w}}\right)^2 ds`.
    """
    decay = guided_ode_variance(a, b, 3)
    return -(decay * decay) * sde_primitive_w3(a, b, 0)


def sde_primitive_w3(a: Any, b: Any, s: Any) -> Any:
    r"""The antiderivative of :math:`(b+s)^4/(a+s)^6` that vanishes at infinity, by expanding in :math:`y = a+s`."""
    y, d = a + s, b - a
    return -(1 / y + 2 * d / y**2 + 2 * d**2 / y**3 + d**3 / y**4 + d**4 / (5 * y**5))
