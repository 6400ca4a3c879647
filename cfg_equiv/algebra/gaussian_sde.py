r"""The variance of linear samplers on centred Gaussian data, in the limit of small steps, guided or not.

On the VE path, with :math:`s = \sigma^2` and a linear score :math:`-k(s)\,x`, the reverse process with the share ``c``
of churn is :math:`dx = \frac{1+c}{2}k x\,ds + \sqrt{c}\,dW`, run from large ``s`` to small. ``c = 0`` is the
probability-flow ODE, ``c = 1`` the reverse SDE.

References
----------
[Karras22] Karras et al., arXiv:2206.00364, eq. 6 (the family of reverse processes with one marginal). [Song21]
    arXiv:2011.13456, eqs. 6 and 13. The variance's equation is derived here (theorem S10).
"""

from typing import Any


def variance_slope(k: Any, variance: Any, churn: Any) -> Any:
    r""":math:`\frac{dV}{ds} = (1+c)\,k\,V - c`."""
    return (1 + churn) * k * variance - churn


def linear_denoiser(x: Any, k: Any, s: Any) -> Any:
    """Tweedie's denoiser of the score ``-k*x`` at the noise variance ``s``: ``x - s*k*x``."""
    return x - s * k * x


def step_variance(of_x: Any, of_noise: Any, variance: Any) -> Any:
    """Variance after a step ``of_x*x + of_noise*n`` with unit noise ``n`` independent of ``x``."""
    return of_x * of_x * variance + of_noise * of_noise
