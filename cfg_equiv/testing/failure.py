"""What a check raises: a failure of the property, or a subject that cannot be tested."""


class CheckFailure(AssertionError):
    """The property does not hold; the message says where, by how much, and what to look at."""


class SubjectError(Exception):
    """The subject broke its own protocol: a wrong type, shape or level. One sentence."""


class TimeLimitError(SubjectError):
    """One example took longer than its limit."""
