r"""X0: on data at one point, where the trajectory is known in every step.

Every latent a deterministic sampler makes of it is :math:`\alpha m + \sigma n` with the noise it started from
(:mod:`cfg_equiv.testing.line`): it lies in the plane of data and noise, and its two coordinates are a point of the
declared path. Which level that must be is SCH's question. The end lies nearer to the data than the last call; where the
latent is scaled to be shown, the end need not be, and has alpha = 1. A point mass cannot show an order, nor a step
between the wrong levels: the twin can (:mod:`cfg_equiv.testing.checks.twin`).

What may differ is what one ulp explains, what the sums of a step round to (:mod:`cfg_equiv.testing.allowance`), and for
a path the rounding of a table.
"""

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.case import DTYPES
from cfg_equiv.rounding.rerun import Spread
from cfg_equiv.testing.allowance import of_sums
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.levels import EXCESS, off_path
from cfg_equiv.testing.line import Line, calibrated, follow, line_cases, place
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler


def on_the_path(subject: Sampler, case: RunCase) -> str | None:
    """Every state is a point of the declared path on the line from data to noise."""
    line = follow(subject, case, case.z)
    if float(line.levels[0].sigma) == 0:
        return "the run starts without noise"
    where, _ = line.coordinates()
    sums = of_sums(line.states, line.levels, DTYPES[case.dtype])

    def explained(found: Spread) -> bool:
        if found.vacuous or bool((found.result.abs() > _allowed(subject, where, found, sums)).any()):
            return False
        return not _stays(line, where, found, case.steps)

    found = calibrated(subject, case, lambda again: _off(subject, again), explained)
    if found.vacuous:
        return "no finite bound: the run is not finite, or one ulp moves it without limit"
    allowed = _allowed(subject, where, found, sums)
    bad = (found.result.abs() > allowed).any(1)
    if bool(bad.any()):
        index = int(bad.nonzero()[0, 0])
        raise CheckFailure(_message(subject, line, found.result[index], allowed[index], index))
    if last := _stays(line, where, found, case.steps):
        alpha, sigma = where[-1]
        raise CheckFailure(
            f"data at one point: the end is at alpha = {float(alpha):.6g}, sigma = {float(sigma):.6g}, no further than "
            f"the last network call at alpha = {float(last.alpha):.6g}, sigma = {float(last.sigma):.6g}"
        )
    return None


def _allowed(subject: Sampler, where: Tensor, found: Spread, sums: Tensor) -> Tensor:
    """For what :func:`_off` finds; ``where`` are the coordinates of the states."""
    allowed = found.bound + sums.flatten()[:, None]
    if subject.state in EXCESS:
        rounding = torch.stack([off_path(subject.state, Point(*at))[1] for at in where])
        allowed = torch.cat([allowed[:, :-1], allowed[:, -1:] + rounding[:, None]], 1)
        if bool((where[-1, 0] - 1).abs() <= allowed[-1, -1]):  # the end is returned as it is, not as it would be shown
            allowed[-1, -1] = torch.inf
    return allowed


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


def _stays(line: Line, where: Tensor, found: Spread, steps: int) -> Point | None:
    """The level of the last call, if the end is no nearer to the data."""
    if len(line.levels) > steps == 1:
        return None  # of one step with several calls that is not seen
    # Heun's second call is at the end of its step, where the next step then asks again: so levels are repeated.
    again = len({(float(at.alpha), float(at.sigma)) for at in line.levels}) < len(line.levels)
    last, (alpha, sigma) = line.levels[-2 if again else -1], where[-1]
    gained = line.direction() * (alpha * last.sigma - sigma * last.alpha)
    most = last.sigma if line.direction() > 0 else last.alpha  # of what a step from there can gain
    nearest = found.bound[-1].max()
    return last if line.direction() and bool(gained <= nearest) and bool(nearest < most) else None


def _drawn(subject: Sampler) -> str:
    return "it draws noise: MOM looks at its moments" if subject.stochastic else ""


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
)
