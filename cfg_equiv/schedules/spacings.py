r"""How n noise levels are spaced between two bounds: Karras, exponential, uniform in log-SNR.

The level is :math:`\kappa = \sigma/\alpha`, which means the same on every path; :func:`levels` puts it on one. All
levels run **from noise to data**: the first is the largest. Exponential spacing in :math:`\kappa` and uniform spacing
in :math:`\lambda = -\log\kappa` are one spacing under two names, stated in the variable each source uses.

References
----------
[Karras22] arXiv:2206.00364, eq. 5. [Crowson] k-diffusion ``get_sigmas_karras``, ``get_sigmas_exponential``.
[Lu22] DPM-Solver, arXiv:2206.00927, section 3.4: uniform log-SNR steps.
"""

import math
from typing import Literal

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.errors import LevelError, ParameterError, sentence, unknown_name
from cfg_equiv.schedules.base import data_end, require_range, require_steps
from cfg_equiv.validation import first


def karras_level(t: Tensor, sigma_min: float, sigma_max: float, rho: float) -> Tensor:
    r""":math:`\big((1-t)\,\sigma_\min^{1/\rho} + t\,\sigma_\max^{1/\rho}\big)^\rho` [Karras22, eq. 5]."""
    level: Tensor = ((1 - t) * sigma_min ** (1 / rho) + t * sigma_max ** (1 / rho)) ** rho
    return level


def exponential_level(t: Tensor, sigma_min: float, sigma_max: float) -> Tensor:
    r""":math:`\sigma_\min(\sigma_\max/\sigma_\min)^t` as :math:`\exp((1-t)\log\sigma_\min + t\log\sigma_\max)`."""
    return torch.exp((1 - t) * math.log(sigma_min) + t * math.log(sigma_max))


def _ramp(n: int) -> Tensor:
    """n times from 1 to 0; a single one is 1."""
    return 1 - torch.arange(require_steps(n), dtype=torch.float64) / max(n - 1, 1)


def karras(n: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> Tensor:
    """n Karras levels, largest first, without the final zero [Karras22, eq. 5]."""
    require_range(sigma_min, sigma_max)
    if not 0 < rho < math.inf:
        raise ParameterError(sentence("0 < rho < inf", repr(rho), "the paper uses 7"))
    return karras_level(_ramp(n), sigma_min, sigma_max, rho)


def exponential(n: int, sigma_min: float = 0.002, sigma_max: float = 80.0) -> Tensor:
    """n levels in geometric progression, largest first, without the final zero [Crowson]."""
    require_range(sigma_min, sigma_max)
    return exponential_level(_ramp(n), sigma_min, sigma_max)


def uniform_log_snr(n: int, lam_min: float, lam_max: float) -> Tensor:
    r"""n levels :math:`e^{-\lambda}`, :math:`\lambda` uniform from ``lam_min`` (noise) to ``lam_max`` [Lu22]."""
    if not -math.inf < lam_min < lam_max < math.inf:
        raise ParameterError(
            sentence("finite lam_min < lam_max (half-log-SNR)", f"{lam_min!r} and {lam_max!r}", "swap or correct them")
        )
    t = _ramp(n)
    return torch.exp(-(t * lam_min + (1 - t) * lam_max))


def on_path(kappa: float | Tensor, path: Literal["vp", "ve", "flow"] = "ve") -> Point:
    r"""The point of a path at :math:`\kappa = \sigma/\alpha`: the same noise level on VP, VE or flow.

    VP: :math:`\alpha = 1/\sqrt{1+\kappa^2}`. VE: :math:`\alpha = 1`. Flow: :math:`\alpha = 1/(1+\kappa)`. kappa = 0 is
    the data end.
    """
    k = kappa if isinstance(kappa, Tensor) else torch.tensor(kappa, dtype=torch.float64)
    bad = ~((k >= 0) & torch.isfinite(k))
    if bad.any():
        raise LevelError(
            sentence(
                "a finite kappa = sigma/alpha >= 0", first(k, bad), "take the noise end from a schedule, as schedule(1)"
            )
        )
    one = torch.ones_like(k)
    if path == "vp":
        root = torch.hypot(one, k)  # does not overflow
        return point(torch, 1 / root, k / root)
    if path == "flow":
        return point(torch, 1 / (1 + k), k / (1 + k))
    if path == "ve":
        return point(torch, one, k)
    raise unknown_name("path with a point at every kappa", path, ("vp", "ve", "flow"))


def levels(kappas: Tensor, path: Literal["vp", "ve", "flow"] = "ve") -> list[Point]:
    """One point a level on ``path``, then the data end: the points of ``len(kappas)`` steps."""
    return [*(on_path(k, path) for k in kappas), data_end(kappas)]
