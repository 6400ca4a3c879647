r"""ORD: a deterministic sampler converges to the exact flow at the order it claims.

The data are a mixture of scalars, of which each element of the latent is one: in one dimension the flow keeps
quantiles, so the exact latent at every level is known (:func:`cfg_equiv.quantile_flow.quantiles`), though the network
is not linear. The first latent that the network is shown is an exact start; every later one is compared with the exact
latent at its own level, so that nothing is interpolated.

What counts is the error of :math:`z/\alpha` where :math:`\kappa = \sigma/\alpha` is between half and twice the data's
deviation (:func:`cfg_equiv.testing.nearest.about`). Later than that every sampler ends on the same denoised latent, and
slopes say little; earlier the network's answer barely changes. A latent that is shown may be an inner stage, whose own
error is of lower order by design, or be lucky: so of :data:`~cfg_equiv.testing.nearest.STAGES` calls in a row the
smallest error counts, one of them being that of a step; and of all such rows in the stretch the largest.

Steps are doubled from 40 to 320 while rounding lets the error be seen, and halved down to 10 where that leaves fewer
than three runs. An error below what rounding adds up to gives no slope; nor does, before a verdict, one below what one
ulp explains at the fewest steps whose slope counts (:mod:`cfg_equiv.rounding.rerun`): a data prediction made of the
noise at :math:`\alpha = 10^{-6}` has lost six digits. The verdict is that of
:class:`cfg_equiv.convergence.Convergence`: it fails only if the last two slopes agree and both lie below the claim by
more than a half; and not where they rise so fast that as much again meets the claim, as on levels bunched by a shift or
moved to whole timesteps.

What it cannot show: a fault whose error is smaller than that of the whole run at 320 steps, or one that the run
forgets before the data's scale. The twin compares call by call.
"""

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import HALF, MODEL, STEPS, Convergence
from cfg_equiv.quantile_flow import deviation, quantiles
from cfg_equiv.rounding.rerun import Nudge, calibrated_spread
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.nearest import about
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler

FEWER = (20, 10)  # where rounding hides the errors of more steps
RUNS = 3  # two slopes
REACH = 1 / 2  # the deviation of the data is about this; a quarter of it is what the narrowest component has
LATENTS = ((1, -0.5, 0.25, -1.25, 0.75, 1.5), (0.5, -1, 2, -0.25, -1.75, 1))


def converges(subject: Sampler, case: RunCase) -> str | None:
    """Measure the errors at several numbers of steps."""
    runs = _runs(subject, case)
    if not runs:
        return "the run has no finite latent at the scale of the data"
    steps, errors, rounding, calls = zip(*runs, strict=True)
    found = Convergence(str(subject), "own", subject.state, steps, calls, errors, rounding)
    if found.below(subject.order):  # before it is called so: what one ulp explains, which costs many more runs
        seen = [n for n, error, known, _ in runs if error > known]
        explained = _explained(subject, replace(case, steps=seen[-RUNS]))
        found = replace(found, rounding=tuple(max(known, explained) for known in rounding))
    still_rising = found.below(subject.order) and 2 * found.slopes[-1] - found.slopes[-2] >= subject.order - HALF
    if found.below(subject.order) and not still_rising:
        listed = ", ".join(f"{error:.3g}" for error in errors)
        raise CheckFailure(
            f"order {subject.order} is claimed, {found.slopes[-2]:.2f} and {found.slopes[-1]:.2f} are the last slopes: "
            f"errors {listed} at {', '.join(map(str, steps))} steps"
        )
    if still_rising:
        return "the slopes still rise, and with as much again the claim is met"
    return None if found.agree else "the last slopes do not agree, or rounding hides them"


def _runs(subject: Sampler, case: RunCase) -> list[tuple[int, float, float, int]]:
    """Steps, errors, what rounding adds up to, and calls, by rising numbers of steps; empty if a run has no error."""
    runs: list[tuple[int, float, float, int]] = []
    for steps in STEPS:
        found = _run(subject, replace(case, steps=steps))
        if found is None:
            return []
        runs.append((steps, *found))
        if found[0] <= found[1]:
            break
    for steps in FEWER:
        if sum(error > rounding for _, error, rounding, _ in runs) >= RUNS:
            break
        found = _run(subject, replace(case, steps=steps))
        if found is None:
            break
        runs.insert(0, (steps, *found))
    return runs


def _run(subject: Sampler, case: RunCase) -> tuple[float, float, int] | None:
    """The error of z/alpha about the data's deviation, the rounding that adds up to it, and the calls."""
    reach = float(Fraction(case.reach))
    states, levels = traced(subject, case, subject.spaces[0], case.z)

    @cache
    def error(k: int) -> float:
        exact = exact_latent(states[0].double(), levels[0], levels[k], reach)
        off = math.inf if exact is None else _rms(states[k].double() - exact) / float(levels[k].alpha)
        return math.inf if math.isnan(off) else off

    rows = about(levels, reach * deviation(MODEL))
    worst = max((min(error(k) for k in row) for row in rows), default=math.inf)
    if worst == math.inf:
        return None
    size = max(_rms(states[k].double()) / float(levels[k].alpha) for k in rows[-1])
    return worst, len(levels) * torch.finfo(states.dtype).eps * size, len(levels)


def _explained(subject: Sampler, case: RunCase) -> float:
    """By how much one ulp may move z/alpha where the error is looked at, whatever amplifies it."""

    def again(nudge: Nudge, z: Tensor) -> Tensor:
        states, levels = traced(subject, case, subject.spaces[0], z, nudge)
        calls = sorted({k for row in about(levels, float(Fraction(case.reach)) * deviation(MODEL)) for k in row})
        return torch.stack([states[k].double() / levels[k].alpha for k in calls])

    found = calibrated_spread(again, [case.z], seed=case.seed)
    return max(_rms(each) for each in found.bound)


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def exact_latent(z: Tensor, s: Point, t: Point, reach: float) -> Tensor | None:
    """The exact flow of ``z`` from ``s`` to ``t``; ``None`` where its quantile is not strictly inside (0, 1)."""
    a, b = (Point(at.alpha * reach, at.sigma) for at in (s, t))
    parts = [MODEL.component(k).marginal(a) for k in range(len(MODEL.weights))]
    below = [torch.special.ndtr((z - mean) / variance.sqrt()) for mean, variance in parts]
    weights = MODEL.weights / MODEL.weights.sum()
    p: Tensor = sum((w * x for w, x in zip(weights, below, strict=True)), torch.zeros_like(z))
    return quantiles(MODEL, b, p.flatten()).reshape(z.shape) if bool(((p > 0) & (p < 1)).all()) else None


def _cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Two cases: each is several runs, and what they find depends little on the latent."""
    return st.sampled_from(LATENTS).map(
        lambda latent: RunCase(
            network="scalars",
            shape=(2, 6),
            dtype=subject.dtype,
            steps=STEPS[-1],
            weight=1,
            reach=REACH,
            latent=latent,
        )
    )


def _no_order(subject: Sampler) -> str:
    if subject.stochastic:
        return "it draws noise: MOM looks at its limit"
    return subject.never_exact or ("a clip is no part of the flow" if subject.clip is not None else "")


CHECKS = (
    Check(
        name="ord",
        property="ORD",
        summary="it converges to the exact flow at the order it claims",
        hint="the weights of the history, a step of the wrong length, the previous time by a constant stride",
        kind=Sampler,
        body=converges,
        strategy=_cases,
        inapplicable=_no_order,
    ),
)
