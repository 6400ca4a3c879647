"""Checks and catalogue entries by name."""

from cfg_equiv.faults import FAULTS, GOOD
from cfg_equiv.testing.checks import CHECKS


def check_for(subject, name):
    """The check of this name for this type of subject."""
    (found,) = (check for check in CHECKS if check.name == name and check.applies(subject))
    return found


def entry(name):
    """A new subject of the catalogue."""
    (found,) = (e for e in (*FAULTS, *GOOD) if e.name == name)
    return found.make()
