"""The checks of a subject as data: for scripts, notebooks, the command line and unittest.

Hypothesis drives each check as it would under pytest, but the same examples every time, without a database, and within
a time: a failing check costs seconds. What a subject does wrong is a line in the report, never an exception.
"""

import contextlib
import io
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded

from cfg_equiv.case import Plain
from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.results import CheckRecord, CheckStatus, SubjectReport
from cfg_equiv.testing.failure import CheckFailure, SubjectError, TimeLimitError
from cfg_equiv.testing.guard import LIMIT
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.select import Expected, checks_for, expected_failure, require_expected, require_subjects
from cfg_equiv.testing.subjects import Subject

EXAMPLES = 25
SEARCH_SECONDS = 60.0  # a check draws no further example after this
SHRINK_SECONDS = 4.0  # a failing case is made smaller for so long
HURRY = 3.0  # seconds an example may take once the subject has been seen to hang

Progress = Callable[[str], object]


def check(
    subject: Subject,
    *,
    checks: Sequence[str] | None = None,
    examples: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    expected_failed_checks: Expected | None = None,
) -> SubjectReport:
    """Run the checks on a subject; whatever it does, return what came of each.

    Parameters
    ----------
    subject
        A conversion, schedule, guidance rule or sampler.
    checks
        Names of checks; all that are for subjects of this type, if left out.
    examples
        How many cases each check draws at most (25).
    seed
        Draws other cases, the same for the same number; left out, the cases are those of every call without one.
    progress
        Told what starts, one short text at a time.
    expected_failed_checks
        As in :func:`~cfg_equiv.testing.parametrize_with_checks`: ``{name: (reason, case)}``.

    Raises
    ------
    ParameterError
        If ``subject`` is none, ``checks`` is one text, ``examples`` is below 1 or ``seed`` is no integer.
    UnknownNameError
        If there is no check of a given name.
    """
    require_subjects([subject])
    if isinstance(checks, str):
        raise ParameterError(sentence("a list of names of checks", repr(checks), f"write [{checks!r}]"))
    if examples is not None and examples < 1:
        raise ParameterError(sentence("1 example or more", f"{examples}", "pass examples="))
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ParameterError(sentence("an integer for seed", repr(seed), "pass seed=0, for instance"))
    expected = dict(expected_failed_checks or {})
    require_expected([subject], expected)
    records: list[CheckRecord] = []
    limit = LIMIT
    for one in checks_for(subject, checks):
        if progress is not None:
            progress(f"{subject} {one}")
        search = _Search(one, subject, limit, seed)
        with _quiet():
            search.run(examples or EXAMPLES, expected_failure(subject, one, expected))
        records.append(search.record())
        limit = min(limit, HURRY) if search.hung else limit
    return SubjectReport(str(subject), subject.version, tuple(records))


class _Found(Exception):
    """Tells Hypothesis that a case fails; always raised in one place, so that it shrinks one failure."""


@dataclass
class _Search:
    """One check on one subject: what Hypothesis calls, and what came of it."""

    check: Check
    subject: Subject
    limit: float
    seed: int | None = None
    status: CheckStatus = "passed"
    message: str = ""
    case: str = ""
    examples: int = 0
    vacuous: int = 0
    hung: bool = False
    kind: object = None  # of the first failure: type and place
    stop: float = field(default_factory=lambda: time.monotonic() + SEARCH_SECONDS)
    failures: dict[str, str] = field(default_factory=dict)  # case -> message
    measured: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # case -> what its picture needs

    def run(self, examples: int, expected: tuple[str, Plain] | None) -> None:
        """Search for a failing case, or run the witness of an expected one; a subject may raise anything anywhere."""
        try:
            if reason := self.check.inapplicable(self.subject):
                self.status, self.message = "not_applicable", reason
            elif expected is not None:
                self._witness(*expected)
            else:
                self._hypothesis(examples)
        except Exception as error:  # in what the subject declares: of its checks, only this one is lost
            self.status, self.message = "error", f"no case could be made: {one_line(error)}"

    def _hypothesis(self, examples: int) -> None:
        @settings(
            max_examples=examples,
            derandomize=self.seed is None,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            print_blob=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self.check.cases(self.subject))
        def search(case: Plain) -> None:
            if self._fails(case):
                raise _Found

        if self.seed is not None:
            search = seeded(self.seed)(search)
        try:
            search()
        except _Found:
            self.message = self.failures[self.case]
            return
        if self.examples == self.vacuous:
            self.status = "not_applicable"
            self.message = f"none of {self.examples} cases could have shown a fault: {self.message}"
        else:
            self.message = ""

    def _fails(self, case: Plain) -> bool:
        """Whether it fails; known of every case that failed, and assumed of none that comes after the time is up."""
        text = repr(case)
        if text not in self.failures and (time.monotonic() > self.stop or not self._fails_anew(case, text)):
            return False
        self.case = text
        return True

    def _fails_anew(self, case: Plain, text: str) -> bool:
        self.examples += self.kind is None
        try:
            reason = self.check.run(self.subject, case, self.limit)
        except (Exception, SystemExit) as error:  # the subject's own, of any type
            last = traceback.extract_tb(error.__traceback__)[-1]
            kind = (type(error), last.filename, last.lineno)
            if self.kind is None:
                self.kind, self.hung = kind, isinstance(error, TimeLimitError)
                self.status = "failed" if isinstance(error, CheckFailure) else "error"
                self.stop = time.monotonic() + (0 if self.hung else SHRINK_SECONDS)
            if kind != self.kind:  # another failure: this search is for the first one
                return False
            self.failures[text], self.measured[text] = one_line(error), getattr(error, "measured", {})
            return True
        if reason and self.kind is None:
            self.vacuous += 1
            self.message = reason
        return False

    def _witness(self, reason: str, case: Plain) -> None:
        self.case = repr(case)
        if self._fails_anew(case, self.case):
            self.message = self.failures[self.case]
            if self.status == "failed":
                self.status, self.message = "expected", f"{reason}: {self.message}"
        else:
            self.status = "failed"
            self.message = f"expected to fail ({reason}), but it passes: take it out of expected_failed_checks"

    def record(self) -> CheckRecord:
        """The outcome as plain data."""
        return CheckRecord(
            name=self.check.name,
            property=self.check.property,
            status=self.status,
            examples=self.examples,
            vacuous=self.vacuous,
            message=self.message,
            case=self.case,
            options={str(name): _plain(value) for name, value in self.subject.options.items()},
            measured=self.measured.get(self.case, {}),
        )


def one_line(error: BaseException) -> str:
    """An exception as one line: its own sentence, or for the subject's own errors their type, text and place."""
    text = " ".join(str(error).split())
    if isinstance(error, CheckFailure | SubjectError):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"it raises {type(error).__name__}: {text[:300]}{place}"


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


@contextlib.contextmanager
def _quiet() -> Any:
    """No warnings and no output of the subject: what it does wrong is in the report."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
