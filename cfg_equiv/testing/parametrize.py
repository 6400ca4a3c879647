"""One pytest test for each check of each subject, on the user's own function.

The function is decorated, never replaced by one of ours: Hypothesis' ``given`` over it, pytest's ``parametrize`` over
that. So ids, ``-k``, statistics, test classes, pytest-xdist and ``@settings`` above or below work as they do elsewhere.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfg_equiv.case import Plain
from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.select import (
    Expected,
    checks_for,
    expected_failure,
    label,
    require_expected,
    require_subjects,
)
from cfg_equiv.testing.subjects import Subject

Test = TypeVar("Test", bound=Callable[..., Any])
ARGUMENTS = ("subject", "check", "case")
UNCHOSEN = timedelta(milliseconds=200)  # Hypothesis' own deadline, where nobody chose one


def parametrize_with_checks(
    subjects: Iterable[Subject], *, expected_failed_checks: Expected | None = None
) -> Callable[[Test], Test]:
    """A decorator that turns ``def test(subject, check, case): check(subject, case)`` into one test a check.

    Each test draws its cases under the user's Hypothesis settings; only the deadline is lifted, unless the user chose
    one, because a run of a sampler may take longer than Hypothesis' 200 ms. A check that does not apply to a subject is
    a skipped test, with its reason.

    Parameters
    ----------
    subjects
        What is tested.
    expected_failed_checks
        ``{name: (reason, case)}``, where ``name`` is that of a check or the id of a test. It runs exactly that case,
        once, and must fail there: an unexpected pass fails the test, and so does any error that is not a failure of the
        check.
    """
    found, expected = require_subjects(subjects), dict(expected_failed_checks or {})
    require_expected(found, expected)
    parameters = [_parameter(subject, check, expected) for subject in found for check in checks_for(subject)]

    def decorate(test: Test) -> Test:
        _require_arguments(test)
        drawn = given(case=st.data())(test)
        decorated: Test = pytest.mark.parametrize(("subject", "check"), _Collected(parameters, drawn))(drawn)
        return decorated

    return decorate


def _parameter(subject: Subject, check: Check, expected: Expected) -> Any:
    marks, handed = [], check
    if reason := check.inapplicable(subject):
        marks.append(pytest.mark.skip(reason=reason))
    elif witness := expected_failure(subject, check, expected):
        marks.append(pytest.mark.xfail(strict=True, raises=CheckFailure, reason=witness[0]))
        handed = Witness(**{f.name: getattr(check, f.name) for f in fields(Check)}, witness=witness[1])
    return pytest.param(subject, handed, id=label(subject, check), marks=marks)


@dataclass(frozen=True, repr=False)
class Witness(Check):
    """A check that is expected to fail: whatever case it is handed, it runs the witness, once."""

    witness: Plain = field(kw_only=True)
    outcome: list[Exception | None] = field(default_factory=list, kw_only=True)

    def __call__(self, subject: Subject, case: Any) -> str | None:
        """Run the witness the first time; Hypothesis repeats a failing test, which then fails as it did."""
        if not self.outcome:
            try:
                super().__call__(subject, self.witness)
            except Exception as error:  # kept and raised again, whatever it is
                self.outcome.append(error)
            else:
                self.outcome.append(None)
        if self.outcome[0] is not None:
            raise self.outcome[0]
        return None


class _Collected(Collection[Any]):
    """The parameters; when pytest collects them all decorators are applied, and the deadline can be settled."""

    def __init__(self, parameters: list[Any], test: Any) -> None:
        self.parameters, self.test = parameters, test

    def __iter__(self) -> Iterator[Any]:
        chosen = getattr(self.test, "_hypothesis_internal_use_settings", None)
        if chosen is not None and chosen.deadline == UNCHOSEN:
            self.test._hypothesis_internal_use_settings = settings(chosen, deadline=None)
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, item: object) -> bool:
        return item in self.parameters


def _require_arguments(test: Any) -> None:
    if not inspect.isfunction(test):
        came = type(test).__name__
        raise ParameterError(sentence("a test function to decorate", came, "decorate the function or the method"))
    missing = [name for name in ARGUMENTS if name not in inspect.signature(test).parameters]
    if missing:
        do = "write def test(subject, check, case): check(subject, case)"
        raise ParameterError(sentence("a test with the arguments subject, check, case", f"none named {missing[0]}", do))
