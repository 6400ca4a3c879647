"""What was made of the failures of a sweep: each is looked up among answers that somebody gave after a second look.

An answer is the section of a derivation that reports the cause, or in words why it is none. It is looked up by class,
property, status and the option values of the smallest failing run, never by the wording of a message: what it says is
that runs with these options are known to break this property, and why. A failure without an answer is new.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cfg_equiv.report.markdown import Table


@dataclass(frozen=True)
class Answer:
    """One cause.

    Attributes
    ----------
    answer
        The section that reports it, or the reason why there is none.
    classes, properties, status
        Whose, and of which properties: all if empty. ``failed``, ``error``, or empty for both.
    options
        Choices of option values, one of which the run must have; ``None`` is the default of an option.
    """

    answer: str
    classes: Sequence[str]
    properties: Sequence[str]
    status: str
    options: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> list[Self]:
        """The answers of a JSON file: a list of objects with these attributes, the first that fits holds."""
        return [cls(**one) for one in json.loads(path.read_text(encoding="utf-8"))]

    def fits(self, name: str, checked: str, status: str, options: Mapping[str, Any]) -> bool:
        """Whether it answers for a class, a property, a status and the option values that are not at their default."""
        return (
            name in self.classes
            and (not self.properties or checked in self.properties)
            and self.status in ("", status)
            and any(all(options.get(key) == value for key, value in choice.items()) for choice in self.options)
        )


def answered(found: Mapping[str, Any], answers: Sequence[Answer]) -> list[str]:
    """The answers to one entry of ``explained`` of a sweep's summary, one a property; empty for one that has none."""
    name, options = found["target"].partition(":")[2], found["smallest"]["options"]
    fitting = (
        next((one.answer for one in answers if one.fits(name, checked, found["status"], options)), "")
        for checked in found["properties"]
    )
    return list(fitting)


def unanswered(summary: Mapping[str, Any], answers: Sequence[Answer]) -> list[str]:
    """What of a sweep's summary has no answer, one sentence each."""
    return [
        f"{found['target']} {checked} {found['status']}: {found['smallest']['options'] or 'the defaults'}"
        for found in summary["explained"]
        for checked, answer in zip(found["properties"], answered(found, answers), strict=True)
        if not answer
    ]


def table(summary: Mapping[str, Any], answers: Sequence[Answer]) -> Table:
    """Every entry of a sweep's summary with its answers, sorted by them.

    Where a condition has several terms, those that answers are known for are answered too.
    """
    rows = [
        (
            " and ".join(_said(found, answers)),
            found["target"].partition(":")[2],
            " ".join(found["properties"]),
            found["status"],
            _condition(found),
        )
        for found in summary["explained"]
    ]
    return Table(
        ("answer", "class", "property", "status", "runs"),
        tuple(sorted(rows, key=lambda row: (_sections(row[0]), *row))),
    )


def _said(found: Mapping[str, Any], answers: Sequence[Answer]) -> list[str]:
    """The answers to the smallest failing run, NEW where there is none, and those to the terms of the condition."""
    said = [one or "NEW" for one in answered(found, answers)]
    for term in found["condition"]:
        if options := {name: value for name, sign, value in term if sign == "="}:
            said += answered({**found, "smallest": {"options": options}}, answers)
    return sorted({one for one in said if one}, key=_sections)


def _sections(text: str) -> tuple[bool, bool, list[int], str]:
    """What is new first, then by the numbers of sections, then the reasons."""
    return text != "NEW", not text[:1].isdigit(), [int(part) for part in re.findall(r"\d+", text)], text


def _condition(found: Mapping[str, Any]) -> str:
    """Which runs, by the condition that was found; else by the options of the smallest."""
    terms = (" and ".join(f"{name} {sign} {value}" for name, sign, value in term) for term in found["condition"])
    smallest = " and ".join(f"{name} = {value}" for name, value in found["smallest"]["options"].items())
    some = "all" if found["extent"] == "all" else f"among them {smallest or 'the defaults'}"
    return f"{found['failing']} of {found['failing'] + found['passing']}: {'; or '.join(terms) or some}"
