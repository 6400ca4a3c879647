"""A check: one property as a pure function of a subject and a drawn case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import event
from hypothesis.control import currently_in_test_context
from hypothesis.strategies import DataObject, SearchStrategy

from cfg_equiv.case import Plain
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.guard import LIMIT, guarded
from cfg_equiv.testing.subjects import Subject

__all__ = ["LIMIT", "PROPERTIES", "Check", "guarded"]
PROPERTIES = ("EQ", "CFG", "RT", "X0", "MOM", "ORD", "SCH", "DT", "NAN", "BAT", "ST", "SENS")


@dataclass(frozen=True, repr=False)
class Check:
    """One property.

    Attributes
    ----------
    name, property
        The check's own name, and which of the twelve properties it belongs to.
    summary
        What must hold, in one sentence; ``hint``: what to look at when it does not.
    kind
        The type of subject it is for.
    body
        ``body(subject, case)`` raises :class:`~cfg_equiv.testing.failure.CheckFailure`, or returns ``None``, or the
        reason why this case could not have shown the fault (it is then counted as vacuous).
    strategy
        ``strategy(subject)``: cases that can show the fault.
    inapplicable
        ``inapplicable(subject)``: why it does not apply, or an empty string.
    """

    name: str
    property: str
    summary: str
    hint: str
    kind: type[Subject]
    body: Callable[[Any, Any], str | None]
    strategy: Callable[[Any], SearchStrategy[Any]]
    inapplicable: Callable[[Any], str] = lambda subject: ""

    def applies(self, subject: Subject) -> bool:
        """Whether this check is for subjects of this type at all."""
        return isinstance(subject, self.kind)

    def cases(self, subject: Subject) -> SearchStrategy[Any]:
        """Cases that can show the fault."""
        return self.strategy(subject)

    def __call__(self, subject: Subject, case: Any) -> str | None:
        """Run on a case: one that is pasted, or drawn from Hypothesis' ``data()``."""
        __tracebackhide__ = True  # pytest then shows the line of the test and that of the check's verdict
        if isinstance(case, DataObject):
            case = case.draw(self.cases(subject), label="case")
        if not isinstance(case, Plain):
            came = type(case).__name__
            raise TypeError(f"expected a Case or Hypothesis' data(), got {came}: use given(case=st.data())")
        try:
            vacuous = self.run(subject, case)
        except CheckFailure as error:
            error.add_note(f"{self.property}: {self.summary}. Look at: {self.hint}")
            if subject.options:
                error.add_note(f"options: {', '.join(f'{name}={value!r}' for name, value in subject.options.items())}")
            raise
        if vacuous and currently_in_test_context():
            event(f"vacuous: {vacuous}")
        return vacuous

    def run(self, subject: Subject, case: Plain, limit: float = LIMIT) -> str | None:
        """Run on one case, guarded; ``limit`` is how many seconds it may take."""
        __tracebackhide__ = True
        with guarded(limit):
            return self.body(subject, case)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<check {self.name}: {self.summary}>"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        """How Hypothesis prints it beside a counterexample."""
        p.text(repr(self))
