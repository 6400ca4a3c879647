r"""A point of a noising path, and the determinant that carries all of the linear algebra.

A noisy latent is :math:`z = \alpha x_0 + \sigma \epsilon`: a vector of the plane spanned by ``x0`` and ``eps``, with
coordinates :math:`Z = (\alpha, \sigma)`. A prediction ``p*x0 + q*eps`` is another vector of that plane. Three vectors
of a plane are linearly dependent, which is the Pluecker relation

.. math:: [Z, P]\,Q = [Z, Q]\,P + [Q, P]\,Z, \qquad [U, V] = U_0 V_1 - U_1 V_0

and every conversion between parameterizations, and DDIM itself, is that relation read from right to left.
"""

from typing import Any, NamedTuple


class Point(NamedTuple):
    r"""Signal scale ``alpha``, noise scale ``sigma``, half-log-SNR ``lam`` :math:`= \log(\alpha/\sigma)`.

    ``lam`` may be ``None`` where no formula in play reads it (it is infinite at the two ends of a path).
    """

    alpha: Any
    sigma: Any
    lam: Any = None


class Row(NamedTuple):
    """Coordinates of a prediction: ``pred = p*x0 + q*eps``."""

    p: Any
    q: Any


def point(xp: Any, alpha: Any, sigma: Any) -> Point:
    r"""The point with :math:`\lambda = \log(\alpha/\sigma)` filled in; ``alpha`` and ``sigma`` must be positive."""
    return Point(alpha, sigma, xp.log(alpha / sigma))


def ve_point(point: Point) -> Point:
    r"""The same noise level on the variance-exploding path: :math:`(1, \kappa)` with :math:`\kappa = \sigma/\alpha`."""
    return Point(1, point.sigma / point.alpha, point.lam)


def det(u: Any, v: Any) -> Any:
    """``[U, V] = U0*V1 - U1*V0``; ``u`` and ``v`` are anything with two leading coordinates."""
    return u[0] * v[1] - u[1] * v[0]
