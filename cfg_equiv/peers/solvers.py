r"""Released solvers of several evaluations against the catalogue: whole runs, compared at every network call.

Both sides start from the same latent and are given the same predictions, call by call, so that the latents at which the
network is asked, and the last one, must be the same numbers. The catalogue's side is evaluated exactly, in interval
arithmetic, at the levels that the released code itself uses. The released side is bounded

- by :class:`~cfg_equiv.rounding.BoundMode`, which carries the rounding of every operation from the first latent on;
- where an operation has no rule, a value leaves torch (scipy, numpy) or passes through an infinity (:math:`\lambda` at
  :math:`\sigma = 0`), by the calibrated rerun, and the verdict on that latent is statistical.

Latents and predictions are distinct multiples of 1/8, so a wrong coefficient of any of them shows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cfg_equiv.algebra.driving import advance, arrive
from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import Guided, Past, Solver
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.intervals import INTERVAL, enclosure, number
from cfg_equiv.peers.floats import DECISION, draw, elementwise
from cfg_equiv.peers.solvers_course import Course, Step
from cfg_equiv.rounding import BoundMode, assert_within, calibrated_spread

SHAPE = (2, 1, 2)  # two items, one channel, two positions: no two numbers alike

Nudge = Callable[[Tensor], Tensor]


class Trace(NamedTuple):
    """What released code did: the latents it showed to its network, then the last one, and where it asked."""

    latents: list[Tensor]
    levels: list[Tensor]


Released = Callable[[Tensor, Sequence[Tensor], Nudge], Trace]
"""Runs released code from a latent with prepared predictions; its tables pass through the nudge."""


@dataclass(frozen=True)
class Case:
    """One released configuration and the entry it is claimed to be.

    Attributes
    ----------
    run, course
        The released side, and the catalogue's.
    row, parameters
        The parameterization of the predictions and what it needs beside the point.
    level
        The number by which the released code asks its network, where it does.
    rerun
        Why the running bound says nothing of this code, so that every latent is judged by reruns; empty: it does.
    idle_start
        Whether the entry's steps do not read the prediction at their start, so that it is not asked for.
    """

    name: str
    run: Released
    course: Course
    row: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    level: Callable[[Point], Any] = lambda at: at.sigma / at.alpha
    rerun: str = ""
    idle_start: bool = False


class Tally:
    """Counts what was compared and how, and keeps the largest share of a bound that a difference used."""

    def __init__(self) -> None:
        self.bounded = 0
        self.rerun = 0
        self.worst = 0.0

    def check(self, what: str, got: Tensor, exact: Sequence[Any], bound: Tensor, statistical: bool) -> None:
        """``got`` is within ``bound`` of ``exact``, element by element."""
        if not bool(got.isfinite().all()):
            raise AssertionError(f"{what}: the released code gives {got.flatten().tolist()}")
        middles, radii = zip(*(enclosure(number(0) + x) for x in exact), strict=True)
        limits = bound.flatten() + torch.tensor([2 * float(radius) for radius in radii], dtype=torch.float64)
        flat = got.flatten()
        try:
            vacuous = assert_within(flat, list(middles), limits)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        if vacuous:
            raise AssertionError(f"{what}: {vacuous} of {got.numel()} elements have no finite bound")
        if statistical:
            self.rerun += 1
        else:
            self.bounded += 1
        for value, middle, limit in zip(flat.tolist(), middles, limits.tolist(), strict=True):
            if limit:
                self.worst = max(self.worst, float(abs(Fraction(value) - middle) / Fraction(limit)))

    def __str__(self) -> str:
        rerun = f", {self.rerun} by calibrated reruns" if self.rerun else ""
        return f"{self.bounded + self.rerun} latents within the bound{rerun}, worst difference/bound {self.worst:.2g}"


def agrees(case: Case) -> str:
    """Every latent of the released run is that of the catalogue, within the bound, and so is where it was shown."""
    tally = Tally()
    z, *preds = draw(1 + _calls(case), seed=11, shape=SHAPE)
    with BoundMode() as mode:
        got = case.run(z, preds, lambda x: x)
    exact = _catalogue(case, z, preds)
    asked, expected = len(got.latents) - 1, len(exact.latents) - 1
    if asked != expected:
        raise AssertionError(f"{case.name}: the released code calls the network {asked} times, expected {expected}")
    leaves = bool(case.rerun) or DECISION in mode.unknown
    reruns: list[Tensor] = []
    pairs = [
        *(("latent", *pair) for pair in zip(got.latents, exact.latents, strict=True)),
        *(("level", *pair) for pair in zip(got.levels, exact.levels, strict=False)),
    ]
    for i, (kind, tensor, value) in enumerate(pairs):
        call = i if kind == "latent" else i - len(got.latents)
        what = f"{case.name}, " + ("the last latent" if i == asked else f"the {kind} of call {call}")
        bound = mode.error(tensor)
        statistical = tensor is not z and (leaves or not bool(bound.isfinite().all()))
        if statistical:
            reruns = reruns or _reruns(case, z, preds)
            bound = reruns[i]
        tally.check(what, tensor, value, bound, statistical)
    return f"{tally}: {case.rerun}" if case.rerun else str(tally)


def _calls(case: Case) -> int:
    """How many predictions the catalogue's run takes."""
    taken: list[Any] = []

    def zeros() -> Iterator[Any]:
        while True:
            taken.append(number(0))
            yield taken[-1]

    _native(case, number(0), zeros())
    return len(taken)


def _reruns(case: Case, z: Tensor, preds: Sequence[Tensor]) -> list[Tensor]:
    """The calibrated spread of everything in the trace."""
    sizes: list[int] = []

    def flat(nudge: Nudge, z: Tensor, *preds: Tensor) -> Tensor:
        trace = case.run(z, preds, nudge)
        parts = [part.flatten() for part in (*trace.latents, *trace.levels)]
        sizes[:] = [part.numel() for part in parts]
        return torch.cat(parts)

    return list(calibrated_spread(flat, [z, *preds]).bound.split(sizes))


class _Exact(NamedTuple):
    latents: list[list[Any]]
    levels: list[list[Any]]


def _catalogue(case: Case, z: Tensor, preds: Sequence[Tensor]) -> _Exact:
    """The exact latents by call, and the levels, each as a list over elements."""
    runs = elementwise(lambda z, *preds: _native(case, z, preds), z, *preds)
    latents, levels = ([list(items) for items in zip(*side, strict=True)] for side in zip(*runs, strict=True))
    return _Exact(latents, [items[: len(z)] for items in levels])


def _native(case: Case, z: Any, preds: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The latents of the catalogue's run at each network call and the last one, and the levels of the calls."""
    shown: list[Any] = []
    levels: list[Any] = []
    given = iter(preds)

    def net_of(solver: Solver) -> Callable[[Any, Point], Any]:
        def net(z: Any, at: Point) -> Any:
            shown.append(z)
            levels.append(case.level(at))
            asked = [
                to_space(INTERVAL, z, next(given), at, case.row, solver.space, **case.parameters)
                for _ in range(2 if solver.branches else 1)
            ]
            return Guided(*asked) if solver.branches else asked[0]

        return net

    s, reads = case.course.start, None
    past: tuple[Past, ...] = ()
    for step in case.course.steps:
        net = net_of(step.solver)
        at_start = net if not case.idle_start else lambda z, at: None
        past = arrive(INTERVAL, step.solver, past[:reads], z, s, at_start)
        z = advance(INTERVAL, step.solver, past[: step.reads], step.t, net, _placed(case, step), step.end)
        s, reads = step.t, step.reads
    return [*shown, z], levels


def _placed(case: Case, step: Step) -> Callable[[Point, Point, Fraction], Point]:
    given = iter(step.nodes)

    def place(s: Point, t: Point, fraction: Fraction) -> Point:
        if step.nodes:
            return next(given)
        return CLOCKS[step.solver.clock](INTERVAL, case.course.path, s, t, fraction)

    return place


def following(preds: Iterator[Tensor]) -> Tensor:
    """The next prepared prediction; a released run that asks for more is a difference."""
    pred = next(preds, None)
    if pred is None:
        raise AssertionError("the released code calls the network more often than the entry of the catalogue")
    return pred


def no_noise(sigma: Any, sigma_next: Any) -> float:
    """What samplers multiply by zero at ``eta = 0``."""
    return 0.0
