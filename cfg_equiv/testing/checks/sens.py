"""SENS: the result depends on what it must depend on."""

from dataclasses import replace
from fractions import Fraction

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.case import GuidanceCase
from cfg_equiv.rounding.constants import format_of
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.combine import combine
from cfg_equiv.testing.draw import combine_cases, run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import predictions, run
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Guidance, Sampler


def run_depends(subject: Sampler, case: RunCase) -> str | None:
    """On the start noise, the network, the weight, and each declared option."""
    space = subject.spaces[0]
    # The longest run: a single step may start so close to the data that its result is the latent to the last bit.
    case = replace(case, steps=subject.steps[1])
    end = run(subject, case, space, case.z)[-1]
    if not bool(end.isfinite().all()):
        return "the run is not finite"
    changes = {
        "the guidance weight, that is the network's output": replace(case, weight=float(Fraction(case.weight)) + 1),
        "the data of the network": replace(case, reach=2 * float(Fraction(case.reach))),
    }
    for what, other in changes.items():
        if torch.equal(run(subject, other, space, other.z)[-1], end):
            if _same_predictions(subject, case, other, space):
                return f"the network's predictions depend on {what} by no more than their rounding"
            raise CheckFailure(f"the result does not depend on {what}")
    for option, variant in subject.variants.items():
        # One option may only act from some step on: a change anywhere along the longest run is enough.
        long = replace(case, steps=min(subject.steps[1], variant.steps[1]))
        traces = [run(s, long, space, long.z) for s in (subject, variant)]
        if traces[0].shape == traces[1].shape and torch.equal(*traces):
            raise CheckFailure(f"the result does not depend on the option {option}: {variant.options}")
    return None


def _same_predictions(subject: Sampler, one: RunCase, other: RunCase, space: str) -> bool:
    """Whether two cases hand the sampler the same predictions: far from one branch's data the branches can agree."""
    handed = [predictions(subject, case, space) for case in (one, other)]
    return all(_alike(a, b) for a, b in zip(*handed, strict=False))


def _alike(a: Tensor, b: Tensor) -> bool:
    """Apart by no more than the rounding of either: what a sampler makes of that may well be lost."""
    rounding = 2 * format_of(a.dtype).u * torch.maximum(a.double().abs(), b.double().abs())
    return bool(((a.double() - b.double()).abs() <= rounding).all())


def rule_depends(subject: Guidance, case: GuidanceCase) -> str | None:
    """On both predictions, on every channel of them, and on the weight."""
    off = 1.0 if subject.convention == "u+w(c-u)" else 0.0
    w = case.weight
    if float(case.w) in (off, off - 1):
        return "at this weight one branch drops out by right"
    if bool((case.cond == case.uncond).any()):
        return "the predictions are equal in some element"
    result = combine(subject, case.cond, case.uncond, w)
    # Parallel to no prediction that repeats in short tiles: a rule may drop by right what is parallel to one.
    shift = (torch.arange(result.numel(), dtype=result.dtype) % 7 - 1.5).square().reshape(result.shape)
    for name, moved in (
        ("the conditional prediction", (case.cond + shift, case.uncond)),
        ("the unconditional prediction", (case.cond, case.uncond + shift)),
    ):
        changed = combine(subject, *moved, w) != result
        blind = (~changed).flatten(2).all(2).all(0) if changed.ndim > 2 else (~changed).all(0)
        if bool(blind.any()):
            where = [int(k) for k in blind.nonzero().flatten()]
            raise CheckFailure(f"the result does not depend on {name} in channel(s) {where}")
    if torch.equal(combine(subject, case.cond, case.uncond, float(case.w) + 1), result):
        raise CheckFailure("the result does not depend on the weight")
    return None


def _unclipped(subject: Sampler) -> SearchStrategy[RunCase]:
    """Runs far inside the clip where there is one: outside, it hides by right what it cuts off, large weights most."""
    return run_cases(subject) if subject.clip is None else run_cases(subject, reach=subject.clip / 128, weight=0.5)


HINT = "an option that is accepted and never read, a gate of the wrong convention, a subset of the channels"
SUMMARY = "the result depends on its inputs and options"
CHECKS = (
    Check("sens", "SENS", SUMMARY, HINT, Sampler, run_depends, _unclipped),
    Check("sens", "SENS", SUMMARY, HINT, Guidance, rule_depends, combine_cases),
)
