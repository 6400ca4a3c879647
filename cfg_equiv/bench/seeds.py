"""Do the properties hold under every seed? ``python -m cfg_equiv.bench.seeds --seeds 200 --out seeds.jsonl``.

It runs the tests of the default tier which use Hypothesis, and the checks on targets that are clean, under one seed
after the other, each run in a process of its own. A correct property that fails under some seeds has a bound that is
too narrow or a case it should not draw: each is printed with its seeds. A run that ends is a line in ``--out``: kill it
at any time, start it again, and it goes on. The exit status is 1 if anything failed, and 2 if the request was wrong.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, TextIO

import pytest
from hypothesis import is_hypothesis_test, settings

PATHS = ("tests",)
PROFILE = "seeds"
Kind = Literal["tests", "check"]


@dataclass(frozen=True)
class Job:
    """The tests under a path, or the checks of one subject of a target, under one seed."""

    kind: Kind
    what: str
    seed: int
    examples: int | None = None  # as the profile or the checks have it
    subject: str = ""

    def __str__(self) -> str:
        return f"seed {self.seed} {self.what} {self.subject}".rstrip()


@dataclass(frozen=True)
class Outcome:
    """What came of a job: how many tests or checks ran, and of those that failed, id and message."""

    job: Job
    ran: int
    failures: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Read what :meth:`to_json` wrote."""
        data = json.loads(text)
        failures = tuple((str(name), str(message)) for name, message in data["failures"])
        return cls(Job(**data["job"]), int(data["ran"]), failures, float(data["seconds"]))


class Watch:
    """A pytest plugin: only tests which use Hypothesis run, on examples of the seed, and what fails is kept."""

    def __init__(self, examples: int | None = None) -> None:
        self.examples, self.ran = examples, 0
        self.failures: list[tuple[str, str]] = []

    def pytest_configure(self) -> None:
        """No example comes from another run, and none is the same under every seed."""
        count = self.examples or settings().max_examples
        settings.register_profile(PROFILE, max_examples=count, derandomize=False, database=None, deadline=None)
        settings.load_profile(PROFILE)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the rest."""
        rest = [item for item in items if not is_hypothesis_test(getattr(item, "obj", None))]
        config.hook.pytest_deselected(items=rest)
        items[:] = [item for item in items if item not in rest]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported is a failure."""
        self._keep(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests."""
        self.ran += report.when == "call"
        self._keep(report)

    def _keep(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed:
            crash: Any = getattr(report.longrepr, "reprcrash", None)
            self.failures.append((report.nodeid, _short(crash.message if crash else report.longreprtext[-200:])))


def run_tests(path: str, seed: int, examples: int | None = None) -> tuple[int, list[tuple[str, str]]]:
    """Run the tests under ``path`` in this process: how many ran, and the failures."""
    watch, sink = Watch(examples), io.StringIO()
    arguments = ["-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", path]
    # Hypothesis is imported already, so its plugin's assertions are not rewritten: nothing that matters here.
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    if importlib.util.find_spec("xdist"):
        arguments += ["-n", "0"]
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        status = pytest.main(arguments, plugins=[watch])
    if not watch.failures and (status != pytest.ExitCode.OK or not watch.ran):
        came = "no test there uses Hypothesis" if not watch.ran else f"pytest ends with status {int(status)}"
        watch.failures.append((path, f"{came}: {_short(sink.getvalue()[-200:])}"))
    return watch.ran, watch.failures


def run_checks(target: str, name: str, seed: int, examples: int | None = None) -> tuple[int, list[tuple[str, str]]]:
    """Run the checks on the subject of ``target`` so named: how many ran, and the failures with their cases."""
    from cfg_equiv.testing.runner import check
    from cfg_equiv.testing.targets import resolve

    ran, failures = 0, []
    for subject in resolve(target):
        if str(subject) == name:
            report = check(subject, seed=seed, examples=examples)
            ran += report.counts["ran"]
            for record in report.checks:
                if record.status in ("failed", "error"):
                    failures.append((f"{subject}-{record.name}", f"{record.message} {record.case}".strip()))
    return ran, failures


def run(job: Job) -> Outcome:
    """Run a job in this process."""
    start = time.perf_counter()
    if job.kind == "tests":
        ran, failures = run_tests(job.what, job.seed, job.examples)
    else:
        ran, failures = run_checks(job.what, job.subject, job.seed, job.examples)
    if not ran and not failures:
        failures = [(job.subject or job.what, "nothing ran")]
    return Outcome(job, ran, tuple(failures), round(time.perf_counter() - start, 1))


def run_apart(job: Job) -> Outcome:
    """Run a job in a process of its own: what it does to Hypothesis and to pytest ends there, and so does a crash."""
    context = _context()
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(job, writer))
    process.start()
    writer.close()
    with reader:
        try:
            outcome: Outcome = reader.recv()
        except EOFError:
            outcome = Outcome(job, 0, ((job.what, "the process ended before the run did"),))
    process.join()
    return outcome


def _context() -> Any:
    return get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")


def preload(modules: Iterable[str]) -> None:
    """Import these once, before the first of the processes: a library takes longer to import than to check."""
    context = _context()
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(list(modules))


def _send(job: Job, writer: Connection) -> None:
    """In the process of its own; where nobody listens any more it ends."""
    with writer, contextlib.suppress(BrokenPipeError):
        writer.send(run(job))


def read(path: Path) -> list[Outcome]:
    """The outcomes in a file; a last line that a killed run left half-written is cut off.

    Raises
    ------
    SystemExit
        If the file is not of this program.
    """
    found: list[Outcome] = []
    if not path.exists():
        return found
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    for number, line in enumerate(whole.decode().splitlines(), 1):
        try:
            found.append(Outcome.from_json(line))
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"line {number} of {path} is no outcome of this program: give another --out") from error
    if whole != data:
        path.write_bytes(whole)
    return found


def report(outcomes: Iterable[Outcome], out: TextIO) -> int:
    """Print each failure with its seeds, and how to see it again; the exit status."""
    runs = ran = 0
    seeds: dict[Job, int] = defaultdict(int)
    failed: dict[tuple[Job, str], list[tuple[int, str]]] = defaultdict(list)
    for outcome in outcomes:
        runs, ran = runs + 1, ran + outcome.ran
        what = replace(outcome.job, seed=0)
        seeds[what] += 1
        for name, message in outcome.failures:
            failed[what, name].append((outcome.job.seed, message))
    for (what, name), found in failed.items():
        under = ", ".join(str(seed) for seed, _ in found)
        print(f"{name}: failed under {len(found)} of {seeds[what]} seeds ({under}): {found[0][1]}", file=out)
        if what.kind == "tests":
            print(f"  again: pytest '{name}' --hypothesis-seed={found[0][0]}", file=out)
        else:
            print(f"  again: check(subject, seed={found[0][0]}), of {what.what}", file=out)
    print(f"{runs} runs, {ran} tests and checks, {len(failed)} of them failed under a seed", file=out)
    return int(bool(failed))


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


def _jobs(options: argparse.Namespace, subjects: list[tuple[str, str]]) -> Iterator[Job]:
    """One seed after the other, each on everything: what is stopped early has seen all of it."""
    for seed in range(options.first, options.first + options.seeds):
        for path in options.paths:
            yield Job("tests", path, seed, options.examples)
        for target, subject in subjects:
            yield Job("check", target, seed, options.examples, subject)


def _subjects(parser: argparse.ArgumentParser, targets: list[str], without: list[str]) -> list[tuple[str, str]]:
    """Each target with the names of its subjects; those that are known to fail are left out."""
    from cfg_equiv.errors import UnknownNameError, unknown_name
    from cfg_equiv.testing.targets import TargetError, resolve

    try:
        found = list(dict.fromkeys((target, str(subject)) for target in targets for subject in resolve(target)))
        for name in without:
            if name not in (subject for _, subject in found):
                raise unknown_name("subject of the targets", name, {subject for _, subject in found})
    except (UnknownNameError, TargetError) as error:
        parser.error(str(error))
    return [pair for pair in found if pair[1] not in without]


def main(arguments: list[str] | None = None) -> int:
    """Run the jobs that have not run yet, and print what failed."""
    parser = argparse.ArgumentParser(prog="python -m cfg_equiv.bench.seeds", description="Properties, seed by seed.")
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--paths", nargs="*", default=PATHS, help="files or folders of tests")
    parser.add_argument("--targets", nargs="*", default=[], help="as for cfg-equiv check: diffusers:DDIMScheduler")
    parser.add_argument("--without", nargs="*", default=[], metavar="SUBJECT", help="of the targets, known to fail")
    parser.add_argument("--examples", type=int, help="for each test and check, instead of what each has")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON lines; go on where it ends")
    options = parser.parse_args(arguments)
    for name in ("seeds", "processes", "examples"):
        if (value := getattr(options, name)) is not None and value < 1:
            parser.error(f"--{name} is 1 or more, got {value}")
    if absent := [path for path in options.paths if not Path(path.partition("::")[0]).exists()]:
        parser.error(f"there is no {absent[0]}: give --paths, or start in the folder that has it")
    if options.without and not options.targets:
        parser.error("--without is for the subjects of --targets: give them")
    before = set(sys.modules)
    jobs = list(_jobs(options, _subjects(parser, options.targets, options.without)))
    preload(["cfg_equiv.testing", *(name for name in sys.modules if name not in before)])
    done = {outcome.job: outcome for outcome in (read(options.out) if options.out else ())}
    todo = [job for job in jobs if job not in done]
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(options.out.open("a", encoding="utf-8")) if options.out else None
        pool = stack.enter_context(ThreadPoolExecutor(options.processes))
        stack.callback(pool.shutdown, cancel_futures=True)
        for k, outcome in enumerate(pool.map(run_apart, todo), len(jobs) - len(todo) + 1):
            done[outcome.job] = outcome
            if file is not None:
                print(outcome.to_json(), file=file, flush=True)
            print(
                f"[{k}/{len(jobs)}] {outcome.job}: {outcome.ran} ran, {len(outcome.failures)} failed, "
                f"{outcome.seconds:.1f} s",
                file=sys.stderr,
            )
    return report((done[job] for job in jobs), sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
