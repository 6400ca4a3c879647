r"""MOM: the mean, the variance and the cross-covariance of what a stochastic sampler makes, computed, not sampled.

Data at one point :math:`m` make every latent :math:`N(\alpha m, \sigma^2 I)`. The samplers that mix the noise they
remove and fresh noise by :math:`\rho^2 + (1-\rho^2)` are exact there in every step (theorem S3); others approach it.
So, by unit-noise injection (:mod:`cfg_equiv.testing.moments`):

1. **independence**, always: no covariance between two items, nor between two elements of one;
2. **exact** on a point mass, at every call; or, if it is not,
3. **convergent** there: the largest error of mean and variance, down to the :math:`\kappa` of the data's scale, falls
   with the number of steps, 10 to 80: the last two slopes must not agree on an order below 1/2, nor those up to 320
   steps, which are run only then;
4. **convergent** on Gaussian data, where the point mass is blind to what depends on the data's variance. It is
   looked at in the cases with seed 0: one in four.

Where noise cannot be injected (drawn outside torch, not added, or drawn more than :data:`UNITS` numbers at a time, as
by a Brownian tree) moments are estimated from :data:`SAMPLES` items and
compared at the level :data:`LEVEL` of a statistical test, at two numbers of steps: an error that is significant, and
that four times the steps do not halve, fails.

What is exact may differ by what one ulp in a run explains (:mod:`cfg_equiv.rounding.rerun`), carried through squares.
"""

from dataclasses import replace
from fractions import Fraction
from math import prod
from statistics import NormalDist

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.convergence import Convergence
from cfg_equiv.models import Gaussian
from cfg_equiv.rounding.rerun import NotDeterministicError, calibrated_spread
from cfg_equiv.testing.allowance import TABLE
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.line import data_point, line_cases
from cfg_equiv.testing.moments import Response, all_units, by_rows, injected
from cfg_equiv.testing.nearest import nearest
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler

STEPS = (10, 20, 40, 80)
MORE = (160, 320)
SAMPLES = 4096
LEVEL = 2.0**-40
UNITS = 64


def moments(subject: Sampler, case: RunCase) -> str | None:
    """Independence and exactness at few steps, then convergence."""
    try:
        wobble = _wobble(subject, case)
    except NotDeterministicError:
        return _estimated(subject, case)
    if wobble is None:
        return _estimated(subject, case)
    response = all_units(subject, case)
    if float(response.levels[0].sigma) == 0:
        return "the run starts without noise"
    if not bool(response.base.isfinite().all() & wobble.isfinite().all()):
        return "no finite bound: the run is not finite, or one ulp moves it without limit"
    mean, covariance = _moments(response, case)
    allowed = _allowed(response, wobble)
    _require_independent(subject, covariance, allowed)
    wrong = _off_level(case, response, mean, covariance, wobble, allowed)
    if subject.never_exact and wrong:
        return f"not exact on data at one point, and not meant to be in the limit: {subject.never_exact}"
    if wrong:
        _require_convergence(subject, case, wrong)
    if case.seed == 0 and not subject.never_exact and subject.clip is None:
        _require_convergence(subject, replace(case, network="gaussian"), "")
    return None


def _wobble(subject: Sampler, case: RunCase) -> Tensor | None:
    """How far one ulp moves a run on unit noises of both signs; ``None`` where the run is not affine in its noise."""
    ones = torch.ones_like(case.z)

    def signs(index: int, shape: torch.Size) -> Tensor:
        return torch.ones(shape, dtype=torch.float64) * (1 - 2 * (index % 2))

    def again(nudge: object, z: Tensor) -> Tensor:
        return injected(subject, case, z, signs, nudge)[0]  # type: ignore[arg-type]  # a callable on tensors

    _, _, mode = injected(subject, case, ones, signs)
    if mode.strange or not mode.shapes or sum(map(prod, mode.shapes)) > UNITS:
        return None
    found = calibrated_spread(again, [ones], seed=case.seed)
    parts = [
        injected(subject, case, k * ones, lambda index, shape, k=k: k * signs(index, shape))[0]  # type: ignore[misc]
        for k in (0.0, 2.0)
    ]
    bend = (parts[0] + parts[1] - 2 * found.result).abs()
    if bool(found.bound.isfinite().all()) and not bool((bend <= 4 * found.bound).all()):
        return None
    return found.bound.flatten(1)


def _start(response: Response, case: RunCase) -> tuple[Tensor, Tensor]:
    """The mean and the variance of the start noise with which the first latent has the moments it must have."""
    at, gaussian = response.levels[0], case.pair.cond
    assert isinstance(gaussian, Gaussian)
    reach = float(Fraction(case.reach))
    gain = response.start[:, 0].sum(0)  # of the noise of an element, in the first latent
    mean = (at.alpha * reach * gaussian.mean).flatten()
    variance = (at.alpha**2 * reach**2 * gaussian.var + at.sigma**2).flatten()
    repeat = gain.numel() // mean.numel()
    return (mean.repeat(repeat) - response.base[0]) / gain, variance.repeat(repeat) / gain**2


def _moments(response: Response, case: RunCase) -> tuple[Tensor, Tensor]:
    """Means ``(calls + 1, n)`` and covariances ``(calls + 1, n, n)``."""
    shift, variance = _start(response, case)
    mean = response.base + (response.start * shift[:, None, None]).sum(0)
    columns = torch.cat([response.start * variance.sqrt()[:, None, None], response.drawn])
    return mean, torch.einsum("kci,kcj->cij", columns, columns)


def _allowed(response: Response, wobble: Tensor) -> Tensor:
    """By how much a covariance may be off if every entry of a column is by two wobbles: squares and products."""
    columns = torch.cat([response.start, response.drawn]).abs()
    each = 2 * wobble
    linear = torch.einsum("kci,cj->cij", columns, each)
    return linear + linear.mT + len(columns) * torch.einsum("ci,cj->cij", each, each)


def _require_independent(subject: Sampler, covariance: Tensor, allowed: Tensor) -> None:
    if subject.couples_items:
        return
    between = covariance.abs() * (1 - torch.eye(covariance.shape[-1], dtype=covariance.dtype))
    if bool((between > allowed).any()):
        call, i, j = (int(x) for x in torch.unravel_index((between / allowed).nan_to_num().argmax(), between.shape))
        raise CheckFailure(
            f"the noise is shared: elements {i} and {j} of the flat batch have covariance "
            f"{float(between[call, i, j]):.6g} in state {call + 1}, 0 is right"
        )


def _off_level(
    case: RunCase, response: Response, mean: Tensor, covariance: Tensor, wobble: Tensor, allowed: Tensor
) -> str:
    """The first call at which mean or variance are not those of the point mass, in words; empty if there is none."""
    data = data_point(case).flatten().repeat(case.shape[0])
    columns = len(response.start) + len(response.drawn)
    for index, at in enumerate(response.levels):
        size = at.alpha * data.abs() + at.sigma
        off = (mean[index] - at.alpha * data).abs()
        if bool((off > columns * wobble[index] + TABLE * size).any()):
            return f"its mean at network call {index + 1} is off by {float(off.max()):.3g}"
        variance, right = covariance[index].diagonal(), at.sigma**2
        slack = allowed[index].diagonal() + 2 * TABLE * (right + at.alpha**2)
        if bool(((variance - right).abs() > slack).any()):
            worst = variance[(variance - right).abs().argmax()]
            return f"its variance at network call {index + 1} is {float(worst):.6g}, where sigma^2 = {float(right):.6g}"
    return ""


def _require_convergence(subject: Sampler, case: RunCase, why: str) -> None:
    measured = [_error(subject, replace(case, steps=n)) for n in STEPS]
    if _convergence(subject, case, STEPS, measured).below(1):  # before it is called so: more, which cost more
        measured += [_error(subject, replace(case, steps=n)) for n in MORE]
    if len(measured) > len(STEPS) and _convergence(subject, case, STEPS + MORE, measured).below(1):
        errors = [error for error, _ in measured]
        data = "data at one point" if case.network == "point_mass" else "Gaussian data"
        first = f"{why}; " if why else ""
        raise CheckFailure(
            f"on {data} {first}the error of mean and variance falls by less than an order 1/2 with more steps: "
            f"{', '.join(f'{e:.3g}' for e in errors)} at {', '.join(map(str, STEPS + MORE))} steps"
        )


def _convergence(
    subject: Sampler, case: RunCase, steps: tuple[int, ...], measured: list[tuple[float, int]]
) -> Convergence:
    errors, calls = zip(*measured, strict=True)
    unit = torch.finfo(getattr(torch, case.dtype)).eps
    return Convergence(str(subject), "own", subject.state, steps, calls, errors, tuple(c * unit for c in calls))


def _error(subject: Sampler, case: RunCase) -> tuple[float, int]:
    """The largest relative error of mean and variance down to the data's scale, and the calls of the run."""
    response = by_rows(subject, case)
    gaussian, reach = case.pair.cond, float(Fraction(case.reach))
    assert isinstance(gaussian, Gaussian)
    shift, start = _start(response, case)
    own = response.start[0]
    mean = response.base + own * shift
    variance = own.square() * start + response.drawn.square().sum(0)
    worst = 0.0
    for index, at in enumerate(response.levels):
        if float(at.sigma) < float(at.alpha) * reach / 2:
            break
        right = at.alpha**2 * reach**2 * gaussian.var.flatten() + at.sigma**2
        off = (mean[index] - at.alpha * reach * gaussian.mean.flatten()).abs() / right.sqrt()
        worst = max(worst, float(torch.maximum(off, (variance[index] / right - 1).abs()).max()))
    return worst, len(response.levels)


def _estimated(subject: Sampler, case: RunCase) -> str | None:
    """The statistical test, where noise cannot be injected."""
    if subject.never_exact:
        return f"noise that cannot be replaced, and no limit: {subject.never_exact}"
    few, many = (_score(subject, replace(case, shape=(SAMPLES, 4), steps=n)) for n in (STEPS[0], STEPS[2]))
    quantile = NormalDist().inv_cdf(1 - LEVEL / 2)
    for (name, error, deviation), (_, before, spread) in zip(many, few, strict=True):
        if error - quantile * deviation > (before + quantile * spread) / 2:
            raise CheckFailure(
                f"on data at one point {name} is off by {error:.3g}, {error / deviation:.3g} standard deviations of "
                f"the estimate from {SAMPLES} items, and by {before:.3g} at a quarter of the steps"
            )
    return None


def _score(subject: Sampler, case: RunCase) -> list[tuple[str, float, float]]:
    """What is estimated at the call next to the data's scale: name, error, and standard deviation of the estimate."""
    generator = torch.Generator().manual_seed(case.seed)
    z = torch.randn(case.shape, generator=generator, dtype=torch.float64).to(case.z)
    states, levels = traced(subject, case, subject.spaces[0], z)
    index = nearest(levels, float(Fraction(case.reach)) / 2)
    at = levels[index]
    noise = (states[index].double() - at.alpha * data_point(case)) / at.sigma
    n = noise.numel()
    neighbours = noise[:-1] * noise[1:]
    return [
        ("the mean", abs(float(noise.mean())), n**-0.5),
        ("the variance", abs(float(noise.square().mean()) - 1), (2 / n) ** 0.5),
        ("the covariance of items", abs(float(neighbours.mean())), neighbours.numel() ** -0.5),
    ]


def _cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Two steps or more, where there are: the noise of the last one is often multiplied with zero."""
    low, high = subject.steps
    return st.integers(min(max(low, 2), high), high).flatmap(lambda n: line_cases(subject, shape=(2, 2), steps=n))


CHECKS = (
    Check(
        name="mom",
        property="MOM",
        summary="mean, variance and cross-covariance are those of the data's noisy marginals",
        hint="the scale of the added noise (a variance for a std, sigma_up), noise used twice or shared between items",
        kind=Sampler,
        body=moments,
        strategy=_cases,
        inapplicable=lambda subject: "" if subject.stochastic else "it declares no noise",
    ),
)
