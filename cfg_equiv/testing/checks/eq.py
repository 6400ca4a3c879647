"""EQ: one denoiser, written in every parameterization a sampler accepts, gives one trajectory.

Compared are the latents at which the network is called and the end. How far apart two correct runs may be is what one
ulp of either explains, of the predictions or of the data they stand for, and the sums of both
(:mod:`cfg_equiv.testing.allowance`).
"""

from functools import partial

import torch
from torch import Tensor

from cfg_equiv.rounding.rerun import Spread
from cfg_equiv.testing.allowance import of_sums, spread, with_data
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler


def same_trajectory(subject: Sampler, case: RunCase) -> str | None:
    """Compare every space with the first one."""
    first, *others = subject.spaces
    traces: dict[str, Tensor] = {}
    for space in others:
        traces[space], levels = traced(subject, case, space, case.z)

    def explained(found: Spread) -> bool:
        return all(_within(trace, found) for trace in traces.values())

    reference = spread(subject, case, first, explained)
    sums = 2 * of_sums(reference.result, levels, reference.result.dtype)
    gap = False
    for space, trace in traces.items():
        if trace.shape != reference.result.shape:
            if reference.vacuous:  # so may one ulp: an adaptive method
                continue
            calls = [len(x) - 1 for x in (reference.result, trace)]
            raise CheckFailure(f"the network is called {calls[0]} times for {first} but {calls[1]} times for {space}")
        if _within(trace, reference):  # the rerun of this space could only allow more
            gap = gap or not reference.vacuous
            continue
        difference = (trace.double() - reference.result.double()).abs()
        allowed = reference.bound + spread(subject, case, space).bound + sums
        allowed = with_data(first, difference, allowed, partial(spread, subject, case, first, data=True))
        if not bool(allowed.isfinite().all()):
            continue
        gap = True
        if bool((difference > allowed).any()):
            raise CheckFailure(_message(first, space, difference, allowed, reference.result))
    return None if gap else "no finite bound: the run is not finite, or one ulp moves it without limit"


def _within(trace: Tensor, found: Spread) -> bool:
    same = trace.shape == found.result.shape
    return same and bool(((trace.double() - found.result.double()).abs() <= found.bound).all())


def _message(first: str, space: str, difference: Tensor, allowed: Tensor, reference: Tensor) -> str:
    ratio = (difference / allowed).nan_to_num(nan=torch.inf)
    index = [int(i) for i in torch.unravel_index(ratio.argmax(), ratio.shape)]
    where = f"the latent of network call {index[0] + 1}" if index[0] < len(reference) - 1 else "the final latent"
    earliest = int((difference > allowed).flatten(1).any(1).nonzero()[0, 0])
    start = "the end" if earliest == len(reference) - 1 else f"network call {earliest + 1}"
    return (
        f"{space} differs from {first} in {where}, element {tuple(index[1:])}, by {difference[tuple(index)]:.3g} of "
        f"{reference[tuple(index)].abs():.3g}: {ratio.max():.3g} times what one ulp explains; first seen at {start}"
    )


def _fewer_than_two(subject: Sampler) -> str:
    return "" if len(subject.spaces) > 1 else f"only one parameterization is declared: {subject.spaces[0]}"


CHECKS = (
    Check(
        name="eq",
        property="EQ",
        summary="one denoiser gives one trajectory, whatever parameterization it is written in",
        hint="where the prediction is converted: which alpha and sigma, which latent, before or after combining steps",
        kind=Sampler,
        body=same_trajectory,
        strategy=run_cases,
        inapplicable=_fewer_than_two,
    ),
)
