"""BAT: items of a batch do not see each other, and their order does not matter."""

import torch
from torch import Tensor

from cfg_equiv.case import GuidanceCase
from cfg_equiv.rounding.rerun import Spread
from cfg_equiv.testing.allowance import spread
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.combine import bounded
from cfg_equiv.testing.draw import combine_cases, run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import run
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Guidance, Sampler


def permuted_run(subject: Sampler, case: RunCase) -> str | None:
    """Run the batch backwards, and its first and its last item among copies: the same within what one ulp explains."""
    space = subject.spaces[0]
    others = [("the order of the batch", slice(None), run(subject, case, space, case.z.flip(0)).flip(1))]
    # Flipping does not move a statistic of the whole batch: a batch of copies of one item does.
    for item in (slice(0, 1), slice(-1, None)):
        alone = run(subject, case, space, case.z[item].expand_as(case.z).clone())
        others.append(("the rest of the batch", item, alone))

    def compare(forward: Spread) -> None:
        for what, item, other in others:
            if other.shape != forward.result.shape:
                raise CheckFailure(f"the number of network calls changes with {what}")
            allowed = 2 * forward.bound[:, item]
            _require_close(forward.result[:, item], other[:, item], allowed, f"{what} changes item")

    def explained(forward: Spread) -> bool:
        try:
            compare(forward)
        except CheckFailure:
            return False
        return True

    forward = spread(subject, case, space, explained)
    if forward.vacuous:
        return "no finite bound"
    compare(forward)
    return None


def permuted_rule(subject: Guidance, case: GuidanceCase) -> str | None:
    """Combine the batch backwards, and its first item with a copy of itself."""
    whole, bound = bounded(subject, case.cond, case.uncond, case)
    if not bool(bound.isfinite().all()):
        return "no finite bound"
    backward, other = bounded(subject, case.cond.flip(0), case.uncond.flip(0), case)
    _require_close(whole, backward.flip(0), bound + other.flip(0), "the order of the batch changes item")
    cond, uncond = (x[:1].expand_as(x).clone() for x in (case.cond, case.uncond))
    alone, own = bounded(subject, cond, uncond, case)
    _require_close(whole[:1], alone[:1], bound[:1] + own[:1], "the rest of the batch changes item")
    return None


def _require_close(one: Tensor, other: Tensor, allowed: Tensor, what: str) -> None:
    difference = (one.double() - other.double()).abs()
    if bool((difference <= allowed).all()):
        return
    ratio = (difference / allowed).nan_to_num(nan=torch.inf)
    index = [int(i) for i in torch.unravel_index(ratio.argmax(), ratio.shape)]
    raise CheckFailure(f"{what} at {tuple(index)} by {difference[tuple(index)]:.3g}, {ratio.max():.3g} times the bound")


def _separate(subject: Sampler) -> str:
    return subject.couples_items or ("its noise belongs to the position in the batch" if subject.stochastic else "")


HINT = "a mean, std, norm or maximum over the whole batch; a layout of branches that mixes items"
SUMMARY = "items of a batch do not see each other"
CHECKS = (
    Check("bat", "BAT", SUMMARY, HINT, Sampler, permuted_run, run_cases, _separate),
    Check("bat", "BAT", SUMMARY, HINT, Guidance, permuted_rule, combine_cases),
)
