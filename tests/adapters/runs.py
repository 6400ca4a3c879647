"""What came of a check on a subject, for tests of adapters."""

from cfg_equiv.testing.runner import check


def outcome(subject, name="eq", examples=3):
    """The record of one check."""
    (record,) = check(subject, checks=[name], examples=examples).checks
    return record


def status(subject, name="eq", examples=3):
    return outcome(subject, name, examples).status
