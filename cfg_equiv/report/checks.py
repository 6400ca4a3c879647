"""What came of checking subjects, as text in the terminal: a table for each kind of subject, then each failure."""

from collections.abc import Mapping, Sequence

from cfg_equiv.report.console import Row, print_table
from cfg_equiv.results import CheckRecord, SubjectReport

_CELLS = {"passed": "ok", "failed": "FAILED", "error": "ERROR", "expected": "expected", "not_applicable": "-"}


def tables(reports: Sequence[SubjectReport]) -> list[tuple[Row, list[Row]]]:
    """A header and rows for each set of checks: subjects of one type share a table."""
    grouped: dict[Row, list[SubjectReport]] = {}
    for report in reports:
        grouped.setdefault(tuple(record.name for record in report.checks), []).append(report)
    heads = {names: tuple(name.replace("_", " ") for name in names) for names in grouped}
    return [
        (("subject", "examples", *heads[names]), [_row(report) for report in group]) for names, group in grouped.items()
    ]


def _row(report: SubjectReport) -> Row:
    return (report.subject, str(report.counts["examples"]), *(_CELLS[record.status] for record in report.checks))


def failures(reports: Sequence[SubjectReport], hints: Mapping[str, str]) -> list[str]:
    """Each failure: subject and property, options, the smallest case, the size against the bound, where to look."""
    return [_failure(report, r, hints) for report in reports for r in report.checks if not r.holds]


def _failure(report: SubjectReport, record: CheckRecord, hints: Mapping[str, str]) -> str:
    version = f" ({report.version})" if report.version else ""
    lines = [f"{_CELLS[record.status]} {report.subject}{version}: {record.property}, check {record.name}"]
    parts = {
        "options": ", ".join(f"{name}={value!r}" for name, value in record.options.items()),
        "case": record.case,
        "found": record.message,
        "look at": hints.get(record.name, "") if record.status == "failed" else "",
    }
    return "\n".join([*lines, *(f"  {name:<8} {text}" for name, text in parts.items() if text)])


def notes(reports: Sequence[SubjectReport]) -> list[str]:
    """What did not run, and what failed as expected, with the reason; each once, with the subjects it is true of."""
    found: dict[str, list[str]] = {}
    for report in reports:
        for record in report.checks:
            if record.status in ("not_applicable", "expected"):
                found.setdefault(f"{record.name} {record.status}: {record.message}", []).append(report.subject)
    return [
        f"{text} [{len(names)} subjects]" if len(names) > 1 else f"{text} [{names[0]}]" for text, names in found.items()
    ]


def summary(reports: Sequence[SubjectReport]) -> str:
    """How much ran, and the verdict."""
    counts = {name: sum(report.counts[name] for report in reports) for name in reports[0].counts}
    text = (
        f"{len(reports)} subject(s), {counts['ran']} checks ran on {counts['examples']} examples "
        f"({counts['vacuous']} of them vacuous): {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['error']} with errors, {counts['expected']} failed as expected, "
        f"{counts['not_applicable']} do not apply"
    )
    empty = [report.subject for report in reports if report.counts["ran"] == 0]
    return "\n".join([text, *(f"NOTHING ran on {name}: that says nothing about it" for name in empty)])


def print_checks(reports: Sequence[SubjectReport], hints: Mapping[str, str]) -> None:
    """Print the tables, the failures and the summary to standard output."""
    for header, rows in tables(reports):
        print_table("Checks", header, rows)
    for text in failures(reports, hints):
        print(f"\n{text}")
    print()
    for text in (*notes(reports), summary(reports)):
        print(text)
