r"""Variance-exploding paths, :math:`\alpha = 1`; **t = 1 is noise, t = 0 the smallest level** (not zero).

``points(n)`` are n levels and then the data end, as in [Karras22, eq. 5].

References
----------
[Song21] Song et al., arXiv:2011.13456, appendix C, eqs. 30 and 31: the geometric VE SDE.
[Karras22] Karras et al., arXiv:2206.00364, eq. 5 and table 1: sigma(t) = t, its spacing, 0.002 to 80, rho = 7.
"""

from dataclasses import dataclass

from torch import Tensor

from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.schedules.base import Path, Schedule, require_range
from cfg_equiv.schedules.spacings import exponential_level, karras_level


@dataclass(frozen=True)
class VEGeometric(Schedule):
    r""":math:`\sigma = \sigma_\min(\sigma_\max/\sigma_\min)^t` [Song21, eq. 31]; the defaults are its CIFAR-10 ones."""

    sigma_min: float = 0.01
    sigma_max: float = 50.0
    path: Path = "ve"
    reaches_data: bool = False

    def __post_init__(self) -> None:
        require_range(self.sigma_min, self.sigma_max)

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha is 1, with a derivative of 0."""
        return 1 + 0 * t, exponential_level(t, self.sigma_min, self.sigma_max)


@dataclass(frozen=True)
class EDM(Schedule):
    r""":math:`\sigma = ((1-t)\sigma_\min^{1/\rho} + t\,\sigma_\max^{1/\rho})^\rho` [Karras22, eq. 5].

    EDM's own time is :math:`\sigma` itself; ``t`` here is the position between its bounds, so that ``points(n)`` is the
    paper's list of steps.
    """

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0
    path: Path = "ve"
    reaches_data: bool = False

    def __post_init__(self) -> None:
        require_range(self.sigma_min, self.sigma_max)
        if not 0 < self.rho < float("inf"):
            raise ParameterError(sentence("0 < rho < inf", repr(self.rho), "the paper uses 7"))

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha is 1, with a derivative of 0."""
        return 1 + 0 * t, karras_level(t, self.sigma_min, self.sigma_max, self.rho)
