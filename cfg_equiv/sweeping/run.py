"""A sweep: the plan, less what the results file has, through a pool, into the file."""

import itertools
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.sweeping.cluster import Cluster
from cfg_equiv.sweeping.cover import combinations
from cfg_equiv.sweeping.doubts import doubts
from cfg_equiv.sweeping.findings import overview
from cfg_equiv.sweeping.pool import MEMORY, SECONDS, Limits, LocalPool
from cfg_equiv.sweeping.records import Header, Run, RunRecord
from cfg_equiv.sweeping.store import Results, writing
from cfg_equiv.sweeping.targets import expand, product_of
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.targets import resolve

EXAMPLES = 25
ROUNDS = 8  # of runs after the plan
# Distributions whose version is noted, by the first part of a target.
DISTRIBUTIONS = {"k_diffusion": "k-diffusion", "diffusers.guiders": "diffusers"}

Progress = Callable[[str], object]


class Pool(Protocol):
    """What runs runs."""

    def map(self, runs: Iterable[Run]) -> Iterator[RunRecord]:
        """The records of the runs as they end."""

    def close(self) -> None:
        """End what was started."""


@dataclass
class Tally:
    """How far a sweep is. ``there`` were in the file before; ``new`` came since."""

    planned: int
    there: int = 0
    new: int = 0
    failed: int = 0
    rejected: int = 0
    errors: int = 0
    interrupted: bool = False
    remarks: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Runs in the file."""
        return self.there + self.new

    def count(self, record: RunRecord, *, new: bool) -> None:
        """Take a record in."""
        self.new, self.there = self.new + new, self.there + (not new)
        self.failed += record.report is not None and any(not check.holds for check in record.report.checks)
        self.rejected += record.outcome == "rejected"
        self.errors += record.outcome == "error"

    def line(self, record: RunRecord) -> str:
        """The progress as one line, the target first."""
        text = f"{record.run.target} {self.done}/{self.planned} runs: {self.failed} with failures"
        left = (time.monotonic() - self.started) / max(self.new, 1) * (self.planned - self.done)
        return f"{text}, {self.rejected} rejected, {self.errors} with errors; about {_minutes(left)} left"

    def ending(self, path: Path) -> str:
        """The closing sentence."""
        if self.interrupted and not self.planned:
            return (
                f"interrupted before a run was planned, and nothing was written to {path}: run the same command again"
            )
        if self.interrupted:
            return f"interrupted: {self.done} of {self.planned} runs are in {path}; the same command goes on from there"
        rejected = f"{self.rejected} of them rejected by the library"
        found = f"{self.failed} with failures, {self.errors} with errors"
        return f"{self.done} runs in {path} ({self.new} new), {rejected}, {found}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def plan(targets: Sequence[str], *, full: bool = False) -> list[Run]:
    """The runs of the targets, in order; those of several targets take turns, so that a part is a part of each.

    Raises
    ------
    UnknownNameError, TargetError
        If a target is not there.
    """
    each = [_of_target(target, full) for target in expand(targets)]
    return [run for turn in itertools.zip_longest(*each) for run in turn if run is not None]


def _of_target(target: str, full: bool) -> Iterator[Run]:
    product = product_of(target)
    if product is None:
        return iter([Run(target, subject.name) for subject in resolve(target)])
    return (Run(target, "", product.changed(options)) for options in combinations(product, full=full))


def sweep(
    targets: Sequence[str],
    out: Path,
    *,
    full: bool = False,
    runs: int | None = None,
    jobs: int | None = None,
    scheduler: str = "",
    examples: int = EXAMPLES,
    checks: Sequence[str] | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    progress: Progress | None = None,
    pool: Pool | None = None,
) -> Tally:
    """Run the checks on the targets' options, and append each result to ``out`` as it comes.

    What ``out`` holds already is not run again, so that a sweep that was stopped, however, goes on where it was. After
    the plan come a few runs that put what explains the failures to the test (:mod:`~cfg_equiv.sweeping.doubts`).

    Parameters
    ----------
    targets
        ``diffusers:DDIMScheduler``, ``diffusers:*``, ``k_diffusion:*``, ``package.module:name`` with a
        :class:`~cfg_equiv.sweeping.product.Product` or subjects.
    full
        The whole product of the options, in place of all single changes and all pairs.
    runs
        Only the first so many runs of the plan, and none after it.
    jobs
        Processes on this machine; all cores, if left out.
    scheduler
        The address of a Dask scheduler to use instead.
    examples, checks
        As in :func:`cfg_equiv.check`.
    seconds, memory
        A run that takes longer, or more bytes than the libraries and this, is an error of that run.
    progress
        Told after each run how far it is.
    pool
        What runs the runs, in place of ``jobs`` and ``scheduler``.

    Raises
    ------
    UnknownNameError, TargetError, ParameterError
        If a target, a check or a number is not one.
    ResultsError
        If ``out`` is another sweep's.
    PoolError
        If nothing can be started, or there is no cluster at the address.
    """
    _require(runs, jobs, examples, seconds, memory, checks)
    tally = Tally(0)
    try:
        planned = plan(targets, full=full)[:runs]
        tally.planned = len(planned)
        header = header_of(targets, examples, checks)
        left = {run.key: run for run in planned}
        there: set[str] = set()

        def see(record: RunRecord) -> None:
            there.add(record.run.key)
            tally.planned += left.pop(record.run.key, None) is None
            tally.count(record, new=False)

        started: list[Pool] = []

        def through(runs_left: Sequence[Run]) -> None:
            if not started:
                limits = Limits(examples, checks, seconds, memory)
                started.append(
                    pool or (Cluster(scheduler, limits) if scheduler else LocalPool(jobs or _cores(), limits))
                )
            for record in started[0].map(runs_left):
                writer.append(record)
                there.add(record.run.key)
                tally.count(record, new=True)
                if progress is not None:
                    progress(tally.line(record))

        with writing(out, header, see) as (writer, remarks):
            tally.remarks += remarks
            try:
                if left:
                    through(list(left.values()))
                for _ in range(ROUNDS if runs is None else 0):
                    found = overview(Results.open(out).records(), header.defaults)
                    if not (doubted := doubts(found, there)):
                        break
                    tally.planned += len(doubted)
                    through(doubted)
            finally:
                for each in started:
                    each.close()
    except KeyboardInterrupt:  # also while the libraries are imported and the file is read
        tally.interrupted = True
    return tally


def _cores() -> int:
    return os.cpu_count() or 1


def header_of(targets: Sequence[str], examples: int, checks: Sequence[str] | None) -> Header:
    """The header of a sweep on this machine: versions of the libraries, of torch and of Python."""
    libraries = {"python": platform.python_version()}
    for target in ("torch", "numpy", *(target.partition(":")[0] for target in targets)):
        name = DISTRIBUTIONS.get(target, target.partition(".")[0])
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:  # somebody's own module
            continue
    products = {target: product_of(target) for target in expand(targets)}
    defaults = {target: product.default for target, product in products.items() if product is not None}
    asked = None if checks is None else list(checks)
    return Header(list(targets), version("cfg_equiv"), libraries, examples, defaults, asked)


def _require(
    runs: int | None, jobs: int | None, examples: int, seconds: float, memory: int, checks: Sequence[str] | None
) -> None:
    for name, value in {"runs": runs, "jobs": jobs, "examples": examples}.items():
        if value is not None and value < 1:
            raise ParameterError(sentence(f"1 or more {name}", f"{value}", f"pass {name}="))
    for name, amount in {"seconds": seconds, "memory": memory}.items():
        if amount <= 0:
            raise ParameterError(sentence(f"{name} above 0", f"{amount}", f"pass {name}="))
    known = [check.name for check in CHECKS]
    for check in checks or ():
        if check not in known:
            raise unknown_name("check", check, known)
