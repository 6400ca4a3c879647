"""What the catalogue holds: a known-bad implementation and what must notice it, or a good one."""

from collections.abc import Callable
from dataclasses import dataclass

from cfg_equiv.testing.subjects import Subject


@dataclass(frozen=True)
class Fault:
    """A known-bad implementation.

    Attributes
    ----------
    name
        Its own name in the catalogue.
    make
        Builds the subject afresh: some faults keep state.
    fails
        The names of the checks that must notice it; others may.
    source
        Where it was seen: released code, its issue or pull request, or a user's report.
    """

    name: str
    make: Callable[[], Subject]
    fails: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Good:
    """A right implementation, which every check that applies must accept."""

    name: str
    make: Callable[[], Subject]
