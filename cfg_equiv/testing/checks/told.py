r"""SCH: the time that the network is told stands for the level of the latent that it is shown.

A network is trained on latents at the level of the time it is told, and a released schedule has a table of these
levels. A sampler that picks its own levels, evenly in log-SNR say, must find a time for each; where it then rounds the
time to a whole number, the network is told of another level than it sees. No other check notices: the networks under
test are asked by level.

A time between two of the table stands for no level of its own, so that anything between theirs is right. What may
differ is the rounding of a table in single precision.
"""

from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.testing.allowance import TABLE
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.levels import kappa
from cfg_equiv.testing.network import Network
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler

MANY = 20  # steps, beside the few that are declared


def told_its_level(subject: Sampler, case: RunCase) -> str | None:
    """Compare the level of each latent shown with those that the time stands for, and name the call furthest off."""
    network = Network(subject, case, subject.spaces[0])
    told: list[tuple[str, tuple[Point, Point] | None]] = []

    def model(z: Tensor, t: Any) -> Tensor:
        told.append((str(t), _ends(subject, t)))
        return network(z, t)

    torch.default_generator.manual_seed(case.seed)
    subject.run(model, case.z, case.steps, subject.spaces[0])
    worst, message, known = 0.0, "", False
    for (t, ends), pair in zip(told, network.levels, strict=True):
        if ends is None:
            continue
        known, at = True, _level(pair)
        off = abs(_off(at, *ends))
        if off > worst:
            stands = " to ".join(dict.fromkeys(f"{kappa(end):.6g}" for end in ends))
            worst, message = (
                off,
                (
                    f"the network is told t = {t}, which stands for sigma/alpha = {stands}, and shown a latent at "
                    f"sigma/alpha = {kappa(at):.6g}: {off:.2g} of it off, with {case.steps} step(s)"
                ),
            )
    if message:
        raise CheckFailure(message)
    return None if known else "its times stand for no level"


def _ends(subject: Sampler, t: Any) -> tuple[Point, Point] | None:
    assert subject.trained is not None
    came = subject.trained(t)
    if came is None:
        return None
    try:
        noisier, cleaner = came
        return _level(noisier), _level(cleaner)
    except (TypeError, ValueError) as error:
        raise SubjectError(
            f"expected trained(t) to return two levels (alpha, sigma) or None, got {came!r} at t = {t}"
        ) from error


def _level(pair: Any) -> Point:
    alpha, sigma = (torch.as_tensor(x, dtype=torch.float64) for x in pair)
    return Point(alpha, sigma)


def _off(at: Point, noisier: Point, cleaner: Point) -> float:
    """By what part of it sigma/alpha is outside of what the time stands for; 0 within rounding."""
    for end, sign in ((noisier, 1), (cleaner, -1)):
        ours, theirs = at.sigma * end.alpha, end.sigma * at.alpha
        if sign * float(ours - theirs) > 2 * TABLE * float(ours + theirs):
            return float((ours - theirs) / theirs)
    return 0.0


def _cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Runs of many steps too: near the data, where few steps have no level, one time differs most from the next."""
    steps = st.sampled_from((MANY, *range(subject.steps[0], subject.steps[1] + 1)))
    return steps.flatmap(lambda count: run_cases(subject, steps=count, shape=(2, 3), weight=1))


CHECKS = (
    Check(
        name="sch_time",
        property="SCH",
        summary="the time that the network is told stands for the level of the latent that it is shown",
        hint="a time rounded to a whole number for a level that is not in the table, a time that is moved alone",
        kind=Sampler,
        body=told_its_level,
        strategy=_cases,
        inapplicable=lambda subject: (
            "" if subject.trained is not None else "it does not say which levels its times stand for"
        ),
    ),
)
