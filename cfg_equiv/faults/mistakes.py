"""Each of the right samplers of :mod:`.solvers` with one mistake that released code has made.

A class overrides the method that the mistake is in, and nothing else.
"""
# ruff: noqa: D102  (what a method is for is said where it is right)

import random
from itertools import pairwise

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ancestral
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.faults.solvers import Ancestral, Clipped, Euler, FlowEuler, Heun, Multistep, Network, Timed


class RawData(Euler):
    """The output of an ``x0`` network is put where the noise belongs."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return pred if space == "x0" else super().eps(z, pred, space, at)


class RawV(Euler):
    """The output of a ``v`` network is taken for the noise."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return pred if space == "v" else super().eps(z, pred, space, at)


class SignOfV(Euler):
    """``x0 = alpha*z + sigma*v``."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return super().eps(z, -pred if space == "v" else pred, space, at)


class SignOfLatent(Euler):
    """``eps = alpha*v - sigma*z``."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return super().eps(-z if space == "v" else z, pred, space, at)


class ShortForm(FlowEuler):
    """``eps = alpha*v + sigma*z`` on a path where the squares do not add up to one."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return at.alpha * pred + at.sigma * z if space == "v" else super().eps(z, pred, space, at)


class StraightForm(Euler):
    """``x0 = z - sigma*u`` on a path that is not straight."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        if space == "flow":
            space, pred = "x0", z - at.sigma * pred
        return super().eps(z, pred, space, at)


class TimeFlipped(Euler):
    """The conversion of ``v`` reads the schedule in the other direction."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        return super().eps(z, pred, space, Point(at.sigma, at.alpha) if space == "v" else at)


class OneInSingle(Multistep):
    """One of the branches runs through single precision."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        result = super().eps(z, pred, space, at)
        return result.float().to(z.dtype) if space == "v" else result


class StaleNoise(Clipped):
    """After the clip one branch keeps the noise it had before."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        if space != "eps":
            return super().run(model, z, steps, space)
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        for (time, s), (_, t) in pairwise(levels):
            eps = self.ask(model, z, time)
            x0 = to_space(torch, z, eps, s, "eps", "x0").clamp(-self.radius, self.radius)
            z = t.alpha * x0 + t.sigma * eps
        return z


class CombinesRaw(Multistep):
    """Raw outputs of two levels are combined, and converted once with the level of one."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        before: tuple[Tensor, Tensor] | None = None
        for (time, s), (_, t) in pairwise(levels):
            raw = self.ask(model, z, time)
            h = t.sigma / t.alpha - s.sigma / s.alpha
            eps = self.eps(z, self.extrapolated(raw, h, before), space, s)
            z, before = self.move(z, eps, s, t), (raw, h)
        return z


class FirstStageLevel(Heun):
    """The second prediction is converted with the level of the first: for eps that cancels."""

    def second(self, z: Tensor, pred: Tensor, space: str, s: Point, t: Point) -> Tensor:
        return self.eps(z, pred, space, s)


class SecondStageAtTheEnd(Heun):
    """The last step has its second stage, where there is no noise to divide by."""

    def has_second_stage(self, t: Point) -> bool:
        return True


class TruncatedTime(Euler):
    """The network is shown a time that is rounded down; the solver uses the one that is not."""

    def ask(self, model: Network, z: Tensor, t: float) -> Tensor:
        return model(z, max(int(t * 10) / 10, 1 / 32))


class OneMoreStep(Euler):
    """Networks of ``v`` are taken through one more step."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        return super().run(model, z, steps + 1 if space == "v" else steps, space)


class NoiseAfterTheCall(Ancestral):
    """The latent is noised up after the network saw it; the prediction is converted at the higher level."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        churned = z + 0.5 * at.sigma * torch.randn_like(z)
        higher = Point(at.alpha, at.sigma * 1.25**0.5)
        return super().eps(churned, pred, space, higher)


class RepeatedFirst(Multistep):
    """The first time is listed twice: a step of no length, which the next one divides by."""

    def levels(self, steps: int) -> list[Timed]:
        levels = super().levels(steps)
        return [levels[0], *levels]


class Ramp(Euler):
    """A ramp over the steps divides by their number less one."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        ramp = torch.zeros((), dtype=z.dtype) / (steps - 1)
        return super().run(model, z, steps, space) * (1 + ramp)


class Subtracted(Euler):
    """Ancestral in single precision: the root of a difference that rounding makes negative."""

    def level(self, t: float) -> tuple[Tensor, Tensor]:
        low, high = 0.002 * 35 / 37, 80.0
        kappa = high * (low / high) ** ((self.first - t) / (self.first - 1 / 2)) if t > 0 else 0.0
        return torch.ones(()), torch.tensor(kappa, dtype=torch.float32)

    def levels(self, steps: int) -> list[Timed]:
        times = [self.first - (self.first - 1 / 2) * i / max(steps - 1, 1) for i in range(steps)]
        return [(t, Point(*self.level(t))) for t in (*times, 0.0)]

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        denoised = z - s.sigma * eps
        result: Tensor = euler_ancestral(torch, z, denoised, s, t, torch.randn_like(z), 1)
        return result


class WholeBatchThreshold(Euler):
    """The data are scaled down by the largest element of the whole batch."""

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        x0 = to_space(torch, z, eps, s, "eps", "x0")
        x0 = x0 / x0.abs().max().clamp(min=1)
        return super().move(z, to_space(torch, z, x0, s, "x0", "eps"), s, t)


class CentredBatch(Euler):
    """The mean over the batch is taken out of the noise."""

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        return super().move(z, eps - eps.mean(0), s, t)


class Interleaved(Euler):
    """The doubled batch is laid out one way and read the other."""

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        return super().move(z, torch.cat([eps, eps])[::2], s, t)


class KeptHistory(Multistep):
    """The history of the last run is used in the first step of the next."""

    def __init__(self) -> None:
        self.kept: tuple[Tensor, Tensor] | None = None

    def extrapolated(self, pred: Tensor, h: Tensor, before: tuple[Tensor, Tensor] | None) -> Tensor:
        usable = self.kept is not None and self.kept[0].shape == pred.shape
        result = super().extrapolated(pred, h, self.kept if usable else None)
        self.kept = pred, h
        return result


class WritesLatent(Euler):
    """The start noise is scaled in place."""

    def start(self, z: Tensor, at: Point) -> Tensor:
        return z.mul_(at.sigma)


class WritesPrediction(Euler):
    """The prediction is changed after use."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        eps = super().eps(z, pred, space, at).clone()
        pred.mul_(0.5)
        return eps


class OwnNoise(Ancestral):
    """Noise comes from a generator of its own that nobody seeds again."""

    def __init__(self) -> None:
        self.generator = random.Random(0)

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        torch.manual_seed(self.generator.getrandbits(32))
        return super().move(z, eps, s, t)
