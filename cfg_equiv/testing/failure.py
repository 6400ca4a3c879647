"""What a check raises: a failure of the property, or a subject that cannot be tested."""

from collections.abc import Mapping
from typing import Any


class CheckFailure(AssertionError):
    """The property does not hold; the message says where, by how much, and what to look at.

    ``measured`` is what a picture of it needs: plain numbers and lists of them, by name.
    """

    def __init__(self, message: str, **measured: Any) -> None:
        super().__init__(message)
        self.measured: Mapping[str, Any] = measured


class SubjectError(Exception):
    """The subject broke its own protocol: a wrong type, shape or level. One sentence."""


class TimeLimitError(SubjectError):
    """One example took longer than its limit."""
