r"""X0: on data whose exact trajectory is known in every step.

**A point mass.** Every latent a deterministic sampler makes of it is :math:`\alpha m + \sigma n` with the noise it
started from (:mod:`cfg_equiv.testing.line`): it lies in the plane of data and noise, and its two coordinates are a
point of the declared path. Which level that must be is SCH's question. The end lies nearer to the data than the last
call; where the latent is scaled to be shown, the end need not be, and has alpha = 1. A point mass cannot show an order,
nor a step between the wrong levels.

**The declared twin**, on Gaussians and mixtures: the solver of the catalogue that the sampler says it is, run over the
levels it was seen to use, gives the latents it was seen to show, call by call.

What may differ is what one ulp explains (:mod:`cfg_equiv.rounding.rerun`), and for a path the rounding of a table.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.errors import HistoryError, LevelError, NonFiniteError, PathError, SingularEndError
from cfg_equiv.stepper import Stepper
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.eq import spread
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.levels import EXCESS, off_path
from cfg_equiv.testing.line import TABLE, Line, calibrated, follow, line_cases, place
from cfg_equiv.testing.network import PARAMETERS, Network, traced
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler


def on_the_path(subject: Sampler, case: RunCase) -> str | None:
    """Every state is a point of the declared path on the line from data to noise."""
    line = follow(subject, case, case.z)
    if float(line.levels[0].sigma) == 0:
        return "the run starts without noise"
    found = calibrated(subject, case, lambda again: _off(subject, again))
    if found.vacuous:
        return "no finite bound: the run is not finite, or one ulp moves it without limit"
    where, _ = line.coordinates()
    allowed = found.bound
    if subject.state in EXCESS:
        rounding = torch.stack([off_path(subject.state, Point(*at))[1] for at in where])
        allowed = torch.cat([allowed[:, :-1], allowed[:, -1:] + rounding[:, None]], 1)
        if bool((where[-1, 0] - 1).abs() <= allowed[-1, -1]):  # the end is returned as it is, not as it would be shown
            allowed[-1, -1] = torch.inf
    bad = (found.result.abs() > allowed).any(1)
    if bool(bad.any()):
        index = int(bad.nonzero()[0, 0])
        raise CheckFailure(_message(subject, line, found.result[index], allowed[index], index))
    _require_nearer(line, where, found.bound, case.steps)
    return None


def _off(subject: Sampler, line: Line) -> Tensor:
    """What no state may have: a part outside the plane, and an excess over the path; in units of the level's size."""
    where, rest = line.coordinates()
    sizes = torch.stack([*((at.alpha**2 + at.sigma**2).sqrt() for at in line.levels), torch.ones(()).double()])
    parts = [rest / sizes[:, None]]
    if subject.state in EXCESS:
        parts.append(torch.stack([EXCESS[subject.state](*at) for at in where])[:, None])
    return torch.cat(parts, 1)


def _message(subject: Sampler, line: Line, off: Tensor, allowed: Tensor, index: int) -> str:
    alpha, sigma = (float(x) for x in line.coordinates()[0][index])
    ratio = float((off.abs() / allowed).max())
    if subject.state in EXCESS and bool(off[-1].abs() > allowed[-1]):
        what = f"is at alpha = {alpha:.6g}, sigma = {sigma:.6g}, off the path {subject.state!r} by {float(off[-1]):.3g}"
    else:
        what = f"holds {float(off.abs().max()):.3g} of neither the data nor the noise it started from"
    return f"data at one point: {place(line.states, index)} {what}, {ratio:.3g} times what one ulp explains"


def _require_nearer(line: Line, where: Tensor, bound: Tensor, steps: int) -> None:
    # Heun's second call is at the end of its step, where the next step then asks again: so levels are repeated.
    again = len({(float(at.alpha), float(at.sigma)) for at in line.levels}) < len(line.levels)
    if len(line.levels) > steps == 1:
        return  # of one step with several calls that is not seen
    last, (alpha, sigma) = line.levels[-2 if again else -1], where[-1]
    gained = line.direction() * (alpha * last.sigma - sigma * last.alpha)
    most = last.sigma if line.direction() > 0 else last.alpha  # of what a step from there can gain
    if line.direction() and bool(gained <= bound[-1].max()) and bool(bound[-1].max() < most):
        raise CheckFailure(
            f"data at one point: the end is at alpha = {float(alpha):.6g}, sigma = {float(sigma):.6g}, no further than "
            f"the last network call at alpha = {float(last.alpha):.6g}, sigma = {float(last.sigma):.6g}"
        )


def like_its_twin(subject: Sampler, case: RunCase) -> str | None:
    """Every latent shown to the network is the one that the declared solver shows it at the same levels."""
    space = subject.spaces[0]
    states, levels = traced(subject, case, space, case.z)
    if not bool(states.isfinite().all()):
        return "the run is not finite"
    path = None if subject.state == "free" else subject.state
    try:
        twin = _twin(subject, replace(case, dtype="float64"), states[0].double(), levels, path)
    except (HistoryError, LevelError, NonFiniteError, PathError, SingularEndError) as error:
        return f"the twin has no value there: {error}"
    if len(twin) < 2:
        return "one network call, the first, has no step before it"
    allowed = spread(subject, case, space).bound[: len(twin)].double()
    allowed = allowed + TABLE * states[: len(twin)].double().abs().amax()
    difference = (states[: len(twin)].double() - torch.stack(twin)).abs()
    if bool((difference <= allowed).all()):
        return None if bool(allowed.isfinite().all()) else "no finite bound"
    index = int((difference > allowed).flatten(1).any(1).nonzero()[0, 0])
    raise CheckFailure(
        f"{subject.twin} run over the same levels shows the network another latent at call {index + 1}: they differ by "
        f"{float(difference[index].max()):.3g}, {float((difference / allowed)[index].max()):.3g} times what one ulp "
        "explains"
    )


def _twin(subject: Sampler, case: RunCase, z: Tensor, levels: Sequence[Point], path: str | None) -> list[Tensor]:
    """The latents at which the twin calls the network, as far as the levels of whole steps are known."""
    solver, space = SOLVERS[subject.twin], subject.spaces[0]
    network = Network(subject, case, space)
    shown: list[Tensor] = []

    def call(x: Tensor, at: Point) -> Tensor:
        shown.append(x)
        return network.predict(x, at)

    stepper = Stepper(solver, source=space, path=path, **_needed(space))
    start = taken = 0
    while start + 1 < len(levels):
        for calls in range(1, len(levels) - start):
            if bool(det(levels[start + calls], levels[start]) == 0):  # a level that is shown twice in a row is no step
                continue
            trial, before = copy.copy(stepper), len(shown)
            moved = trial.step(call, z, levels[start], levels[start + calls])
            taken = len(shown) - before
            if taken == calls:
                break
            del shown[before:]  # a step of so many calls does not end there: that level is an inner node
        else:
            if 0 < taken < len(levels) - start:
                raise CheckFailure(
                    f"{subject.twin} calls the network {taken} time(s) in the step from call {start + 1}, and where it "
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


def _drawn(subject: Sampler) -> str:
    return "it draws noise: MOM looks at its moments" if subject.stochastic else ""


def _no_twin(subject: Sampler) -> str:
    if not subject.twin:
        return "no twin of the catalogue is declared"
    return _drawn(subject) or ("a clip has no twin" if subject.clip is not None else "")


CHECKS = (
    Check(
        name="x0",
        property="X0",
        summary="on data at one point every latent is a point of the path between that point and the noise",
        hint="the coefficients of the step, a noise and a data estimate of different levels, a last step not taken",
        kind=Sampler,
        body=on_the_path,
        strategy=line_cases,
        inapplicable=_drawn,
    ),
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
