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

How many steps are taken, and when slopes fail: :mod:`cfg_equiv.testing.slopes`.

What it cannot show: a fault whose error is smaller than that of the whole run at 320 steps, or one that the run
forgets before the data's scale; the twin compares call by call. Nor an order above :data:`COLD` of a sampler with one
call a step, whose first step is of first order: :mod:`cfg_equiv.testing.checks.history` gives it an exact start.
"""

import math
from fractions import Fraction
from functools import cache

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import MODEL, STEPS
from cfg_equiv.quantile_flow import deviation, quantiles
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.nearest import about
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.slopes import Claim, observed, rms
from cfg_equiv.testing.subjects import Sampler

COLD = 2
REACH = 1 / 2  # the deviation of the data is about this; a quarter of it is what the narrowest component has
LATENTS = ((1, -0.5, 0.25, -1.25, 0.75, 1.5), (0.5, -1, 2, -0.25, -1.75, 1))


def converges(subject: Sampler, case: RunCase) -> str | None:
    """Measure the errors at several numbers of steps."""
    return observed(subject, case, _claim(subject), _run, _looked_at)


def _claim(subject: Sampler) -> Claim:
    """What a run from a cold start can show: a first step of first order, of one call, leaves an error of second."""
    return lambda steps, calls: subject.order if 2 * calls >= 3 * steps else min(subject.order, COLD)


def _run(subject: Sampler, case: RunCase) -> tuple[float, float, int] | None:
    """The error of z/alpha about the data's deviation, the rounding that adds up to it, and the calls."""
    reach = float(Fraction(case.reach))
    states, levels = traced(subject, case, subject.spaces[0], case.z)

    @cache
    def error(k: int) -> float:
        exact = exact_latent(states[0].double(), levels[0], levels[k], reach)
        off = math.inf if exact is None else rms(states[k].double() - exact) / float(levels[k].alpha)
        return math.inf if math.isnan(off) else off

    rows = about(levels, reach * deviation(MODEL))
    worst = max((min(error(k) for k in row) for row in rows), default=math.inf)
    if worst == math.inf:
        return None
    size = max(rms(states[k].double()) / float(levels[k].alpha) for k in rows[-1])
    return worst, len(levels) * torch.finfo(states.dtype).eps * size, len(levels)


def _looked_at(subject: Sampler, case: RunCase, states: Tensor, levels: list[Point]) -> Tensor:
    calls = sorted({k for row in about(levels, float(Fraction(case.reach)) * deviation(MODEL)) for k in row})
    return torch.stack([states[k].double() / levels[k].alpha for k in calls])


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


def unordered(subject: Sampler) -> str:
    """Why an order says nothing of it, if it does not."""
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
        inapplicable=unordered,
    ),
)
