r"""Grids that can be refined: the levels of n steps between two of :math:`\kappa = \sigma/\alpha`, and those before.

All but one are smooth images of a uniform grid, as the spacings people use are. ``alternating`` is none at any size:
its steps in log-SNR are short and long in turn, 1 : 2, and what an order owes to a smooth grid is lost on it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cfg_equiv.schedules.spacings import exponential_level, karras_level

Grid = Callable[[Tensor, int, float, float], Tensor]  # (indices, n, kappa at 0, kappa at n) -> kappas


def _uniform_log_snr(k: Tensor, n: int, start: float, end: float) -> Tensor:
    return exponential_level(1 - k / n, end, start)


def _karras(k: Tensor, n: int, start: float, end: float) -> Tensor:
    return karras_level(1 - k / n, end, start, 7.0)


def _angle(k: Tensor, n: int, start: float, end: float) -> Tensor:
    first, last = math.atan(start), math.atan(end)
    return torch.tan(first + (last - first) * k / n)


def _ve_sigma(k: Tensor, n: int, start: float, end: float) -> Tensor:
    return start + (end - start) * k / n


def _flow_sigma(k: Tensor, n: int, start: float, end: float) -> Tensor:
    first, last = start / (1 + start), end / (1 + end)
    sigma = first + (last - first) * k / n
    return sigma / (1 - sigma)


def _alternating(k: Tensor, n: int, start: float, end: float) -> Tensor:
    return exponential_level(1 - (k - (k % 2) / 3) / n, end, start)  # odd points a third of a step back


GRIDS: dict[str, Grid] = {
    "uniform log-SNR": _uniform_log_snr,
    "karras": _karras,  # rho = 7
    "vp_cosine": _angle,  # uniform in arctan(kappa)
    "ve": _ve_sigma,  # uniform in kappa
    "flow": _flow_sigma,  # uniform in sigma of the flow path
    "alternating": _alternating,
}
