"""More mistakes in samplers: those that data of known trajectories, moments and orders show.

As in :mod:`.mistakes`, a class overrides the method that the mistake is in, and nothing else.
"""
# ruff: noqa: D102  (what a method is for is said where it is right)

from itertools import pairwise

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.faults.solvers import Ancestral, Elsewhere, Euler, Heun, Multistep, Network, ThreeSteps, Timed


class VarianceForScale(Euler):
    """The noise is put back with its variance in place of its scale: a root is missing."""

    def move(self, z: Tensor, eps: Tensor, s: Point, t: Point) -> Tensor:
        x0 = to_space(torch, z, eps, s, "eps", "x0")
        moved: Tensor = t.alpha * x0 + t.sigma * t.sigma * eps
        return moved


class LastStepForgotten(Euler):
    """The loop ends one step early."""

    def levels(self, steps: int) -> list[Timed]:
        return super().levels(steps + 1)[:-1]

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        for (time, s), (_, t) in pairwise(levels):
            z = self.move(z, self.eps(z, self.ask(model, z, time), space, s), s, t)
        self.ask(model, z, levels[-1][0])
        return z


class ConstantStride(Euler):
    """The next level is found by a constant stride in place of the next time of the list."""

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        for time, s in levels[:-1]:
            later = Point(*self.level(max(time - 1 / steps, 0.0)))
            z = self.move(z, self.eps(z, self.ask(model, z, time), space, s), s, later)
        return z


class HistoryTwice(Multistep):
    """The weight of the history is that of a full step, not of half of one: the second order is gone."""

    def extrapolated(self, pred: Tensor, h: Tensor, before: tuple[Tensor, Tensor] | None) -> Tensor:
        once = super().extrapolated(pred, h, before)
        return once + (once - pred)


class HalfOfSecondDifference(ThreeSteps):
    """The second difference has half the weight it needs: the third order is gone, as a first step of Euler's hides."""

    share = 0.5


class StageTooLight(Heun):
    """The second stage weighs a third, not a half: the second order is gone, while a constant prediction is kept."""

    def second(self, z: Tensor, pred: Tensor, space: str, s: Point, t: Point) -> Tensor:
        return (2 * super().second(z, pred, space, s, t) + self.first_stage) / 3

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        eps = super().eps(z, pred, space, at)
        self.first_stage, self.before = getattr(self, "before", eps), eps
        return eps


class OneStepWithoutHistory(Multistep):
    """The history is thrown away once in the middle of the run: the order survives that."""

    def __init__(self) -> None:
        self.taken = 0

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        self.taken = 0
        return super().run(model, z, steps, space)

    def extrapolated(self, pred: Tensor, h: Tensor, before: tuple[Tensor, Tensor] | None) -> Tensor:
        self.taken += 1
        return super().extrapolated(pred, h, None if self.taken == 2 else before)


class VarianceOfFresh(Ancestral):
    """The fresh noise is scaled with its variance."""

    def fresh(self, rho: Tensor) -> Tensor:
        return (1 - rho) * (1 + rho)


class LinearRemainder(Ancestral):
    """The fresh noise is what is missing to one, not its square."""

    def fresh(self, rho: Tensor) -> Tensor:
        return 1 - rho


class SameNoise(Ancestral):
    """The generator is seeded anew in every step."""

    def noise(self, z: Tensor) -> Tensor:
        return torch.randn(z.shape, dtype=z.dtype, generator=torch.Generator().manual_seed(0))


class SharedNoise(Ancestral):
    """One noise for the whole batch."""

    def noise(self, z: Tensor) -> Tensor:
        return torch.randn_like(z[:1]).expand_as(z)


class VarianceElsewhere(Elsewhere):
    """The fresh noise is scaled with its variance, and torch does not draw it."""

    def fresh(self, rho: Tensor) -> Tensor:
        return (1 - rho) * (1 + rho)


class SquaresInFormat(Euler):
    """The noise is brought to its own norm again, whose square half precision does not hold."""

    def eps(self, z: Tensor, pred: Tensor, space: str, at: Point) -> Tensor:
        eps = super().eps(z, pred, space, at)
        squares = (2.0**8 * eps).square().sum()
        return eps * (squares / squares.clamp(min=2.0**-8))
