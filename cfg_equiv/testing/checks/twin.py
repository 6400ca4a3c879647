r"""X0, call by call: a run beside the solver of the catalogue that the sampler says it is.

On Gaussians and mixtures the declared twin, run over the levels the sampler was seen to use, gives the latents it was
seen to show. A stochastic sampler is compared twice, its draws replaced (:mod:`cfg_equiv.testing.noise`): all zero,
which leaves the drift of each step, and by numbers that the twin gets too, draw by draw, which shows what each step
adds. The noise of a Brownian path has no such numbers.

What may differ is what one ulp explains, of the predictions or of the data they stand for, the rounding of a table, and
that of sums (:mod:`cfg_equiv.testing.allowance`).
"""

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.algebra.stochastic import STOCHASTIC
from cfg_equiv.errors import HistoryError, LevelError, NonFiniteError, PathError, SingularEndError
from cfg_equiv.rounding.rerun import Nudge, Spread
from cfg_equiv.stepper import Stepper
from cfg_equiv.testing.allowance import TABLE, moved_by_ulps, of_sums, with_data
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import PARAMETERS, Network, traced
from cfg_equiv.testing.noise import Draw, Injected, no_noise
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler, Twin


def like_its_twin(subject: Sampler, case: RunCase) -> str | None:
    """Every latent shown to the network is the one that the declared solver shows it at the same levels."""
    chosen = CHOSEN[:1] if subject.brownian else CHOSEN
    for draw, words in chosen if subject.stochastic else ((None, ""),):
        if (vacuous := _like_its_twin(subject, case, draw, words)) is not None:
            return vacuous
    return None


def distinct(index: int, shape: torch.Size) -> Tensor:
    """Noise for the draw of this number: of unit size, and not that of another draw, another item, or a constant."""
    places = torch.arange(prod(shape), dtype=torch.int64)
    sizes = 3 + (3 * places + 5 * index + places // 3) % 7
    return ((1 - 2 * ((places + index) % 2)) * sizes / 4).double().reshape(shape)


# What a stochastic sampler and its twin are both run on: first what is left without noise, then its coefficients.
CHOSEN: tuple[tuple[Draw, str], ...] = ((no_noise, " without noise"), (distinct, " with the same noise"))


def _like_its_twin(subject: Sampler, case: RunCase, draw: Draw | None, words: str) -> str | None:
    """The comparison with noise from there, or with none of its own."""
    states, levels, mode = _traced(subject, case, case.z, draw)
    if draw is not None and (not mode.shapes or mode.strange):
        return "it draws no noise that could be replaced by that of the twin"
    if not bool(states.isfinite().all()):
        return "the run is not finite"
    declared = subject.twin
    assert declared is not None  # the check does not apply without
    levels = levels[: max(len(levels) - declared.but, 0)]
    path = None if subject.state == "free" else subject.state
    source = Source(draw, case)
    solver = _solver(declared, source, subject.stochastic)
    try:
        twin = _twin(subject, solver, replace(case, dtype="float64"), states[0].double(), levels, path, source)
    except (HistoryError, LevelError, NonFiniteError, PathError, SingularEndError) as error:
        return f"the twin has no value there: {error}"
    if len(twin) < 2:
        return "the first network call has no step before it, and no other is one of the twin"

    def again(nudge: Nudge, z: Tensor, data: bool = False) -> Tensor:
        return _traced(subject, case, z, draw, nudge, data)[0]

    sums = of_sums(states, levels, states.dtype)[: len(twin)]
    states = states[: len(twin)].double()
    rounding = TABLE * states.abs().amax() + sums
    difference = (states - torch.stack(twin)).abs()

    def explained(found: Spread) -> bool:
        return bool((difference <= found.bound[: len(twin)] + rounding).all())

    found = moved_by_ulps(again, case, explained)
    allowed = found.bound[: len(twin)] + rounding
    allowed = with_data(subject.spaces[0], difference, allowed, lambda: moved_by_ulps(partial(again, data=True), case))
    if bool((difference <= allowed).all()):
        return None if bool(allowed.isfinite().all()) else "no finite bound"
    index = int((difference > allowed).flatten(1).any(1).nonzero()[0, 0])
    raise CheckFailure(
        f"{declared.solver} run over the same levels{words} shows the network another latent at call {index + 1}: they "
        f"differ by {float(difference[index].max()):.3g}, {float((difference / allowed)[index].max()):.3g} times what "
        "one ulp explains"
    )


def _traced(
    subject: Sampler, case: RunCase, z: Tensor, draw: Draw | None, nudge: Nudge = lambda x: x, data: bool = False
) -> tuple[Tensor, list[Point], Injected]:
    """A run with chosen noise, or with what it draws."""
    mode = Injected() if draw is None else Injected(draw)
    with nullcontext() if draw is None else mode:
        return *traced(subject, case, subject.spaces[0], z, nudge, data), mode


class Source:
    """The noise for the twin: its k-th call is what replaces the k-th draw of the subject."""

    def __init__(self, draw: Draw | None, case: RunCase) -> None:
        self.draw, self.shape, self.taken = draw, torch.Size(case.shape), 0

    def __call__(self) -> Tensor:
        """The next noise, in double precision."""
        assert self.draw is not None  # only stochastic solvers ask for noise
        self.taken += 1
        return self.draw(self.taken - 1, self.shape)


def _solver(twin: Twin, noise: Source, stochastic: bool) -> Solver:
    return STOCHASTIC[twin.solver].given(noise, **twin.options) if stochastic else SOLVERS[twin.solver]


def _twin(
    subject: Sampler,
    solver: Solver,
    case: RunCase,
    z: Tensor,
    levels: Sequence[Point],
    path: str | None,
    noise: Source,
) -> list[Tensor]:
    """The latents at which the twin calls the network, as far as the levels of whole steps are known."""
    space = subject.spaces[0]
    network = Network(subject, case, space)
    shown: list[Tensor] = []

    def call(x: Tensor, at: Point) -> Tensor:
        shown.append(x)
        return network.predict(x, at)

    rising = len(levels) > 1 and bool(det(levels[-1], levels[0]) < 0)  # in noise: a run from data
    stepper = Stepper(solver, source=space, path=path, invert=rising, **_needed(space))
    start = taken = 0
    while start + 1 < len(levels):
        drawn = noise.taken
        for calls in range(1, len(levels) - start):
            if bool(det(levels[start + calls], levels[start]) == 0):  # a level that is shown twice in a row is no step
                continue
            trial, before = copy.copy(stepper), len(shown)
            noise.taken = drawn
            moved = trial.step(call, z, levels[start], levels[start + calls])
            taken = len(shown) - before
            if taken == calls:
                break
            del shown[before:]  # a step of so many calls does not end there: that level is an inner node
        else:
            if 0 < taken < len(levels) - start:
                raise CheckFailure(
                    f"{solver.name} calls the network {taken} time(s) in the step from call {start + 1}, and where it "
                    "arrives no call follows"
                )
            break
        z, stepper, start = moved, trial, start + calls
    return [*shown, z]


def _needed(space: str) -> dict[str, Any]:
    return {name: PARAMETERS[name] for name in PARAMETERIZATIONS[space].needs}


def _two_steps(subject: Sampler) -> SearchStrategy[RunCase]:
    low, high = subject.steps
    return st.integers(min(max(low, 2), high), high).flatmap(lambda steps: run_cases(subject, steps=steps))


def _no_twin(subject: Sampler) -> str:
    if subject.twin is None:
        return "no twin of the catalogue is declared"
    return "a clip has no twin" if subject.clip is not None else ""


CHECKS = (
    Check(
        name="twin",
        property="X0",
        summary="a run is that of the declared solver of the catalogue, call by call",
        hint="the weights of the history, the node of an inner call, the form of the first and of the last step",
        kind=Sampler,
        body=like_its_twin,
        strategy=_two_steps,
        inapplicable=_no_twin,
    ),
)
