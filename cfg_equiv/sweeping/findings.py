"""What a results file says: how often each property held, and where it did not, the options and the smallest case."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cfg_equiv.results import CHECK_STATUSES, CheckRecord
from cfg_equiv.sweeping.explain import Explanation, Literal, Term, explain
from cfg_equiv.sweeping.records import Run, RunRecord

RUN = "RUN"  # the property of a run that ended at all
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Witness:
    """A failing check of a run: enough to run it again."""

    run: Run
    options: Mapping[str, Any]  # all of them
    check: str
    case: str
    message: str
    version: str = ""
    code: str = ""
    trace: Mapping[str, Any] | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int, str]:
        """The smaller, the easier to read: options that are not at their default, then the case."""
        return len(self.run.options), len(self.case), self.run.key


@dataclass
class Finding:
    """A property of a target that ``failed``, or an ``error`` that broke the checks of one property or several."""

    target: str
    properties: Sequence[str]
    status: str
    explanation: Explanation
    smallest: Witness
    messages: Sequence[str] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    applies: Term = ()  # what a run needs for the property to apply to it, as far as that is known

    def __str__(self) -> str:
        return f"{self.target} {', '.join(self.properties)} {self.status}: {self.explanation}"


@dataclass
class Overview:
    """The whole file in small: ``table[target][property][status]`` are numbers of runs."""

    table: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    rejections: dict[str, dict[str, int]] = field(default_factory=dict)  # target -> the library's sentence -> runs
    runs: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The table class x property, and the option that explains each failure, as JSON's types."""
        return {
            "runs": self.runs,
            "table": self.table,
            "rejected": self.rejections,
            "explained": [
                {
                    "target": one.target,
                    "properties": list(one.properties),
                    "status": one.status,
                    "extent": one.explanation.extent,
                    "failing": one.explanation.failing,
                    "passing": one.explanation.passing,
                    "passing_too": one.explanation.passing_too,
                    "condition": [[_plain(literal) for literal in term] for term in one.explanation.condition],
                    "text": str(one.explanation),
                    "smallest": {
                        "options": dict(one.smallest.run.options),
                        "check": one.smallest.check,
                        "case": one.smallest.case,
                        "message": one.smallest.message,
                    },
                }
                for one in self.findings
            ],
        }


@dataclass
class _Trouble:
    """Runs with one kind of trouble."""

    runs: list[Options] = field(default_factory=list)
    properties: dict[str, None] = field(default_factory=dict)
    messages: dict[str, None] = field(default_factory=dict)
    smallest: Witness | None = None

    def take(self, witness: Witness, name: str) -> None:
        """Count a run once, and keep the smallest."""
        if not self.runs or self.runs[-1] is not witness.options:
            self.runs.append(witness.options)
        self.properties[name] = None
        self.messages[witness.message] = None
        if self.smallest is None or witness.size < self.smallest.size:
            self.smallest = witness


@dataclass
class _Target:
    """The runs of a target: by property and status, the failures by property, the errors by what they say."""

    by_status: dict[str, dict[str, list[Options]]] = field(default_factory=dict)
    failed: dict[str, _Trouble] = field(default_factory=dict)
    errors: dict[str, _Trouble] = field(default_factory=dict)
    whole: list[Options] = field(default_factory=list)  # runs without an error


def _plain(literal: Literal) -> list[Any]:
    return [literal.option, "=" if literal.equal else "!=", literal.value]


def overview(records: Iterable[RunRecord], defaults: Mapping[str, Options]) -> Overview:
    """Read the records once; ``defaults`` are the default options by target, which runs leave out."""
    targets: dict[str, _Target] = {}
    found = Overview()
    for record in records:
        found.runs += 1
        name = record.run.target
        if record.outcome == "rejected":
            sentences = found.rejections.setdefault(name, {})
            sentences[record.message] = sentences.get(record.message, 0) + 1
        else:
            _take_in(targets.setdefault(name, _Target()), record, defaults.get(name, {}))
    for name, target in targets.items():
        found.table[name] = {
            key: {status: len(runs[status]) for status in CHECK_STATUSES if status in runs}
            for key, runs in target.by_status.items()
        }
        found.findings += _findings(name, target, defaults.get(name, {}))
    return found


def _take_in(target: _Target, record: RunRecord, defaults: Options) -> None:
    run = record.run
    options = {**defaults, **run.options} if not run.subject else {"subject": run.subject}
    if record.outcome == "error":
        checks = [CheckRecord("run", RUN, "error", 0, 0, record.message, "", {})]
    else:
        checks = [*(record.report.checks if record.report else ()), CheckRecord("run", RUN, "passed", 0, 0, "", "", {})]
    version = record.report.version if record.report else ""
    worst: dict[str, CheckRecord] = {}
    for check in sorted(checks, key=lambda check: _RANK[check.status]):
        worst.setdefault(check.property, check)
    for name in dict.fromkeys(check.property for check in checks):
        check = worst[name]
        target.by_status.setdefault(name, {}).setdefault(check.status, []).append(options)
        trace = record.traces.get(check.name)
        seen = (check.case, check.message, version, record.code, trace, check.measured)
        witness = Witness(run, options, check.name, *seen)
        if check.status == "failed":
            target.failed.setdefault(name, _Trouble()).take(witness, name)
        elif check.status == "error":
            target.errors.setdefault(_kind(check.message), _Trouble()).take(witness, name)
    if all(check.status != "error" for check in worst.values()):
        target.whole.append(options)


def _kind(message: str) -> str:
    """An error without its numbers: one cause says the same with other sizes."""
    return re.sub(r"[0-9]+", "#", message)


_RANK = {status: k for k, status in enumerate(("failed", "error", "expected", "passed", "not_applicable"))}


def _findings(name: str, target: _Target, defaults: Options) -> Iterable[Finding]:
    """Failures of a property against the runs where it holds; an error against the runs without any."""
    for key, trouble in target.failed.items():
        by_status = target.by_status[key]
        good = [options for status in ("passed", "expected") for options in by_status.get(status, ())]
        yield _finding(name, "failed", trouble, good, defaults, _applies(by_status))
    for trouble in target.errors.values():
        yield _finding(name, "error", trouble, target.whole, defaults, ())


def _finding(
    name: str, status: str, trouble: _Trouble, good: list[Options], defaults: Options, applies: Term
) -> Finding:
    if trouble.smallest is None:
        raise ValueError("expected a run with this trouble, got none: there is nothing to explain")
    explanation, messages = explain(trouble.runs, good), list(trouble.messages)
    return Finding(name, list(trouble.properties), status, explanation, trouble.smallest, messages, defaults, applies)


def _applies(by_status: Mapping[str, list[Options]]) -> Term:
    without = by_status.get("not_applicable", [])
    within = [options for status, runs in by_status.items() if status != "not_applicable" for options in runs]
    found = explain(within, without) if without else None
    return found.condition[0] if found and found.condition else ()
