r"""ORD: with its history, a multistep sampler has the order it claims.

On data the first steps of a multistep sampler, which have no history yet, leave an error of second order, and a claim
of three or more cannot be told from two. Here the network predicts nothing until the sampler has its history
(:mod:`cfg_equiv.testing.exact_start`): the start is exact, and what is measured is the full step. The equation is not
that of any data, is solved in closed form, and depends on the latent, so that stages and corrections are seen too.

The network begins to predict at :math:`\kappa = 8`, or as late as at call :data:`~cfg_equiv.testing.nearest.STAGES` + 1
of the run with the fewest steps. Errors of :math:`z/\sigma` are looked at in the middle of the stretch where it
predicts, as :mod:`cfg_equiv.testing.checks.order` does about the data's scale, and judged alike.
"""

import math
from dataclasses import replace

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import STEPS
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.order import LATENTS, unordered
from cfg_equiv.testing.exact_start import SPAN, START
from cfg_equiv.testing.levels import kappa
from cfg_equiv.testing.nearest import STAGES, about
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.slopes import observed, rms
from cfg_equiv.testing.subjects import Sampler

MIDDLE = START.kappa / math.sqrt(SPAN)


def converges_with_history(subject: Sampler, case: RunCase) -> str | None:
    """Measure the errors at several numbers of steps, from an exact start."""
    levels = traced(subject, replace(case, steps=STEPS[0]), subject.spaces[0], case.z)[1]
    if len(levels) <= STAGES:
        return "too few network calls to have a history"
    placed = replace(case, reach=_begins(levels) / START.kappa)
    return observed(subject, placed, lambda steps, calls: subject.order, _run, _looked_at, more=True)


def _begins(levels: list[Point]) -> float:
    """The noisiest kappa at which the network predicts: not in the first calls, whichever way the run goes."""
    first, late, last = (kappa(levels[k]) for k in (0, STAGES, -1))
    return min(START.kappa, late) if first > last else max(START.kappa, SPAN * late)


def _run(subject: Sampler, case: RunCase) -> tuple[float, float, int] | None:
    """The error of z/sigma where it is looked at, the rounding that adds up to it, and the calls."""
    states, levels = traced(subject, case, subject.spaces[0], case.z)
    start = next((k for k, at in enumerate(levels) if float(at.sigma) > 0), len(levels))
    if start == len(levels):
        return None
    reach = float(case.reach)
    points = [Point(at.alpha * reach, at.sigma) for at in levels]

    def error(k: int) -> float:
        off = START.off(states[start].double(), points[start], states[k].double(), points[k])
        size = rms(off)
        return math.inf if math.isnan(size) else size

    rows = about(levels, reach * MIDDLE)
    errors = {k: error(k) for row in rows for k in row}
    worst = max((min(errors[k] for k in row) for row in rows), default=math.inf)
    if worst == math.inf:
        return None
    size = max(rms(states[k].double() / levels[k].sigma) for k in rows[-1])
    return worst, len(levels) * torch.finfo(states.dtype).eps * size, len(levels)


def _looked_at(subject: Sampler, case: RunCase, states: Tensor, levels: list[Point]) -> Tensor:
    calls = sorted({k for row in about(levels, float(case.reach) * MIDDLE) for k in row})
    return torch.stack([states[k].double() / levels[k].sigma for k in calls])


def _cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Two cases, as on data."""
    return st.sampled_from(LATENTS).map(
        lambda latent: RunCase(
            network="exact_start", shape=(2, 6), dtype=subject.dtype, steps=STEPS[-1], weight=1, latent=latent
        )
    )


def _no_history(subject: Sampler) -> str:
    return unordered(subject) or ("order 1 needs no history: ord measures it" if subject.order == 1 else "")


CHECKS = (
    Check(
        name="history",
        property="ORD",
        summary="with its history it converges at the order it claims",
        hint="the weights of the history, above all of the oldest prediction",
        kind=Sampler,
        body=converges_with_history,
        strategy=_cases,
        inapplicable=_no_history,
    ),
)
