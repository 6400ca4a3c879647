"""Which checks a subject gets, and which of them are expected to fail on which case."""

from collections.abc import Iterable, Mapping, Sequence

from cfg_equiv.case import Plain
from cfg_equiv.errors import ParameterError, UnknownNameError, sentence, unknown_name
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Subject

Expected = Mapping[str, tuple[str, Plain]]


def require_subjects(subjects: Iterable[Subject]) -> list[Subject]:
    """The subjects as a list; anything else among them is one sentence."""
    do = "wrap it: Guidance(my_cfg, convention=...), Sampler(run, level, spaces=..., state=...)"
    if isinstance(subjects, Subject | str) or not isinstance(subjects, Iterable):
        came = type(subjects).__name__
        raise ParameterError(sentence("a list of subjects", came, "write [subject]"))
    found = list(subjects)
    if not found:
        raise ParameterError(sentence("one subject or more", "an empty list", do))
    for subject in found:
        if not isinstance(subject, Subject):
            raise ParameterError(sentence("subjects only", type(subject).__name__, do))
    return found


def checks_for(subject: Subject, names: Sequence[str] | None = None) -> list[Check]:
    """The checks for subjects of this type, in order; of these only the named ones, if names are given."""
    known = {check.name for check in CHECKS}
    for name in names or ():
        if name not in known:
            raise unknown_name("check", name, known)
    return [check for check in CHECKS if check.applies(subject) and (names is None or check.name in names)]


def label(subject: Subject, check: Check) -> str:
    """The id of a check on a subject."""
    return f"{subject}-{check}"


def expected_failure(subject: Subject, check: Check, expected: Expected) -> tuple[str, Plain] | None:
    """The reason and the witness, looked up by the id or by the check's name."""
    return expected.get(label(subject, check), expected.get(check.name))


def require_expected(subjects: Iterable[Subject], expected: Expected) -> None:
    """Every expectation names a check that runs, and has a reason and a witness."""
    ran = [(s, c) for s in subjects for c in checks_for(s) if not c.inapplicable(s)]
    known = {name for s, c in ran for name in (label(s, c), c.name)}
    for name, value in expected.items():
        if name not in known:
            listed = ", ".join(sorted(known))
            raise UnknownNameError(
                sentence(f"a check that runs, out of {listed}", repr(name), "correct it in expected_failed_checks")
            )
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Plain)):
            do = "write {name: (reason, RunCase(...))} with the case that a failure prints"
            raise ParameterError(sentence(f"a reason and a case for {name}", repr(value), do))
