r"""Where a step's inner nodes lie: a fraction of the step on a clock, on a path.

On the clock ``lam`` a node has :math:`\kappa_m = \kappa_s\,e^{-r h}` with :math:`h = \lambda_t - \lambda_s`; the path
then says which :math:`(\alpha, \sigma)` has that ratio. On the clock ``kappa`` it is
:math:`\kappa_m = \kappa_s + r(\kappa_t - \kappa_s)`, the sigma of the VE state. On the clock ``sigma`` it is
:math:`\sigma_m = \sigma_s + r(\sigma_t - \sigma_s)`, on the VP circle's ``angle`` the bisector of the two points.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point, point


def _ve(xp: Any, kappa: Any) -> Point:
    return point(xp, 1 + 0 * kappa, kappa)


def _vp(xp: Any, kappa: Any) -> Point:
    alpha = 1 / xp.sqrt(1 + kappa * kappa)
    return point(xp, alpha, kappa * alpha)


def _flow(xp: Any, kappa: Any) -> Point:
    return point(xp, 1 / (1 + kappa), kappa / (1 + kappa))


OF_RATIO: dict[str, Callable[[Any, Any], Point]] = {"ve": _ve, "vp": _vp, "flow": _flow}


def by_lam(xp: Any, path: str, s: Point, t: Point, fraction: Fraction) -> Point:
    """The point of the path whose half-log-SNR is the fraction of the way."""
    r = Fraction(fraction)
    shrink = 1 + xp.expm1((s.lam - t.lam) * r.numerator / r.denominator)
    return OF_RATIO[path](xp, s.sigma / s.alpha * shrink)


def by_kappa(xp: Any, path: str, s: Point, t: Point, fraction: Fraction) -> Point:
    """The point of the path whose noise-to-signal ratio is the fraction of the way."""
    r = Fraction(fraction)
    kappa = s.sigma / s.alpha
    return OF_RATIO[path](xp, kappa + (t.sigma / t.alpha - kappa) * r.numerator / r.denominator)


def by_sigma(xp: Any, path: str, s: Point, t: Point, fraction: Fraction) -> Point:
    """The point of the VE or flow path whose sigma is the fraction of the way."""
    r = Fraction(fraction)
    sigma = s.sigma + (t.sigma - s.sigma) * r.numerator / r.denominator
    alphas = {"ve": 1 + 0 * sigma, "flow": 1 - sigma}
    return point(xp, alphas[path], sigma)


def by_angle(xp: Any, path: str, s: Point, t: Point, fraction: Fraction) -> Point:
    """The bisector on the VP circle: the one fraction with a closed form without trigonometry."""
    if (path, fraction) != ("vp", Fraction(1, 2)):
        raise ValueError(f"expected the fraction 1/2 on the vp path, got {fraction} on {path}: use the clock 'lam'")
    alpha, sigma = s.alpha + t.alpha, s.sigma + t.sigma
    norm = xp.sqrt(alpha * alpha + sigma * sigma)
    return point(xp, alpha / norm, sigma / norm)


CLOCKS: dict[str, Callable[..., Point]] = {
    "lam": by_lam,
    "kappa": by_kappa,
    "sigma": by_sigma,
    "angle": by_angle,
}
