"""The commands ``sweep`` and ``report`` of the command line: they run, then hand plain records to the reports."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cfg_equiv.errors import ParameterError, UnknownNameError, sentence

COMMAND_ERRORS = (UnknownNameError, ParameterError)


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the two commands to the parser of the command line."""
    run = commands.add_parser("sweep", help="run the checks on a library's options; goes on where it was stopped")
    run.add_argument(
        "targets",
        nargs="+",
        metavar="TARGET",
        help="diffusers:DDIMScheduler, diffusers:*, my_package.my_module:product; also diffusers.guiders, k_diffusion, "
        "stable_audio, flow_matching, azula, skrample",
    )
    run.add_argument("--out", metavar="FILE", type=Path, required=True, help="the results, one line a run (JSON lines)")
    run.add_argument("--full", action="store_true", help="all combinations, not only all single changes and all pairs")
    run.add_argument("--runs", metavar="N", type=int, help="only the first N runs of the plan")
    run.add_argument("--jobs", metavar="N", type=int, help="processes on this machine (all cores)")
    run.add_argument("--scheduler", metavar="ADDRESS", default="", help="a Dask scheduler to use instead")
    run.add_argument("--examples", metavar="N", type=int, default=25, help="cases each check draws at most (25)")
    run.add_argument("--seconds", metavar="S", type=float, default=300.0, help="a run may take so long (300)")
    run.add_argument("--memory", metavar="GIB", type=float, default=4.0, help="and so much beyond the libraries (4)")
    page = commands.add_parser("report", help="the results of sweep, or of check --json, as one HTML page")
    page.add_argument("results", metavar="RESULTS", type=Path, help="the file that sweep --out or check --json wrote")
    page.add_argument("--out", metavar="FILE.html", type=Path, help="the page")
    page.add_argument("--json", metavar="FILE", type=Path, help="write the table and the explanations to FILE as JSON")


def run_sweep(options: argparse.Namespace) -> int:
    """Run a sweep and print what it found: 0 if all holds, 1 if not or if it was interrupted, 2 if asked wrongly."""
    from cfg_equiv.report.console import progress_line
    from cfg_equiv.sweeping.pool import PoolError
    from cfg_equiv.sweeping.run import sweep
    from cfg_equiv.sweeping.store import ResultsError
    from cfg_equiv.testing.targets import TargetError

    try:
        with progress_line() as progress:
            tally = sweep(
                options.targets,
                options.out,
                full=options.full,
                runs=options.runs,
                jobs=options.jobs,
                scheduler=options.scheduler,
                examples=options.examples,
                seconds=options.seconds,
                memory=int(options.memory * 2**30),
                progress=progress,
            )
    except (*COMMAND_ERRORS, TargetError, ResultsError, PoolError) as error:
        print(error, file=sys.stderr)
        return 2
    if tally.interrupted:
        print(tally.ending(options.out), file=sys.stderr)
        return 1
    _print_results(options.out, tally.remarks)
    print(tally.ending(options.out))
    return 0 if tally.failed == tally.errors == 0 else 1


def _print_results(path: Path, remarks: list[str]) -> None:
    from cfg_equiv.report.sweep_text import print_overview
    from cfg_equiv.sweeping.findings import overview
    from cfg_equiv.sweeping.store import Results

    results = Results.open(path)
    found = overview(results.records(), results.header.defaults)
    print_overview(found, [*remarks, *results.remarks])


def run_report(options: argparse.Namespace) -> int:
    """Write the page, the table, or both: 0, or 2 if the file is none or the page cannot be made."""
    from cfg_equiv.sweeping.store import ResultsError

    try:
        if options.out is None and options.json is None:
            raise ParameterError(sentence("something to write", "neither --out nor --json", "pass --out FILE.html"))
        page, table = _read(options.results, with_page=options.out is not None)
        for path, text in ((options.out, page), (options.json, json.dumps(table, indent=1))):
            if path is not None:
                _write(path, text)
    except (*COMMAND_ERRORS, ResultsError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        do = "give a file in an existing folder"
        raise ParameterError(sentence("a file that can be written", f"{path} ({error.strerror})", do)) from error
    print(f"wrote {path}")


def _read(path: Path, *, with_page: bool) -> tuple[str, Any]:
    """The page, empty if it is not asked for, and the table as JSON's types."""
    from cfg_equiv.sweeping.findings import overview
    from cfg_equiv.sweeping.store import Results, ResultsError

    if (reports := _of_check(path)) is not None:
        table = [report.to_dict() for report in reports]
        return (
            _pages().checks_page(reports, title=_title([path.stem]), meanings=_meanings()) if with_page else "",
            table,
        )
    results = Results.open(path)
    found = overview(results.records(), results.header.defaults)
    for remark in results.remarks:
        print(remark, file=sys.stderr)
    if not found.runs:
        raise ResultsError(sentence("one run or more", f"none in {path}", "run the sweep first"))
    header = results.header
    described = {"targets": list(header.targets), "versions": _versions(header), "examples": header.examples}
    page = ""
    if with_page:
        page = _pages().sweep_page(
            found,
            title=_title(header.targets),
            versions=_versions(header),
            meanings=_meanings(),
            remarks=results.remarks,
        )
    return page, {**described, **found.to_dict()}


def _versions(header: Any) -> dict[str, str]:
    return {**header.libraries, "cfg_equiv": header.version}


def _of_check(path: Path) -> list[Any] | None:
    """The reports that ``check --json`` wrote; None if the file is none of those."""
    from cfg_equiv.results import SubjectReport

    try:
        if path.read_bytes()[:1] != b"[":
            return None
        return [SubjectReport.from_dict(report) for report in json.loads(path.read_text(encoding="utf-8"))]
    except OSError:
        return None  # opening it as a sweep's says why
    except (ValueError, KeyError, TypeError):
        return None


def _title(targets: Any) -> str:
    names = ", ".join(targets[:3]) + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")
    return f"What the checks found: {names}"


def _pages() -> Any:
    try:
        from cfg_equiv.report import sweep_page
    except ModuleNotFoundError as error:
        do = "run pip install 'cfg_equiv[report]'"
        raise ParameterError(sentence(f"{error.name} to be installed for the page", "no such module", do)) from error
    return sweep_page


def _meanings() -> dict[str, Any]:
    from cfg_equiv.report.sweep_page import Meaning
    from cfg_equiv.testing.checks import CHECKS

    found: dict[str, list[Meaning]] = {}
    for check in CHECKS:
        found.setdefault(check.name, []).append(Meaning(check.summary, check.hint, check.kind.__name__))
    return found
