r"""Training losses of the parameterizations, and min-SNR weights for every target.

The error of a prediction is the error of the denoiser times a factor that only the point decides, so the squared losses
are in the ratio of squared determinants.

References
----------
[Hang23] Hang et al., Efficient Diffusion Training via Min-SNR Weighting Strategy, arXiv:2303.09556, section 3.
"""

from typing import Any

from cfg_equiv.algebra.points import Point, Row, det


def loss_ratio(at: Point, source: Row, target: Row) -> Any:
    r"""Squared error in ``target`` over squared error in ``source``: :math:`([Z,Q]/[Z,P])^2`."""
    ratio = det(at, target) / det(at, source)
    return ratio * ratio


def snr(at: Point) -> Any:
    r""":math:`\mathrm{SNR} = \alpha^2/\sigma^2`."""
    return at.alpha * at.alpha / (at.sigma * at.sigma)


def min_snr_eps(clipped: Any, at: Point) -> Any:
    r"""Weight of the eps loss, :math:`\min(\mathrm{SNR},\gamma)/\mathrm{SNR}` [Hang23]; ``clipped`` is the minimum."""
    return clipped / snr(at)


def min_snr_v(clipped: Any, at: Point) -> Any:
    r"""Weight of the v loss, :math:`\min(\mathrm{SNR},\gamma)/(\mathrm{SNR}+1)`; VP only [Hang23]."""
    return clipped / (snr(at) + 1)


def min_snr_flow(clipped: Any, at: Point) -> Any:
    r"""Weight of the flow loss, :math:`\min(\mathrm{SNR},\gamma)\,\sigma^2`; the flow path only."""
    return clipped * (at.sigma * at.sigma)
