r"""ORD: a deterministic sampler converges to the exact flow at the order it claims.

The data are a mixture of scalars, of which each element of the latent is one: in one dimension the flow keeps
quantiles, so the exact latent at every level is known (:func:`cfg_equiv.quantile_flow.quantiles`), though the network
is not linear. The first latent that the network is shown is an exact start; what is compared is the latent shown where
:math:`\kappa = \sigma/\alpha` is next to the data's deviation, at that very level, so that nothing is interpolated.
Later than that every sampler ends on the same denoised latent, and slopes say little.

The data's deviation is small beside the first :math:`\kappa` of usual grids: there the network's answer barely changes,
and a multistep solver's start of lower order costs nothing that is seen. Of the calls next to that level the one with
the smallest error counts (:mod:`cfg_equiv.testing.nearest`): the others may be inner stages.

The verdict is that of :class:`cfg_equiv.convergence.Convergence`: it fails only if the last two slopes agree and both
lie below the claim by more than a half. An error below what rounding adds up to gives no slope.
"""

from dataclasses import replace
from fractions import Fraction

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import MODEL, STEPS, Convergence
from cfg_equiv.quantile_flow import deviation, quantiles
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.nearest import nearest
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler

# In single precision, from the second order on: with more steps rounding is larger than the error.
COARSE = (10, 20, *STEPS[:2])
REACH = 1 / 2  # the deviation of the data is about this; a quarter of it is what the narrowest component has
LATENTS = ((1, -0.5, 0.25, -1.25, 0.75, 1.5), (0.5, -1, 2, -0.25, -1.75, 1))


def converges(subject: Sampler, case: RunCase) -> str | None:
    """Measure the errors at several numbers of steps."""
    steps = _steps(subject)
    runs = [_run(subject, replace(case, steps=n)) for n in steps]
    if any(run is None for run in runs):
        return "the run has no finite latent at the scale of the data"
    errors, rounding, calls = zip(*(run for run in runs if run is not None), strict=True)
    found = Convergence(str(subject), "own", subject.state, steps, calls, errors, rounding)
    if found.below(subject.order):
        listed = ", ".join(f"{error:.3g}" for error in errors)
        raise CheckFailure(
            f"order {subject.order} is claimed, {found.slopes[-2]:.2f} and {found.slopes[-1]:.2f} are the last slopes: "
            f"errors {listed} at {', '.join(map(str, steps))} steps"
        )
    return None if found.agree else "the last slopes do not agree, or rounding hides them"


def _run(subject: Sampler, case: RunCase) -> tuple[float, float, int] | None:
    """The error of z/alpha where kappa is the data's deviation, the rounding that adds up to it, and the calls."""
    reach = float(Fraction(case.reach))
    states, levels = traced(subject, case, subject.spaces[0], case.z)
    found = [
        (float((states[k].double() - exact).square().mean().sqrt() / levels[k].alpha), k)
        for k in nearest(levels, reach * deviation(MODEL))
        if (exact := exact_latent(states[0].double(), levels[0], levels[k], reach)) is not None
    ]
    found = [one for one in found if one[0] < float("inf")]
    if not found:
        return None
    error, k = min(found)
    size = float(states[k].double().square().mean().sqrt() / levels[k].alpha)
    return error, len(levels) * torch.finfo(states.dtype).eps * size, len(levels)


def exact_latent(z: Tensor, s: Point, t: Point, reach: float) -> Tensor | None:
    """The exact flow of ``z`` from ``s`` to ``t``; ``None`` where its quantile is not strictly inside (0, 1)."""
    a, b = (Point(at.alpha * reach, at.sigma) for at in (s, t))
    parts = [MODEL.component(k).marginal(a) for k in range(len(MODEL.weights))]
    below = [torch.special.ndtr((z - mean) / variance.sqrt()) for mean, variance in parts]
    weights = MODEL.weights / MODEL.weights.sum()
    p: Tensor = sum((w * x for w, x in zip(weights, below, strict=True)), torch.zeros_like(z))
    return quantiles(MODEL, b, p.flatten()).reshape(z.shape) if bool(((p > 0) & (p < 1)).all()) else None


def _steps(subject: Sampler) -> tuple[int, ...]:
    return STEPS if subject.dtype == "float64" or subject.order == 1 else COARSE


def _cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Two cases: each is four runs, and what they find depends little on the latent."""
    return st.sampled_from(LATENTS).map(
        lambda latent: RunCase(
            network="scalars",
            shape=(2, 6),
            dtype=subject.dtype,
            steps=_steps(subject)[-1],
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
