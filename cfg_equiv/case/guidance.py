"""One guided prediction."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cfg_equiv.case.base import Case, Level, Lift
from cfg_equiv.guidance import CONVENTIONS


@dataclass(frozen=True, kw_only=True, repr=False)
class GuidanceCase(Case):
    """Classifier-free guidance of two predictions in row ``source`` for the latent ``z`` at ``(alpha, sigma)``."""

    level: Level

    @property
    def alpha(self) -> Tensor:
        """The signal scale, 0-dimensional."""
        return self.scalar(self.level[0])

    @property
    def sigma(self) -> Tensor:
        """The noise scale, 0-dimensional."""
        return self.scalar(self.level[1])

    @property
    def rational(self) -> bool:
        """Always: guidance adds and multiplies."""
        return True

    def evaluate(self, xp: Any, lift: Lift) -> Any:
        """The guided prediction."""
        return CONVENTIONS[self.convention](lift(self.cond), lift(self.uncond), lift(self.w))
