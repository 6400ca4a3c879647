r"""Samplers of the SDE that remember, right ones and those with a mistake in one weight.

Each moves :math:`z' = \alpha_t\,(q^2 z/\alpha_s + \bar D) + \sigma_t\sqrt{1-q^2}\,n` with
:math:`q = e^{-h} = \kappa_t/\kappa_s`, and differs in :math:`\bar D`, what it makes of the data predictions. On data at
one point these are all the same, and the mean and the variance say nothing of the weights of their differences.
"""
# ruff: noqa: D102  (what a method is for is said where it is right)

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.faults.record import Fault, Good
from cfg_equiv.faults.solvers import Ancestral, Euler, Network
from cfg_equiv.testing.network import PARAMETERS
from cfg_equiv.testing.subjects import Sampler, Twin


class StochasticMultistep(Euler):
    """SDE-DPM-Solver++ of order 2."""

    order = 2
    twin = "sde_dpmpp_2m"

    def run(self, model: Network, z: Tensor, steps: int, space: str) -> Tensor:
        """From unit noise to the last latent."""
        levels = self.levels(steps)
        z = self.start(z, levels[0][1])
        past: list[tuple[Tensor, Tensor]] = []
        for (time, s), (_, t) in pairwise(levels):
            x0 = to_space(torch, z, self.ask(model, z, time), s, space, "x0", **PARAMETERS)
            past = [(x0, (s.alpha / s.sigma).log()), *past]
            q = t.sigma * s.alpha / (t.alpha * s.sigma)
            mean = (1 - q * q) * x0 if float(t.sigma) == 0 else self.mean(past, -q.log(), q)
            z = t.alpha * (q * q * z / s.alpha + mean) + self.scale(t) * (1 - q * q).sqrt() * torch.randn_like(z)
        return z

    def mean(self, past: list[tuple[Tensor, Tensor]], h: Tensor, q: Tensor) -> Tensor:
        """The part of the data predictions, the newest first, each with its half-log-SNR."""
        (x0, lam), *older = past
        if not older:
            return (1 - q * q) * x0
        slope = h / (lam - older[0][1]) * (x0 - older[0][0])
        return (1 - q * q) * x0 + self.weight(q) * slope

    def weight(self, q: Tensor) -> Tensor:
        """Of the difference of two predictions."""
        return (1 - q * q) / 2

    def scale(self, t: Point) -> Tensor:
        """Of the noise that is added."""
        sigma: Tensor = t.sigma
        return sigma


class StochasticThird(StochasticMultistep):
    """SDE-DPM-Solver++ of order 3."""

    order = 3
    twin = "sde_dpmpp_3m"

    def mean(self, past: list[tuple[Tensor, Tensor]], h: Tensor, q: Tensor) -> Tensor:
        if len(past) < 3:
            return super().mean(past, h, q)
        (x0, lam), (x1, lam1), (x2, lam2) = past[:3]
        near, far = h / (lam - lam1) * (x0 - x1), h / (lam1 - lam2) * (x1 - x2)
        bend = h / (lam - lam2) * (near - far)
        first = 1 - (1 - q * q) / (2 * h)
        return (1 - q * q) * x0 + first * (near + (lam - lam1) / h * bend) + self.second(h, q) * bend

    def second(self, h: Tensor, q: Tensor) -> Tensor:
        """Of the second difference."""
        return (1 - q * q - 2 * h) / (2 * h) ** 2 + 0.5


class SignOfHalf(StochasticThird):
    """The half is subtracted: the weight of the second difference tends to -1, where it should vanish."""

    def second(self, h: Tensor, q: Tensor) -> Tensor:
        return super().second(h, q) - 1


class WeightOfTheODE(StochasticMultistep):
    """The weight of the difference is that of the step without noise."""

    def weight(self, q: Tensor) -> Tensor:
        return (1 - q) / 2


class NoiseOfTheRatio(StochasticMultistep):
    """The noise is scaled as in the state z/alpha, though the state is z."""

    def scale(self, t: Point) -> Tensor:
        ratio: Tensor = t.sigma / t.alpha
        return ratio


class TwinOfAncestral(Ancestral):
    """The ancestral sampler, with its twin declared."""

    twin = "euler_ancestral"


class RootForgotten(TwinOfAncestral):
    """What is added has the variance as its scale."""

    def fresh(self, rho: Tensor) -> Tensor:
        return (1 - rho) * (1 + rho)


def _subject(kind: Callable[[], Any]) -> Sampler:
    solver = kind()
    return Sampler(
        solver.run,
        solver.level,
        ("x0", "eps", "v"),
        state="vp",
        order=solver.order,
        stochastic=True,
        twin=Twin(solver.twin),
        steps=(1, 5),
        name=type(solver).__name__,
    )


def _good(kind: type[Euler]) -> Good:
    return Good(f"sampler.{kind.__name__}", partial(_subject, kind))


def _bad(kind: type[Euler], fails: tuple[str, ...], source: str) -> Fault:
    return Fault(f"sampler.{kind.__name__}", partial(_subject, kind), fails, source)


GOOD = (_good(StochasticMultistep), _good(StochasticThird), _good(TwinOfAncestral))
FAULTS = (
    _bad(SignOfHalf, ("twin",), "diffusers DPMSolverMultistepScheduler, sde-dpmsolver++ of order 3"),
    _bad(WeightOfTheODE, ("twin",), "a history weighed as without noise"),
    _bad(NoiseOfTheRatio, ("twin", "mom"), "a noise scaled for another state"),
    _bad(RootForgotten, ("twin", "mom"), "lucidrains/denoising-diffusion-pytorch 8408775"),
)
