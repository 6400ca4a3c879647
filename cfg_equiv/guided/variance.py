r"""The variance at the end of guided runs on two centred Gaussians: the numbers of theorems Q4 and S10, measured.

The conditional data are :math:`N(0, a)`, the unconditional :math:`N(0, b)`, the networks exact, the sampler Euler
ancestral on the VE path with ``eta`` of churn: 0 is the probability-flow ODE, 1 the reverse SDE. Without guidance all
of them end at ``a``. With ``w = 3``, ``a = 1/4`` and ``b = 1`` the ODE ends at .0156 and the SDE at .0666, while the
density that guidance is said to sample has .1.

Two errors are kept apart. That of finitely many steps is exact: a run is linear in its noises, so unit noises through
the shipped step give its variance. That of finitely many samples is a chi-squared test.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from cfg_equiv.algebra.gaussian_sde import step_variance
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guided_gaussian import guided_ode_variance, guided_sde_variance_w3
from cfg_equiv.algebra.points import Point
from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.guided.record import VarianceRun
from cfg_equiv.models import Gaussian
from cfg_equiv.sampling import step
from cfg_equiv.schedules.spacings import exponential, levels

COND, UNCOND = Fraction(1, 4), Fraction(1)
LOW, HIGH = 0.002, 80.0  # the last and the first noise level


def closed_form(w: int, eta: float) -> float | None:
    """The variance in the limit of small steps; known for the ODE, for the SDE at w = 3, and without guidance."""
    if w in (0, 1):
        return float(COND if w else UNCOND)
    if eta == 0:
        return float(guided_ode_variance(COND, UNCOND, w))
    return float(guided_sde_variance_w3(COND, UNCOND)) if eta == 1 and w == 3 else None


def variance_runs(
    weights: Sequence[int] = (1, 3),
    etas: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    *,
    steps: Sequence[int] = (50, 100, 200),
    samples: int = 4000,
    seed: int = 0,
) -> tuple[VarianceRun, ...]:
    """Euler ancestral for every weight and churn; without guidance (w = 1) the limits are flat in ``eta``.

    Parameters
    ----------
    weights
        Integer weights, off at 1. At the first level the variance is that of the guided ODE.
    etas
        The churn, in [0, 1].
    steps
        Numbers of steps, growing; samples are drawn through the last.
    samples
        How many, for each weight and churn, from the same noise.

    Raises
    ------
    ParameterError
        If a weight is no integer, a list is empty, or the counts are too small. An eta outside [0, 1] is the sampler's
        error.
    """
    for w in weights:
        if not isinstance(w, int):
            raise ParameterError(sentence("integer weights", repr(w), "the closed forms are powers"))
    if not weights or not etas or not steps or min(steps) < 2 or samples < 2:
        came = f"{len(weights)} weights, {len(etas)} etas, steps {tuple(steps)!r} and {samples!r} samples"
        raise ParameterError(sentence("a weight, an eta, two steps and two samples at least", came, "give more"))
    runs = [(w, float(eta)) for w in weights for eta in etas]
    grids = [levels(exponential(n - 1, LOW, HIGH)) for n in steps]
    start = [float(guided_ode_variance(COND, UNCOND, w, Fraction(HIGH) ** 2)) for w, _ in runs]
    propagated = [_propagate(points, runs, start) for points in grids]
    measured = _measure(grids[-1], runs, start, samples, seed)
    records = []
    for (w, eta), v, *variances in zip(runs, measured, *propagated, strict=True):
        p_value = two_sided_chi_squared(samples * v / variances[-1], samples)
        records.append(VarianceRun(w, eta, tuple(steps), tuple(variances), closed_form(w, eta), samples, v, p_value))
    return tuple(records)


def two_sided_chi_squared(value: float, degrees: int) -> float:
    """Twice the smaller tail of the chi-squared distribution, by the regularised incomplete gamma functions."""
    a, x = torch.tensor([degrees / 2, value / 2], dtype=torch.float64)
    return min(1.0, 2 * float(torch.minimum(torch.special.gammainc(a, x), torch.special.gammaincc(a, x))))


Runs = Sequence[tuple[int, float]]


def _step(x: Tensor, s: Point, t: Point, runs: Runs, noise: Tensor) -> Tensor:
    """One guided step of latents ``(runs, items, 1)``, every run at its own weight and churn."""
    w, eta = torch.tensor(runs, dtype=torch.float64).T.reshape(2, -1, 1, 1)
    zero = torch.zeros(1, dtype=torch.float64)
    cond, uncond = (Gaussian(zero, zero + float(var)).predict(x, s, "x0") for var in (COND, UNCOND))
    guided = cfg(cond, uncond, w)
    return step("euler_ancestral", x, guided, source="x0", s=s, t=t, noise=noise, eta=eta)


def _propagate(points: Sequence[Point], runs: Runs, variances: Sequence[float]) -> list[float]:
    """The variances after all steps: what a step makes of a unit latent, and of a unit noise."""
    variance = torch.tensor(variances, dtype=torch.float64)
    latent = torch.tensor([[1.0], [0.0]], dtype=torch.float64).expand(len(runs), 2, 1)
    for s, t in pairwise(points):
        of_x, of_noise = _step(latent, s, t, runs, latent.flip(1)).unbind(1)
        variance = step_variance(of_x.squeeze(-1), of_noise.squeeze(-1), variance)
    return variance.tolist()


def _measure(points: Sequence[Point], runs: Runs, variances: Sequence[float], samples: int, seed: int) -> list[float]:
    """The variances of samples drawn through all steps, about their known mean 0."""
    generator = torch.Generator().manual_seed(seed)

    def drawn() -> Tensor:
        noise = torch.randn(samples, 1, generator=generator, dtype=torch.float64)
        return noise.expand(len(runs), samples, 1)

    x = torch.tensor(variances, dtype=torch.float64).sqrt().reshape(-1, 1, 1) * drawn()
    for s, t in pairwise(points):
        x = _step(x, s, t, runs, drawn())
    return (x * x).mean((1, 2)).tolist()
