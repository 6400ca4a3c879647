"""What guidance did to samples, as plain data: curves against the weight, and variances against their closed forms."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SIGNIFICANCE = 1e-6  # level of the test of a measured variance: how often a right one is called wrong


@dataclass(frozen=True)
class GuidedCurve:
    """A rule applied in one space, against its weight.

    Attributes
    ----------
    mean
        How far the samples' mean has moved: 0 at the mean of all data, 1 at that of the class; beyond 1 it overshoots.
    spread
        Root mean square distance of the samples from their mean, in units of the class's.
    probability
        Mean probability of the class given the sample.
    """

    space: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class RuleSamples:
    """One rule, applied in several spaces to the same networks from the same noise.

    ``apart`` is how far the samples lie apart, by weight: the largest root mean square distance between two spaces, in
    units of the class's spread. A rule that commutes has rounding there, and nothing else. ``undefined`` has the
    weights at which it left the finite numbers, which are not among ``weights``.
    """

    rule: str
    weights: tuple[float, ...]
    curves: tuple[GuidedCurve, ...]
    apart: tuple[float, ...]
    undefined: tuple[float, ...] = ()


@dataclass(frozen=True)
class GuidedSamples:
    """All rules that ran, and why others did not."""

    rules: tuple[RuleSamples, ...]
    skipped: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON's types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "GuidedSamples":
        """The record that :meth:`to_dict` gave, JSON's lists included."""
        rules = []
        for rule in data["rules"]:
            curves = tuple(GuidedCurve(**{k: _tuple(v) for k, v in curve.items()}) for curve in rule["curves"])
            rules.append(RuleSamples(**{k: _tuple(v) for k, v in rule.items()} | {"curves": curves}))
        return cls(tuple(rules), dict(data["skipped"]))


def _tuple(value: Any) -> Any:
    return value if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class VarianceRun:
    r"""The variance at the end of a guided run on two centred Gaussians.

    Attributes
    ----------
    weight, eta
        The guidance weight (off at 1), and the churn of Euler ancestral: 0 is the ODE, 1 the SDE.
    steps, propagated
        Numbers of steps, and the exact variance after so many: unit noises through the shipped step, no sampling.
    closed_form
        The limit of infinitely many steps; ``None`` where there is no closed form.
    samples, measured
        How many samples were drawn through the longest run, and their variance about the known mean 0.
    p_value
        Of ``measured`` against the last of ``propagated``: ``samples*measured/propagated`` is chi-squared with
        ``samples`` degrees of freedom. Two-sided.
    """

    weight: float
    eta: float
    steps: tuple[int, ...]
    propagated: tuple[float, ...]
    closed_form: float | None
    samples: int
    measured: float
    p_value: float

    @property
    def consistent(self) -> bool:
        """Whether the samples have the variance of their steps, at level :data:`SIGNIFICANCE`."""
        return self.p_value > SIGNIFICANCE

    @property
    def errors(self) -> tuple[float, ...]:
        """Distance of the propagated variances from the closed form."""
        if self.closed_form is None:
            return ()
        return tuple(abs(v - self.closed_form) for v in self.propagated)
