"""What came of a check on a subject, for tests of adapters: of a failing case as it was drawn, none is made smaller."""

from unittest.mock import patch

from cfg_equiv.testing import runner
from cfg_equiv.testing.runner import check


def outcome(subject, name="eq", examples=3):
    """The record of one check."""
    with patch.object(runner, "SHRINK_SECONDS", 0):
        (record,) = check(subject, checks=[name], examples=examples).checks
    return record


def status(subject, name="eq", examples=3):
    return outcome(subject, name, examples).status
