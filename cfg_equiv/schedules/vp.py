r"""Variance-preserving paths, :math:`\alpha^2 + \sigma^2 = 1`, in continuous time; **t = 1 is noise, t = 0 data**.

Every formula is arranged so that the ends are exact and nothing cancels next to them: :math:`\cos(\pi t/2)` is written
:math:`\sin(\pi(1-t)/2)`, which is 0 and not 6e-17 at t = 1; :math:`\sqrt{1-\alpha^2}` goes through ``expm1``, or is a
product of sines.

References
----------
[SH22] Salimans, Ho, arXiv:2202.00512: :math:`\alpha_t = \cos(\pi t/2)`; v-diffusion-pytorch's ``t_to_alpha_sigma``.
[Song21] Song et al., arXiv:2011.13456, appendix C, eqs. 32 and 33: the linear VP SDE.
[Ho20] arXiv:2006.11239, section 4: the discrete betas 1e-4 to 0.02, of which 0.1 and 20 are the limit.
[Rombach22] Latent diffusion, arXiv:2112.10752 and its code: betas linear in their square roots.
[ND21] Nichol, Dhariwal, arXiv:2102.09672, eq. 17: squared cosine.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.schedules.base import Path, Schedule, require_range


@dataclass(frozen=True)
class VPCosine(Schedule):
    r""":math:`\alpha = \cos(\pi t/2)`, :math:`\sigma = \sin(\pi t/2)` [SH22]; t = 1 is pure noise (alpha = 0)."""

    path: Path = "vp"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The cosine as the sine of the complement, exact at both ends."""
        quarter = math.pi / 2
        return torch.sin(quarter * (1 - t)), torch.sin(quarter * t)


def _from_integral(integral: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\alpha = e^{-B/2}` and :math:`\sigma = \sqrt{1-e^{-B}}` for :math:`B = \int_0^t\beta`."""
    return torch.exp(-integral / 2), torch.sqrt(-torch.expm1(-integral))


@dataclass(frozen=True)
class VPLinear(Schedule):
    r"""The VP SDE with :math:`\beta(t) = \beta_0 + t(\beta_1 - \beta_0)` [Song21, eqs. 32-33].

    :math:`\alpha = \exp(-\tfrac14 t^2(\beta_1-\beta_0) - \tfrac12 t\beta_0)`. The noise end has alpha > 0; at t = 0
    sigma = 0 and its derivative is infinite.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0
    path: Path = "vp"

    def __post_init__(self) -> None:
        require_range(self.beta_min, self.beta_max, "beta")

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """From the integral of beta."""
        return _from_integral(t * (self.beta_min + t * ((self.beta_max - self.beta_min) / 2)))


@dataclass(frozen=True)
class VPScaledLinear(Schedule):
    r"""The continuous form of [Rombach22]: :math:`\beta(t) = (\sqrt{\beta_0} + t(\sqrt{\beta_1} - \sqrt{\beta_0}))^2`.

    The defaults are 1000 times the discrete 0.00085 and 0.012. With :math:`d = \sqrt{\beta_1} - \sqrt{\beta_0}` the
    integral is :math:`\beta_0 t + \sqrt{\beta_0}\,d\,t^2 + d^2 t^3/3`.
    """

    beta_min: float = 0.85
    beta_max: float = 12.0
    path: Path = "vp"

    def __post_init__(self) -> None:
        require_range(self.beta_min, self.beta_max, "beta")

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """From the integral of beta."""
        root = math.sqrt(self.beta_min)
        d = math.sqrt(self.beta_max) - root
        return _from_integral(t * (self.beta_min + t * (root * d + t * (d * d / 3))))


@dataclass(frozen=True)
class SquaredCosine(Schedule):
    r""":math:`\bar\alpha = f(t)/f(0)`, :math:`f = \cos^2\!\big(\tfrac{t+s}{1+s}\tfrac\pi2\big)` [ND21, eq. 17].

    alpha = 0 at t = 1 (the discrete table clips its betas and stops short of it). sigma is the root of
    :math:`1-\bar\alpha = \sin(x-a)\sin(x+a)/\cos^2 a` with :math:`x = \tfrac{t+s}{1+s}\tfrac\pi2`, ``a`` = x(0).
    """

    s: float = 0.008
    path: Path = "vp"

    def __post_init__(self) -> None:
        if not 0 <= self.s < float("inf"):
            raise ParameterError(sentence("s >= 0", repr(self.s), "the paper uses 0.008"))

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Products of sines, exact at both ends."""
        unit = math.pi / 2 / (1 + self.s)
        a = unit * self.s
        alpha = torch.sin(unit * (1 - t)) / math.sin(unit)  # cos(a) = sin(pi/2 - a), and pi/2 - a = unit
        return alpha, torch.sqrt(torch.sin(unit * t) * torch.sin(unit * t + 2 * a)) / math.sin(unit)
