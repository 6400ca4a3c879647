"""The verify report as text, in the terminal: tables by ``rich`` where it is installed, else the same rows plainly."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cfg_equiv.results import VerifyReport

Row = tuple[str, ...]
NAME_WIDTH, PIPE_WIDTH = 34, 160  # columns


def has_rich() -> bool:
    """Whether the ``report`` extra is there."""
    return importlib.util.find_spec("rich") is not None


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """A callable that shows what runs now, on standard error: one moving line in a terminal, else one line a group."""
    if has_rich() and sys.stderr.isatty():
        from rich.console import Console

        with Console(file=sys.stderr).status("starting") as status:  # bound now: it may be redirected meanwhile
            yield status.update
        return
    seen: set[str] = set()

    def show(text: str) -> None:
        group = text.split()[0]
        if group not in seen:
            seen.add(group)
            print(f"running: {group} ...", file=sys.stderr, flush=True)

    yield show


def theorem_rows(report: VerifyReport) -> list[Row]:
    """One row a theorem: id, verdict, twin, method, time."""
    return [
        (t.id, t.status, "refuted" if t.twin_refuted else "NOT REFUTED", t.method, f"{t.ms:.0f} ms", t.statement)
        for t in report.theorems
    ]


def peer_rows(report: VerifyReport) -> list[Row]:
    """One row a comparison with released code."""
    return [(p.name, p.version, p.status, p.detail) for p in report.peers]


def failures(report: VerifyReport) -> list[str]:
    """What did not hold, one text each, with what to look at."""
    texts = [f"{t.id}: {t.detail}" for t in report.theorems if not t.holds]
    texts += [f"exact grid: {text}" for text in report.exact_grid.failures]
    return texts + [f"{p.name} ({p.status}): {p.detail}" for p in report.peers if not p.holds]


def summary(report: VerifyReport) -> str:
    """The closing lines: what ran, and the verdict."""
    counts = []
    if report.theorems:
        proved = sum(t.status == "proved" for t in report.theorems)
        argued = sum(t.status == "argued" for t in report.theorems)
        refuted = sum(t.twin_refuted for t in report.theorems)
        counts.append(
            f"{proved} theorems proved, {argued} argued, {refuted} of {len(report.theorems)} with all twins refuted"
        )
    if report.exact_grid.cases:
        counts.append(f"exact grid: {report.exact_grid.cases} cases, {report.exact_grid.failed} failed")
    if report.peers:
        counts.append(
            f"{sum(p.holds for p in report.peers)} of {len(report.peers)} comparisons with released code hold"
        )
    verdict = "All of it holds." if report.holds else "NOT all of it holds: see above."
    return "\n".join([*counts, f"{verdict} ({report.seconds:.1f} s)"])


def print_report(report: VerifyReport) -> None:
    """Print the tables, the failures and the summary to standard output."""
    if report.theorems:
        print_table("Theorems", ("id", "status", "twin", "method", "time", "statement"), theorem_rows(report))
    if report.peers:
        print_table("Released code", ("comparison", "version", "status", "detail"), peer_rows(report))
    for text in failures(report):
        print(f"FAILED {text}")
    print(summary(report))


def print_table(title: str, header: Row, rows: Sequence[Row]) -> None:
    """Print one table: by ``rich``, or in plain columns."""
    if has_rich():
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for k, name in enumerate(header):
            # The name of a thing is what one looks for: other columns wrap first.
            longest = max((len(row[k]) for row in rows), default=0)
            table.add_column(name, overflow="fold", min_width=min(longest, NAME_WIDTH) if k == 0 else None)
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        # A file or a pipe has no width of its own.
        # In a notebook too the table goes to standard output, as the rest of the report does.
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, force_jupyter=False).print(table)
        return
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header) - 1)]
    print(f"\n{title}")
    for row in (header, *rows):
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))
