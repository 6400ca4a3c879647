r"""The line that data at one point leave every latent on: :math:`z = \alpha m + \sigma n`, with one noise for the run.

A deterministic sampler whose network knows the data to be :math:`m` stays on that line, whatever its order and however
long its steps: the data prediction is :math:`m` and the noise prediction :math:`n` at every level. So each latent says
at which level it really is. The noise is read off the first latent that the network is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.models import Gaussian
from cfg_equiv.rounding.rerun import Nudge, Spread
from cfg_equiv.testing.allowance import moved_by_ulps
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.subjects import Sampler

# Numbers of steps into which no table of usual length falls evenly: where strides are rounded, it shows there.
UNEVEN = (7, 11)


@dataclass(frozen=True)
class Line:
    """A run on data at one point: the latents and the end, the levels of the latents, the point and the noise."""

    states: Tensor
    levels: list[Point]
    data: Tensor
    noise: Tensor

    def at(self, level: Point) -> Tensor:
        """The latent at a level."""
        here: Tensor = level.alpha * self.data + level.sigma * self.noise
        return here

    def coordinates(self) -> tuple[Tensor, Tensor]:
        """``(alpha, sigma)`` of each state by least squares, and what of it is in neither data nor noise."""
        flat, m, n = self.states.flatten(1), self.data.expand_as(self.noise).flatten(), self.noise.flatten()
        # Sums, not a library's solver: that may round differently from one call to the next.
        mm, mn, nn = (m * m).sum(), (m * n).sum(), (n * n).sum()
        zm, zn = (flat * m).sum(1), (flat * n).sum(1)
        alpha, sigma = ((zm * nn - zn * mn) / (mm * nn - mn * mn), (zn * mm - zm * mn) / (mm * nn - mn * mn))
        return torch.stack([alpha, sigma], 1), flat - alpha[:, None] * m - sigma[:, None] * n

    def direction(self) -> int:
        """1 for a run from noise to data, -1 for one from data to noise; 0 where all calls are at one level."""
        first, last = self.levels[0], self.levels[-1]
        fall = last.alpha * first.sigma - first.alpha * last.sigma
        return int(fall.sign())


def data_point(case: RunCase) -> Tensor:
    """The point that a case's data are at, in float64."""
    model = case.pair.cond
    assert isinstance(model, Gaussian)  # the pair of point masses
    return float(Fraction(case.reach)) * model.mean


def follow(subject: Sampler, case: RunCase, z: Tensor, nudge: Nudge = lambda x: x) -> Line:
    """A run on data at one point."""
    states, levels = traced(subject, case, subject.spaces[0], z, nudge)
    states, data = states.double(), data_point(case)
    noise = (states[0] - levels[0].alpha * data) / levels[0].sigma
    return Line(states, levels, data, noise)


def calibrated(
    subject: Sampler, case: RunCase, read: Callable[[Line], Tensor], enough: Callable[[Spread], bool] | None = None
) -> Spread:
    """What is read off a run, and how far one ulp in its start and its network's outputs moves that."""

    def again(nudge: Nudge, z: Tensor) -> Tensor:
        return read(follow(subject, case, z, nudge))

    return moved_by_ulps(again, case, enough)


def place(states: Tensor, index: int) -> str:
    """A state by its number: the latent of a network call, or the end."""
    return "the final latent" if index == len(states) - 1 else f"the latent of network call {index + 1}"


def line_cases(subject: Sampler, **fixed: Any) -> SearchStrategy[RunCase]:
    """Unguided runs on data at one point, which a clip leaves alone; of few steps, or of a number in :data:`UNEVEN`."""
    inside = {} if subject.clip is None else {"reach": subject.clip / 4}
    given: dict[str, Any] = {"network": "point_mass", "weight": 1, **inside, **fixed}
    if "steps" in fixed:
        return run_cases(subject, **given)
    low, high = subject.steps
    steps = st.sampled_from((*range(low, high + 1), *UNEVEN))
    return steps.flatmap(lambda count: run_cases(subject, steps=count, **given))
