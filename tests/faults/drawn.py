"""Cases of a check, drawn once and handed over as a list: the same subject may then be called afresh on each."""

from hypothesis import HealthCheck, Phase, given, seed, settings

from cfg_equiv.testing.failure import CheckFailure


def drawn(check, subject, number, examples):
    """Up to so many cases, from Hypothesis seeded with ``number``."""
    found = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(check.cases(subject))
    def collect(case):
        found.append(case)

    collect()
    return found


def first_failure(check, make, number, examples):
    """The message and the case of the first failure, or ``None``; each case meets a subject that is new."""
    for case in drawn(check, make(), number, examples):
        try:
            check(make(), case)
        except CheckFailure as failure:
            return str(failure), case
    return None
