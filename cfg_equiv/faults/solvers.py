r"""Small right samplers that take any parameterization: what the known-bad ones change one method of.

All move along the straight lines of :math:`z/\alpha` in :math:`\kappa = \sigma/\alpha`, where DDIM is Euler's method,
and differ in the noise prediction they move along.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.ddim import ddim_eps
from cfg_equiv.algebra.samplers.renoise import family_step
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.schedules import RectifiedFlow, VPCosine
from cfg_equiv.schedules.base import Schedule
from cfg_equiv.testing.network import PARAMETERS

Timed = tuple[float, Point]
Network = Callable[[Tensor, Any], Tensor]


class Euler:
    """First order: DDIM."""

    schedule: Schedule = VPCosine()
    first = 31 / 32  # the noise end itself is not reached: eps says nothing of the data there
    order = 1

    def level(self, t: float) -> tuple[Tensor, Tensor]:
        """``(alpha, sigma)`` of the latent that is shown with ``t``."""
        at = self.schedule(t)
        return at.alpha, at.sigma

    def levels(self, steps: int) -> list[Timed]:
        """The times from noise to data with their points."""
        times = [self.first * (1 - i / steps) for i in range(steps + 1)]
        return [(t, Point(*self.level(t))) for t in times]

    def start(self, z: Tensor, at: Point) -> Tensor:
        """The first latent."""
        scaled: Tensor = at.sigma * z
        return scaled

    def ask(self, model: Network, z: Tensor, t: float) -> Tensor:
        """The network's prediction."""
        return model(z, t)

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        """The noise of a prediction."""
        result: Tensor = to_space(torch, z, pred, at, space, "eps", **PARAMETERS)
        return result

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        """The latent at ``t``, along ``eps``."""
        result: Tensor = ddim_eps(torch, z, eps, s, t)
        return result

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        for (time, s), (_, t) in pairwise(levels):
            z = self.move(z, self.eps(z, self.ask(model, z, time), space, s), s, t)
        return z


class FlowEuler(Euler):
    """First order on the straight path."""

    schedule = RectifiedFlow()


class Clipped(Euler):
    """The data are clipped, and the noise is what the latent then holds beside them."""

    radius = 1.0

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        """The noise that goes with the clipped data."""
        x0 = to_space(torch, z, pred, at, space, "x0", **PARAMETERS).clamp(-self.radius, self.radius)
        result: Tensor = to_space(torch, z, x0, at, "x0", "eps")
        return result


class Multistep(Euler):
    """Adams-Bashforth of two steps, of any two lengths: each prediction is converted where it was made."""

    order = 2

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        before: tuple[Tensor, Tensor] | None = None
        for (time, s), (_, t) in pairwise(levels):
            eps = self.eps(z, self.ask(model, z, time), space, s)
            h = t.sigma / t.alpha - s.sigma / s.alpha
            z, before = self.move(z, self.extrapolated(eps, h, before), s, t), (eps, h)
        return z

    def extrapolated(self, pred: Tensor, h: Tensor, before: tuple[Tensor, Tensor] | None) -> Tensor:
        """The prediction in the middle of the step, from this one and the one before."""
        if before is None:
            return pred
        ratio = h / before[1] / 2
        return (1 + ratio) * pred - ratio * before[0]


class ThreeSteps(Euler):
    """Adams-Bashforth of three steps, of any lengths: the parabola through three noise predictions, integrated."""

    order = 3
    share = 1.0  # of the second difference

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        past: list[tuple[Tensor, Tensor]] = []  # predictions with the steps that followed them, the latest first
        for (time, s), (_, t) in pairwise(levels):
            eps = self.eps(z, self.ask(model, z, time), space, s)
            past = [(eps, t.sigma / t.alpha - s.sigma / s.alpha), *past][:3]
            z = self.move(z, self.mean(past), s, t)
        return z

    def mean(self, past: list[tuple[Tensor, Tensor]]) -> Tensor:
        """The mean over the step of the polynomial through the predictions there are, in Newton's form."""
        eps, h = past[0]
        if len(past) == 1:
            return eps
        slope = (eps - past[1][0]) / past[1][1]
        if len(past) == 2:
            return eps + h / 2 * slope
        before = (past[1][0] - past[2][0]) / past[2][1]
        bend = (slope - before) / (past[1][1] + past[2][1])
        return eps + h / 2 * slope + self.share * (h * h / 3 + h * past[1][1] / 2) * bend


class Heun(Euler):
    """Two stages a step: the second where the first arrives; the last step has one, as there is no noise there."""

    order = 2

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        for (time, s), (later, t) in pairwise(levels):
            eps = self.eps(z, self.ask(model, z, time), space, s)
            if self.has_second_stage(t):
                ahead = self.move(z, eps, s, t)
                eps = (eps + self.second(ahead, self.ask(model, ahead, later), space, s, t)) / 2
            z = self.move(z, eps, s, t)
        return z

    def has_second_stage(self, t: Point) -> bool:
        """Whether the step to ``t`` has one."""
        return bool(t.sigma > 0)

    def second(self, z: Tensor, pred: Tensor, space: str, s: Point, t: Point) -> Tensor:
        """The noise of the second prediction, made at ``t``."""
        return self.eps(z, pred, space, t)


class Ancestral(Euler):
    """Part of the noise is drawn afresh in each step, as much as keeps the marginal of a point mass."""

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        """Down along ``eps``, and up by fresh noise."""
        x0 = to_space(torch, z, eps, s, "eps", "x0")
        rho = t.sigma * s.alpha / (t.alpha * s.sigma)
        result: Tensor = family_step(x0, eps, t, self.noise(z), rho, self.fresh(rho))
        return result

    def noise(self, z: Tensor) -> Tensor:
        """What is drawn."""
        return torch.randn_like(z)

    def fresh(self, rho: Tensor) -> Tensor:
        """How much of it is taken, of which ``rho`` is kept of the noise that was there."""
        return ((1 - rho) * (1 + rho)).sqrt()


class Elsewhere(Ancestral):
    """Ancestral with noise that torch does not draw; seeded from its generator all the same."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        self.generator = np.random.default_rng(torch.initial_seed() % 2**32)
        return super().run(model, z, steps, space)

    def noise(self, z: Tensor) -> Tensor:
        """What is drawn."""
        return torch.from_numpy(self.generator.standard_normal(tuple(z.shape))).to(z)
