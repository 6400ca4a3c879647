"""What a sweep found as one HTML page for the maintainers of a library: self-contained, all that it prints escaped."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cfg_equiv.report.sweep_figures import caption, convergence, convergence_caption, trajectory
from cfg_equiv.report.sweep_text import cell, columns
from cfg_equiv.results import CHECK_STATUSES, SubjectReport
from cfg_equiv.sweeping.findings import Finding, Overview, Witness

MODULES = {"RunCase": "cfg_equiv.testing", "TimeCase": "cfg_equiv.testing.cases"}
CASES = "cfg_equiv.case"  # where the other kinds of case are
# What a case is a case of: checks of several kinds of subject share a name.
KINDS = {"RunCase": "Sampler", "TimeCase": "Schedule", "GuidanceCase": "Guidance", "ConversionCase": "Conversion"}


@dataclass(frozen=True)
class Meaning:
    """A check in words: what must hold, what to look at when it does not, and of which kind of subject it is."""

    summary: str
    hint: str = ""
    kind: str = "Sampler"


Meanings = Mapping[str, Sequence[Meaning]]  # by the name of a check


def meaning_of(meanings: Meanings, name: str, case: str) -> Meaning | None:
    """The words of a check for the kind of subject that the case is of; the first, if the case does not say."""
    known = meanings.get(name, ())
    kind = KINDS.get(case.partition("(")[0])
    return next((one for one in known if one.kind == kind), known[0] if known else None)


def sweep_page(
    overview: Overview,
    *,
    title: str,
    versions: Mapping[str, str],
    meanings: Meanings,
    remarks: Sequence[str] = (),
) -> str:
    """The page of a sweep.

    Parameters
    ----------
    overview
        What the results file says.
    title
        What was swept.
    versions
        Of the libraries, by name.
    meanings
        By the name of a check.
    remarks
        Sentences on the file, such as that it is cut off.
    """
    names = columns(overview)
    table = [
        (target, [(name, cell(row.get(name, {})), _class(row.get(name, {}))) for name in names])
        for target, row in overview.table.items()
    ]
    return _render(
        title=title,
        kind="sweep",
        versions=versions,
        columns=names,
        table=table,
        findings=_placed([_finding(one, meanings) for one in overview.findings]),
        rejections=overview.rejections,
        runs=overview.runs,
        remarks=remarks,
        words=_words(meanings, meanings if overview.table else ()),
    )


def checks_page(reports: Sequence[SubjectReport], *, title: str, meanings: Meanings) -> str:
    """The page of what ``cfg-equiv check --json`` wrote: one row a subject."""
    names = list(dict.fromkeys(record.property for report in reports for record in report.checks))
    table, findings = [], []
    for report in reports:
        counts: dict[str, dict[str, int]] = {}
        for record in report.checks:
            mine = counts.setdefault(record.property, {})
            mine[record.status] = mine.get(record.status, 0) + 1
            if not record.holds:
                findings.append(_failure(report, record.name, meanings))
        table.append(
            (report.subject, [(name, _verdict(counts.get(name, {})), _class(counts.get(name, {}))) for name in names])
        )
    versions = {report.subject.partition("[")[0]: report.version for report in reports if report.version}
    return _render(
        title=title,
        kind="check",
        versions=versions,
        columns=names,
        table=table,
        findings=_placed(findings),
        rejections={},
        runs=len(reports),
        remarks=(),
        words=_words(meanings, _checks_of(reports)),
    )


def _checks_of(reports: Sequence[SubjectReport]) -> dict[str, None]:
    return dict.fromkeys(record.name for report in reports for record in report.checks)


def _words(meanings: Meanings, names: Iterable[str]) -> dict[str, Meaning]:
    """What the last section lists; where kinds of subject share a name, it is said which."""
    return {
        name if len(meanings[name]) == 1 else f"{name} ({one.kind.lower()})": one
        for name in names
        if name in meanings
        for one in meanings[name]
    }


def _verdict(counts: Mapping[str, int]) -> str:
    worst = next((status for status in ("failed", "error", "expected", "passed") if counts.get(status)), "")
    return {"failed": "FAILED", "error": "ERROR", "expected": "expected", "passed": "ok"}.get(worst, "-")


def _class(counts: Mapping[str, int]) -> str:
    if counts.get("failed") or counts.get("error"):
        return "bad"
    return "good" if any(counts.get(status) for status in CHECK_STATUSES if status != "not_applicable") else "soft"


def _finding(one: Finding, meanings: Meanings) -> dict[str, Any]:
    """What the page shows of a finding."""
    witness = one.smallest
    others = [message for message in one.messages if message != witness.message]
    return {
        "target": one.target,
        "properties": list(one.properties),
        "status": one.status,
        "explanation": str(one.explanation),
        "meaning": meaning_of(meanings, witness.check, witness.case),
        "message": witness.message,
        "code": witness.code,
        "version": witness.version,
        "snippet": snippet(witness),
        "options": dict(witness.run.options),
        **_picture(witness.measured, witness.trace),
        "others": others,
    }


def _failure(report: SubjectReport, name: str, meanings: Meanings) -> dict[str, Any]:
    record = next(record for record in report.checks if record.name == name)
    return {
        "target": report.subject,
        "properties": [record.property],
        "status": record.status,
        "explanation": "",
        "meaning": meaning_of(meanings, name, record.case),
        "message": record.message,
        "code": "",
        "version": report.version,
        "snippet": f"{record.case}  # the case of check {name}" if record.case else "",
        "options": dict(record.options),
        **_picture(record.measured, None),
        "others": [],
    }


def _picture(measured: Mapping[str, Any], trace: Mapping[str, Any] | None) -> dict[str, str]:
    """Errors against steps where an order fails, else the run of the failing case, if there is one."""
    if "errors" in measured:
        return {"picture": _embedded(convergence(measured)), "caption": convergence_caption(measured)}
    if trace:
        return {"picture": _embedded(trajectory(trace)), "caption": caption(trace)}
    return {"picture": "", "caption": ""}


def _placed(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with its ids: the first of a target and property has the one that the table links to."""
    seen: set[str] = set()
    for one in findings:
        wanted = [anchor(one["target"], name) for name in one["properties"]]
        one["places"] = [place for place in wanted if place not in seen]
        seen.update(wanted)
    return findings


def snippet(witness: Witness) -> str:
    """Python that runs the smallest failing case again; empty if the failure has no case."""
    if not witness.case:
        return ""
    kind = witness.case.partition("(")[0]
    module = MODULES.get(kind, CASES)
    run = witness.run
    if run.subject:
        imports = "from cfg_equiv.sweeping.records import Run\nfrom cfg_equiv.sweeping.targets import subject_of\n"
        made = f"subject_of(Run({run.target!r}, {run.subject!r}))"
    else:
        imports = "from cfg_equiv.sweeping.targets import subject\n"
        given = "".join(f", {name}={value!r}" for name, value in run.options.items())
        made = f"subject({run.target!r}{given})"
    from_testing = ["CHECKS"]
    if module == MODULES["RunCase"]:
        from_testing.append(kind)
    else:
        imports = f"from {module} import {kind}\n{imports}"
    return (
        f"{imports}from cfg_equiv.testing import {', '.join(from_testing)}\n\n"
        f"it = {made}\n"
        f"check = next(check for check in CHECKS if check.name == {witness.check!r} and check.applies(it))\n"
        f"check(it, {witness.case})\n"
    )


def _embedded(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def anchor(*parts: str) -> str:
    """An id for a place in the page, out of any text."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def _render(**values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("cfg_equiv.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["anchor"] = anchor
    return environment.get_template("sweep.html.j2").render(**values)
