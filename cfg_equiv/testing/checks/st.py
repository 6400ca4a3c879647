"""ST: a run does not depend on what was run before, and leaves its inputs alone."""

from dataclasses import replace

import torch
from torch import Tensor

from cfg_equiv.case import GuidanceCase
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.combine import combine
from cfg_equiv.testing.draw import combine_cases, run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import Network, require_output, run
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Guidance, Sampler


def rerun(subject: Sampler, case: RunCase) -> str | None:
    """Bit for bit the same again, after a run of another latent, step count and dtype has passed through."""
    space = subject.spaces[0]
    z = case.z
    network = Network(subject, case, space)
    torch.manual_seed(case.seed)
    end = require_output(subject.run(network, z, case.steps, space), case)
    if not torch.equal(z, case.z):
        raise CheckFailure("the run writes into the latent it was given: clone it, or update out of place")
    for k, (given, copy) in enumerate(network.given):
        if not _same(given, copy):
            raise CheckFailure(f"the run writes into the prediction of network call {k + 1}: update out of place")
    first = end.clone()
    steps = subject.steps[0] if case.steps != subject.steps[0] else subject.steps[1]
    run(subject, replace(case, steps=steps), subject.spaces[-1], 2 * case.z)
    again = run(subject, case, space, case.z)[-1]
    if not _same(first, again):
        raise CheckFailure("the same run gives another result after a run in between: some state survives a run")
    return None


def recombine(subject: Guidance, case: GuidanceCase) -> str | None:
    """Bit for bit the same again, after other predictions and another weight have passed through."""
    cond, uncond = case.cond, case.uncond
    first = subject.combine(cond, uncond, float(case.w))
    if not (torch.equal(cond, case.cond) and torch.equal(uncond, case.uncond)):
        raise CheckFailure("the rule writes into the predictions it was given: update out of place")
    kept = first.clone() if isinstance(first, Tensor) else combine(subject, cond, uncond, case.weight)
    combine(subject, 3 * uncond, 2 * cond, 2 * float(case.w))
    # before the first call is made again: that would write the same numbers
    if isinstance(first, Tensor) and not _same(first, kept):
        raise CheckFailure("a later call writes into the result of an earlier one: they share memory")
    again = combine(subject, case.cond, case.uncond, case.weight)
    if not _same(kept, again):
        raise CheckFailure("the same call gives another result after a call in between: the rule keeps a history")
    return None


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(torch.equal(one.nan_to_num(), other.nan_to_num()) and torch.equal(one.isnan(), other.isnan()))


HINT = "buffers and step counters that are not reset, in-place updates, slots shared between calls"
SUMMARY = "a run does not depend on what ran before, and leaves its inputs alone"
CHECKS = (
    Check("st", "ST", SUMMARY, HINT, Sampler, rerun, run_cases),
    Check("st", "ST", SUMMARY, HINT, Guidance, recombine, combine_cases),
)
