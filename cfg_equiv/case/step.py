r"""One guided step of a sampler, or a few in a row.

The value of a step at an end of the path is that of the native form where it divides by no zero; else, for a
deterministic sampler, its limit: all of them are one map, the conversion to the row :math:`(\alpha_t, \sigma_t)`
(theorems S1, S2, S7).
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Point, Row, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from
from cfg_equiv.case.base import Case, Level, Lift
from cfg_equiv.case.plain import Number, Pattern
from cfg_equiv.errors import MismatchError, SingularEndError, sentence, unknown_name
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.guidance import CONVENTIONS


@dataclass(frozen=True, kw_only=True, repr=False)
class StepCase(Case):
    """Steps of ``sampler`` through ``levels``, noise first, from predictions of parameterization ``source``.

    The network answers afresh at every call: :meth:`predict` rotates the two patterns.
    """

    sampler: str
    levels: tuple[Level, ...]
    fresh_noise: Pattern = ()
    eta: Number = 1.0

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise unknown_name("sampler", self.sampler, SAMPLERS)
        if len(self.levels) < 2:
            came = f"{len(self.levels)} level(s)"
            raise MismatchError(sentence("two levels or more", came, "a step goes from one level to the next"))
        super().__post_init__()

    def _patterns(self) -> tuple[str, ...]:
        return (
            (*super()._patterns(), "fresh_noise") if "noise" in SAMPLERS[self.sampler].extras else super()._patterns()
        )

    @property
    def alpha(self) -> Tensor:
        """The signal scales of all levels, one-dimensional."""
        return torch.stack([self.scalar(alpha) for alpha, _ in self.levels])

    @property
    def sigma(self) -> Tensor:
        """The noise scales of all levels, one-dimensional."""
        return torch.stack([self.scalar(sigma) for _, sigma in self.levels])

    @property
    def points(self) -> list[Point]:
        """The levels as points of 0-dimensional tensors; lam is infinite at the ends."""
        return [point(torch, alpha, sigma) for alpha, sigma in zip(self.alpha, self.sigma, strict=True)]

    @property
    def s(self) -> Point:
        """The point the first step starts from."""
        return self.points[0]

    @property
    def t(self) -> Point:
        """The point the last step ends at."""
        return self.points[-1]

    @property
    def extras(self) -> dict[str, Tensor]:
        """What the sampler takes beside the prediction: ``noise``, ``eta``, both or nothing."""
        takes, values = SAMPLERS[self.sampler].extras, {}
        if "noise" in takes:
            values["noise"] = self.tensor(self.fresh_noise)
        if "eta" in takes:
            values["eta"] = self.scalar(self.eta)
        return values

    def predict(self, call: int) -> tuple[Tensor, Tensor]:
        """The conditional and unconditional prediction of a network call."""
        cond, uncond = (_rotated(pattern, call) for pattern in (self.conditional, self.unconditional))
        return self.tensor(cond), self.tensor(uncond)

    @property
    def rational(self) -> bool:
        """Whether no formula in play takes a root or a power ``eta``."""
        return not SAMPLERS[self.sampler].stochastic and "sigma_data" not in PARAMETERIZATIONS[self.source].needs

    def evaluate(self, xp: Any, lift: Lift) -> Any:
        """The latent after the last step."""
        rule, w, z = CONVENTIONS[self.convention], lift(self.w), lift(self.z)
        given = {name: lift(x) for name, x in (self.extras | self.parameters).items()}
        levels = [_point(xp, lift, *level) for level in zip(self.alpha, self.sigma, strict=True)]
        for call, (s, t) in enumerate(pairwise(levels)):
            cond, uncond = (lift(x) for x in self.predict(call))
            guided = rule(cond, uncond, w)
            z = self._step(xp, z, guided, s, t, given)
        return z

    def _step(self, xp: Any, z: Any, pred: Any, s: Point, t: Point, given: dict[str, Any]) -> Any:
        ends = isinstance(s.lam, _Infinite), isinstance(t.lam, _Infinite)
        way = route(self.sampler, self.source, *ends) if any(ends) else "native"
        if way == "none":
            raise SingularEndError(
                sentence(
                    f"levels at which a step of {self.sampler!r} from {self.source!r} has a value",
                    f"the levels {self.levels}",
                    "use another parameterization, or keep away from that end",
                )
            )
        return _taken(xp, way, self.sampler, self.source, z, pred, s, t, given)


def _rotated(pattern: Pattern, by: int) -> Pattern:
    by %= len(pattern)
    return pattern[by:] + pattern[:by]


class _Infinite:
    """The half-log-SNR of an end: a formula that takes a difference of logarithms has no value there."""

    @property
    def ratio(self) -> Any:
        """What :class:`~cfg_equiv.exact.ratio_log.RatioLog` divides by."""
        raise ZeroDivisionError("lam is infinite at an end of the path")

    def __sub__(self, other: Any) -> Any:
        return self.ratio

    def __neg__(self) -> Any:
        return self.ratio


def _point(xp: Any, lift: Lift, alpha: Tensor, sigma: Tensor) -> Point:
    lifted = lift(alpha), lift(sigma)
    return Point(*lifted, _Infinite()) if alpha == 0 or sigma == 0 else point(xp, *lifted)


def _taken(
    xp: Any, way: str, sampler: str, source: str, z: Any, pred: Any, s: Point, t: Point, given: dict[str, Any]
) -> Any:
    if way == "limit":
        return convert(z, pred, s, PARAMETERIZATIONS[source].at(xp, s, **given), Row(t.alpha, t.sigma))
    if source == SAMPLERS[sampler].space:
        return SAMPLERS[sampler].step(xp, z, pred, s, t, **given)
    return step_from(xp, SAMPLERS[sampler], source, z, pred, s, t, **given)


_REGULAR = Fraction(3, 5), Fraction(4, 5)  # noise first, data first: a point on VP, at which any form has a value


@cache
def route(sampler: str, source: str, noise_end: bool, data_end: bool) -> str:
    """How a step has a value that starts at pure noise or ends at clean data, or neither.

    ``"native"`` where the native form divides by no zero, ``"limit"`` where only the limit exists, ``"none"`` where
    neither does: the prediction says no more than ``z`` there, or the limit is not known.
    """
    low, high = _REGULAR
    zero, one = Fraction(0), Fraction(1)
    s = Point(zero, one, _Infinite()) if noise_end else point(RATIONAL, low, high)
    t = Point(one, zero, _Infinite()) if data_end else point(RATIONAL, high, low)
    given = {"noise": one, "eta": Fraction(1, 2), "sigma_data": one, "dalpha": -one, "dsigma": one}
    for way in ("native",) if SAMPLERS[sampler].stochastic else ("native", "limit"):
        try:
            _taken(RATIONAL, way, sampler, source, one, one, s, t, given)
        except ZeroDivisionError:
            continue
        return way
    return "none"
