"""Records as Markdown, for notebooks: Jupyter and GitHub show the table, anything else shows its source."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfg_equiv.report.checks import failures, notes, tables
from cfg_equiv.results import SubjectReport, TheoremResult

TWIN = re.compile(r"twin '(?P<label>[^']*)' (?P<outcome>refuted|NOT refuted): (?P<why>.*?)(?=; twin '|$)", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """A table of texts and numbers; numbers are shown with three digits."""

    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"expected rows of {len(self.header)} cells, as the header has, got {len(row)} in {row!r}: "
                    "give every row one cell a column"
                )

    def __str__(self) -> str:
        rule = ["---:" if column and all(_is_number(x) for x in column) else "---" for column in self._columns()]
        lines = [self.header, rule, *([_text(cell) for cell in row] for row in self.rows)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    __repr__ = __str__

    def _columns(self) -> list[tuple[Any, ...]]:
        return [tuple(row[k] for row in self.rows) for k in range(len(self.header))]

    def _repr_markdown_(self) -> str:
        return str(self)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float)


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}"
    return str(cell).replace("|", "\\|")


@dataclass(frozen=True)
class Verdicts:
    """Theorems as they were decided in this run, each with the neighbours that were refuted beside it."""

    results: tuple[TheoremResult, ...]
    twins: int = 2  # how many of them are shown

    def __str__(self) -> str:
        return "\n\n".join(self._one(result) for result in self.results)

    __repr__ = __str__

    def _one(self, result: TheoremResult) -> str:
        found = [match.groupdict() for match in TWIN.finditer(result.detail)]
        verdict = result.status if result.holds else "NOT established"
        refuted = sum(twin["outcome"] == "refuted" for twin in found)
        given = ", ".join(f"`{text}`" for text in result.conditions)
        lines = [f"**{result.id}: {verdict}** ({result.method}; {refuted} of {len(found)} twins refuted)"]
        lines += ["", f"$$ {result.statement} $$", ""]
        lines += [f"side conditions of its parts: {given}", ""] if given and len(result.conditions) <= 4 else []
        lines += [] if found else [result.detail]
        for twin in found[: self.twins]:
            lines += [f"- twin, {twin['outcome']}: *{twin['label']}*: `{_shortened(twin['why'])}`"]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        return str(self)


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."


def verdicts(results: Sequence[TheoremResult], twins: int = 2) -> Verdicts:
    """Decided theorems, to be shown; of each, the first ``twins`` refuted neighbours."""
    return Verdicts(tuple(results), twins)


@dataclass(frozen=True)
class Checked:
    """What came of checking subjects: the tables of the command line, then each failure, wrapped to be read."""

    reports: tuple[SubjectReport, ...]
    hints: Mapping[str, str]  # name of a check -> what to look at when it fails
    width: int = 110

    def __str__(self) -> str:
        shown = [str(Table(header, tuple(rows))) for header, rows in tables(self.reports)]
        texts = [*failures(self.reports, self.hints), *notes(self.reports)]
        return "\n\n".join([*shown, *("```text\n" + self._wrapped(text) + "\n```" for text in texts)])

    __repr__ = __str__

    def _wrapped(self, text: str) -> str:
        """Each line on as many as it takes, the later ones under its text."""
        return "\n".join(
            textwrap.fill(line, self.width, subsequent_indent=" " * 11, break_on_hyphens=False, break_long_words=False)
            for line in text.splitlines()
        )

    def _repr_markdown_(self) -> str:
        return str(self)


def checked(*reports: SubjectReport) -> Checked:
    """Reports of :func:`cfg_equiv.check`, to be shown, with what each failed check says to look at."""
    from cfg_equiv.testing.checks import CHECKS  # imports torch, which the other tables do without

    return Checked(reports, {check.name: check.hint for check in CHECKS})
