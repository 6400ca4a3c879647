r"""Observed orders of somebody's sampler: errors at several numbers of steps, and when their slopes fail a claim.

Steps are doubled from 40 to 320 while rounding lets the error be seen, and halved down to 10 where that leaves fewer
than three runs. An error below what rounding adds up to gives no slope; nor does, before a verdict, one below what one
ulp explains at the fewest steps whose slope counts (:mod:`cfg_equiv.rounding.rerun`): a data prediction made of the
noise at :math:`\alpha = 10^{-6}` has lost six digits. The verdict is that of
:class:`cfg_equiv.convergence.Convergence`: it fails only if the last two slopes agree and both lie below the claim by
more than a half; and not where they rise so fast that as much again meets the claim, as on levels bunched by a shift or
moved to whole timesteps; nor where the first error that is too small to count would, taken as it is, meet the claim.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import HALF, STEPS, Convergence
from cfg_equiv.rounding.rerun import Nudge, calibrated_spread
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.subjects import Sampler

FEWER = (20, 10)  # where rounding hides the errors of more steps
RUNS = 3  # two slopes

Claim = Callable[[int, int], int]  # (steps, network calls of a run of so many) -> the order it must have
Measure = Callable[
    [Sampler, RunCase], tuple[float, float, int] | None
]  # the error, what rounding adds up to, the calls
LookedAt = Callable[[Sampler, RunCase, Tensor, list[Point]], Tensor]  # of (states, levels): what errors are errors of


def observed(
    subject: Sampler, case: RunCase, claim: Claim, measure: Measure, looked_at: LookedAt, *, more: bool = False
) -> str | None:
    """Fail below the claim; else the reason why nothing could be seen, or nothing.

    ``more``: not before the claim is missed at twice the steps too. Levels that a library takes from a table of 1000
    are other ones there: on data, where less than 320 steps are enough, that is not asked.
    """
    runs = _runs(subject, case, measure)
    if not runs:
        return "the run has no finite latent where it is looked at"
    steps, errors, rounding, calls = zip(*runs, strict=True)
    order = claim(steps[-1], calls[-1])
    found = Convergence(str(subject), "own", subject.state, steps, calls, errors, rounding)
    if found.below(order):  # before it is called so: what one ulp explains, which costs many more runs
        seen = [n for n, error, known, _ in runs if error > known]
        explained = _explained(subject, replace(case, steps=seen[-RUNS]), looked_at)
        found = replace(found, rounding=tuple(max(known, explained) for known in rounding))
    still_rising = found.below(order) and 2 * found.slopes[-1] - found.slopes[-2] >= order - HALF
    hidden = found.below(order) and _next_slope(found) >= order - HALF
    if found.below(order) and not still_rising and not hidden:
        if more and _slope_of_more(subject, case, found, measure) >= order - HALF:
            return "with as many steps again the claim is met"
        listed = ", ".join(f"{error:.3g}" for error in errors)
        raise CheckFailure(
            f"order {order} is claimed, {found.slopes[-2]:.2f} and {found.slopes[-1]:.2f} are the last slopes: "
            f"errors {listed} at {', '.join(map(str, steps))} steps",
            claimed=order,
            steps=list(steps),
            errors=list(errors),
        )
    if still_rising:
        return "the slopes still rise, and with as much again the claim is met"
    return None if found.agree and not hidden else "the last slopes do not agree, or rounding hides them"


def _slope_of_more(subject: Sampler, case: RunCase, found: Convergence, measure: Measure) -> float:
    """The slope to twice the largest number of steps: six decades of sigma in 320 are too few."""
    if found.steps[-1] < STEPS[-1]:  # more would be rounding
        return -math.inf
    more = measure(subject, replace(case, steps=2 * STEPS[-1]))
    return -math.inf if more is None or more[0] <= more[1] else math.log2(found.errors[-1] / more[0])


def _next_slope(found: Convergence) -> float:
    """From the last error that counts to the next, which rounding may have made."""
    runs = list(zip(found.steps, found.errors, found.rounding, strict=True))
    last = max(k for k, (_, error, rounding) in enumerate(runs) if error > rounding)
    if last + 1 == len(runs) or runs[last + 1][1] == 0:
        return math.inf if last + 1 < len(runs) else -math.inf
    (few, large, _), (many, small, _) = runs[last : last + 2]
    return math.log(large / small) / math.log(many / few)


def rms(x: Tensor) -> float:
    """The root mean square."""
    return float(x.square().mean().sqrt())


def _runs(subject: Sampler, case: RunCase, measure: Measure) -> list[tuple[int, float, float, int]]:
    """Steps, errors, what rounding adds up to, and calls, by rising numbers of steps; empty if a run has no error."""
    runs: list[tuple[int, float, float, int]] = []
    for steps in STEPS:
        found = measure(subject, replace(case, steps=steps))
        if found is None:
            return []
        runs.append((steps, *found))
        if found[0] <= found[1]:
            break
    for steps in FEWER:
        if sum(error > rounding for _, error, rounding, _ in runs) >= RUNS:
            break
        found = measure(subject, replace(case, steps=steps))
        if found is None:
            break
        runs.insert(0, (steps, *found))
    return runs


def _explained(subject: Sampler, case: RunCase, looked_at: LookedAt) -> float:
    """By how much one ulp may move what is looked at, whatever amplifies it."""

    def again(nudge: Nudge, z: Tensor) -> Tensor:
        return looked_at(subject, case, *traced(subject, case, subject.spaces[0], z, nudge))

    return max(rms(each) for each in calibrated_spread(again, [case.z], seed=case.seed).bound)
