r"""The flow path, :math:`\alpha = 1 - \sigma`; **t = 1 is noise (alpha = 0), t = 0 data (sigma = 0)**.

References
----------
[Liu22] arXiv:2209.03003: the straight path (there time runs from noise at 0 to data at 1).
[Esser24] Stable Diffusion 3, arXiv:2403.03206, eq. 23: the timestep shift.
"""

from dataclasses import dataclass

from torch import Tensor

from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.schedules.base import Path, Schedule


@dataclass(frozen=True)
class RectifiedFlow(Schedule):
    r""":math:`\sigma = \frac{s\,t}{1+(s-1)t}`, :math:`\alpha = \frac{1-t}{1+(s-1)t}` [Esser24, eq. 23].

    The shift multiplies :math:`\kappa = \sigma/\alpha` by s: s = 1 is the plain path, SD3 uses 3.
    """

    shift: float = 1.0
    path: Path = "flow"

    def __post_init__(self) -> None:
        if not 0 < self.shift < float("inf"):
            raise ParameterError(sentence("0 < shift < inf", repr(self.shift), "1 is no shift, SD3 uses 3"))

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Both as quotients, so that alpha keeps its digits next to the noise end."""
        total = 1 + (self.shift - 1) * t
        return (1 - t) / total, self.shift * t / total
