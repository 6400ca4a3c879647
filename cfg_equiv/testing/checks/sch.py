r"""SCH: the levels of a schedule, and the levels a sampler really passes through.

**A sampler** is followed on data at one point (:mod:`cfg_equiv.testing.line`). The latent that it shows at a call must
be the one at the level declared for that call: alpha written at step i is alpha read at i + 1. Neither coordinate of a
level is negative, levels never turn back, and the network is called as often as declared. Where noise is drawn, MOM
compares the levels. On a declared path every step is exact here. On a path of its own it need not be, as Euler's method
in t is not along curved coordinates: then what is off must vanish with more steps.

**A schedule** lists distinct times, its alphas lie in [0, 1] and rise while its sigmas fall (on a declared path), and
its two ends are those it declares.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import STEPS
from cfg_equiv.rounding.constants import FORMATS
from cfg_equiv.testing.allowance import TABLE
from cfg_equiv.testing.cases import RunCase, TimeCase
from cfg_equiv.testing.draw import whole_schedules
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.levels import kappa, level_at
from cfg_equiv.testing.line import Line, calibrated, follow, line_cases, place
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.slopes import FEWER
from cfg_equiv.testing.subjects import Sampler, Schedule


def at_its_levels(subject: Sampler, case: RunCase) -> str | None:
    """Each latent is at the level that is declared for its network call; levels and calls are as they must be."""
    subject = replace(subject, level=_not_negative(subject.level))
    line = follow(subject, case, case.z)
    states, levels = line.states, line.levels
    if subject.evaluations is not None and len(levels) != subject.evaluations(case.steps):
        raise CheckFailure(
            f"the network is called {len(levels)} times in {case.steps} step(s), {subject.evaluations(case.steps)} are "
            "declared"
        )
    if subject.stochastic:
        return None
    _require_one_direction(line)
    if float(levels[0].sigma) == 0:
        return "the run starts without noise"
    off = torch.stack([(z - line.at(at)).abs() for z, at in zip(states[:-1], levels, strict=True)])
    table = torch.stack([TABLE * (at.alpha * line.data.abs() + at.sigma * line.noise.abs()) for at in levels])
    found = calibrated(
        subject, case, lambda again: again.states, lambda found: bool((off <= found.bound[:-1] + table).all())
    )
    if found.vacuous:
        return "no finite bound: the run is not finite, or one ulp moves it without limit"
    for index, at in enumerate(levels):
        if bool((off[index] > found.bound[index] + table[index]).any()):
            if subject.state == "free" and subject.never_exact:
                return f"a step of its own path need not be exact, and there is no limit: {subject.never_exact}"
            if subject.state == "free" and _vanishes(subject, case):
                return None
            alpha, sigma = (float(x) for x in line.coordinates()[0][index])
            raise CheckFailure(
                f"{place(states, index)} is at alpha = {alpha:.6g}, sigma = {sigma:.6g}, its level is "
                f"declared as alpha = {float(at.alpha):.6g}, sigma = {float(at.sigma):.6g}"
            )
    return None


def _vanishes(subject: Sampler, case: RunCase) -> bool:
    """Whether what the latents are off their levels is halved, at least, by four times the steps."""
    few, many = (_worst(follow(subject, replace(case, steps=steps), case.z)) for steps in (FEWER[-1], STEPS[0]))
    return many <= few / 2


def _worst(line: Line) -> float:
    return max(float((z - line.at(at)).abs().max()) for z, at in zip(line.states[:-1], line.levels, strict=True))


def _not_negative(level: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], tuple[Any, Any]]:
    """The levels of a subject, read where it looks them up itself: there a negative one is the schedule's fault."""

    def at(t: Any) -> tuple[Any, Any]:
        found = level_at(level, t)
        if bool(found.alpha < 0) or bool(found.sigma < 0):
            raise CheckFailure(
                f"the level at t = {t} is alpha = {float(found.alpha):.6g}, sigma = {float(found.sigma):.6g}: "
                "neither may be negative"
            )
        return found.alpha, found.sigma

    return at


def _require_one_direction(line: Line) -> None:
    for index, (s, t) in enumerate(pairwise(line.levels)):
        if float(line.direction() * (t.alpha * s.sigma - s.alpha * t.sigma)) < 0:
            raise CheckFailure(
                f"sigma/alpha turns back between network calls {index + 1} and {index + 2}: from "
                f"{kappa(s):.6g} to {kappa(t):.6g}"
            )


def levels_in_order(subject: Schedule, case: TimeCase) -> str | None:
    """Distinct times, coordinates in range and monotone, the declared ends."""
    times = subject.times[case.first : case.last + 1]
    if not subject.repeats:
        for index, (t, later) in enumerate(pairwise(float(t) for t in times)):
            if t == later:
                raise CheckFailure(f"positions {index} and {index + 1} list the same time {t:g}")
    levels = [level_at(subject.level, t) for t in times]
    if subject.path != "free":
        for t, at in zip(times, levels, strict=True):
            _require_range(t, at)
        for t, later, (s, then) in zip(times, times[1:], pairwise(levels), strict=False):
            if bool(then.alpha < s.alpha) or bool(then.sigma > s.sigma):
                raise CheckFailure(
                    f"from t = {t} to t = {later} alpha goes from {float(s.alpha):.6g} to {float(then.alpha):.6g} and "
                    f"sigma from {float(s.sigma):.6g} to {float(then.sigma):.6g}: alpha must not fall, nor sigma rise"
                )
    _require_ends(subject, levels, case)
    return None


def _require_range(t: object, at: Point) -> None:
    alpha = float(at.alpha)
    if not 0 <= alpha <= 1:
        raise CheckFailure(f"alpha = {alpha!r} at t = {t} is not in [0, 1]")


def _require_ends(subject: Schedule, levels: list[Point], case: TimeCase) -> None:
    if subject.ends is None or (case.first, case.last) != (0, len(subject.times) - 1):
        return
    for name, at, declared in zip(("first", "last"), (levels[0], levels[-1]), subject.ends, strict=True):
        for coordinate, value, claim in zip(("alpha", "sigma"), at[:2], declared, strict=True):
            if abs(Fraction(float(value)) - Fraction(claim)) > _last_bits(value, claim):
                raise CheckFailure(f"{coordinate} = {float(value):.9g} at the {name} time, where {claim:g} is declared")


def _last_bits(value: torch.Tensor, claim: float) -> Fraction:
    """A library function and its argument's rounding: 4u of itself, and of 1, as coordinates come from each other."""
    u = Fraction(FORMATS[str(value.dtype).removeprefix("torch.")].u)
    return 4 * u * max(abs(Fraction(claim)), Fraction(1))


def _nothing_to_compare(subject: Sampler) -> str:
    if subject.stochastic and subject.evaluations is None:
        return "it draws noise, so that MOM compares its levels, and declares no number of evaluations"
    return ""


CHECKS = (
    Check(
        name="sch",
        property="SCH",
        summary="each latent is at the level declared for its network call, and the calls are as many as declared",
        hint="the previous time by a constant stride, a truncated time, a level of the next or the last step",
        kind=Sampler,
        body=at_its_levels,
        strategy=line_cases,
        inapplicable=_nothing_to_compare,
    ),
    Check(
        name="sch",
        property="SCH",
        summary="times are distinct, coordinates in range and monotone, and the ends as declared",
        hint="times rounded to duplicates, an end that is not reached, alpha-bar above 1 or below 0",
        kind=Schedule,
        body=levels_in_order,
        strategy=whole_schedules,
    ),
)
