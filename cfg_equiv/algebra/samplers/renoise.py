r"""The family :math:`F_\rho` of first-order steps, and its renoising member.

.. math:: z' = \alpha_t x_0 + \sigma_t\,(\rho\,\epsilon + \sqrt{1-\rho^2}\,n)

Theorem S3 says which samplers belong to it, and with which :math:`\rho`.

References
----------
[SME20] arXiv:2010.02502, eq. 7: the family of non-Markovian posteriors with one marginal. [Luo23] Luo et al., Latent
    Consistency Models, arXiv:2310.04378, algorithm 2 (multistep sampling): rho = 0.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def family_step(x0: Any, eps: Any, t: Point, noise: Any, rho: Any, rest: Any) -> Any:
    r"""A member of :math:`F_\rho`; ``rest`` is :math:`\sqrt{1-\rho^2}` [SME20, eq. 7]."""
    return t.alpha * x0 + t.sigma * (rho * eps + rest * noise)


def renoise(xp: Any, z: Any, x0: Any, s: Point, t: Point, noise: Any) -> Any:
    r""":math:`z' = \alpha_t x_0 + \sigma_t n`: predict the data, then noise it afresh [Luo23]."""
    return t.alpha * x0 + t.sigma * noise
