"""What a sweep writes down: which runs it was asked for, and what came of each. Plain data, JSON and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from cfg_equiv.results import SubjectReport

FORMAT = 1  # of the results file
Outcome = Literal["ran", "rejected", "error"]
Option = bool | int | float | str | None


@dataclass(frozen=True)
class Run:
    """One run: a target such as ``diffusers:DDIMScheduler``, which of its subjects (by name), and its option values."""

    target: str
    subject: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells it from every other run."""
        return json.dumps([self.target, self.subject, self.options], sort_keys=True)

    def __str__(self) -> str:
        changed = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return " ".join(part for part in (self.target, self.subject, f"({changed})" if changed else "") if part)


@dataclass(frozen=True)
class RunRecord:
    """What came of a run.

    ``outcome`` is ``ran`` (then ``report`` says what the checks found), ``rejected`` (the library refuses the options:
    ``message`` is its sentence) or ``error`` (the subject could not be made, or its process died or was stopped).
    ``code`` is how the library's user writes the subject, ``traces`` are by check those of the failing case
    (:func:`cfg_equiv.sweeping.trace.traced_case`).
    """

    run: Run
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    report: SubjectReport | None = None
    code: str = ""
    traces: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The record as one line."""
        report = None if self.report is None else self.report.to_dict()
        return json.dumps({**asdict(self), "run": asdict(self.run), "report": report})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        report = data["report"]
        return cls(
            Run(**data["run"]),
            data["outcome"],
            data["message"],
            data["seconds"],
            None if report is None else SubjectReport.from_dict(report),
            data["code"],
            data["traces"],
        )


@dataclass(frozen=True)
class Header:
    """The first line of a results file: what made it. Runs of two headers are not mixed in one file.

    ``defaults`` are by target the values of the options that a run does not name.
    """

    targets: Sequence[str]
    version: str
    libraries: Mapping[str, str]
    examples: int
    defaults: Mapping[str, Mapping[str, Any]]
    checks: Sequence[str] | None = None
    format: int = FORMAT

    def to_json(self) -> str:
        """The header as one line."""
        checks = None if self.checks is None else list(self.checks)
        return json.dumps({"sweep": {**asdict(self), "targets": list(self.targets), "checks": checks}})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The header that :meth:`to_json` wrote."""
        return cls(**json.loads(text)["sweep"])

    def differences(self, other: Self) -> list[str]:
        """In what two headers differ, in words."""
        names = ("format", "version", "targets", "libraries", "examples", "checks")
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        found = [f"{name} {_brief(mine)}, not {_brief(theirs)}" for name, mine, theirs in pairs if mine != theirs]
        if not found and self.defaults != other.defaults:
            found.append("other defaults of the options")
        return found


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text}" for name, text in value.items()) or "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
