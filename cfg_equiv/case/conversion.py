"""One conversion of a prediction."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.case.base import Lift
from cfg_equiv.case.guidance import GuidanceCase
from cfg_equiv.case.plain import Number, Pattern
from cfg_equiv.errors import unknown_name


@dataclass(frozen=True, kw_only=True, repr=False)
class ConversionCase(GuidanceCase):
    """The prediction ``conditional`` of row ``source`` for the latent ``z`` at ``(alpha, sigma)``, in row ``target``.

    Guidance takes no part in it: the weight and the other branch keep their defaults.
    """

    target: str
    weight: Number = 1
    unconditional: Pattern = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target not in PARAMETERIZATIONS:
            raise unknown_name("parameterization", self.target, PARAMETERIZATIONS)

    @property
    def pred(self) -> Tensor:
        """The prediction to convert."""
        return self.cond

    @property
    def parameters(self) -> dict[str, Tensor]:
        """What the two rows need beside the point."""
        needs = {name for row in (self.source, self.target) for name in PARAMETERIZATIONS[row].needs}
        return {name: self.scalar(getattr(self, name)) for name in sorted(needs)}

    @property
    def rational(self) -> bool:
        """Whether neither row takes a root."""
        return "sigma_data" not in self.parameters

    def evaluate(self, xp: Any, lift: Lift) -> Any:
        """The converted prediction."""
        at = Point(lift(self.alpha), lift(self.sigma))
        values = {name: lift(x) for name, x in self.parameters.items()}
        return to_space(xp, lift(self.z), lift(self.pred), at, self.source, self.target, **values)
