"""The errors of the public functions: each one sentence that says what was expected, what came and what to do.

They subclass ``ValueError`` or ``TypeError``, so code that knows nothing of this package still catches them.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class UnknownNameError(ValueError):
    """A name that is not in its catalogue."""


class LevelError(ValueError):
    """A noise level, or a time, that no path has."""


class MismatchError(ValueError):
    """Shapes, dtypes or devices that do not fit together."""


class WeightError(ValueError):
    """A guidance weight that is not a finite number."""


class SingularEndError(ValueError):
    """A quantity that does not exist at ``alpha = 0`` or ``sigma = 0``, and has no limit there."""


class PathError(ValueError):
    """A form used on a path on which it does not hold, or in a direction in which it does not go."""


class HistoryError(ValueError):
    """A step of a sampler that remembers, which does not start where its last one ended."""


class NonFiniteError(ValueError):
    """A latent or a prediction that is NaN or infinite somewhere."""


class ParameterError(TypeError):
    """A parameter that is missing, not taken, or out of its range."""


def sentence(expected: str, came: str, do: str) -> str:
    """The one form all messages have."""
    return f"expected {expected}, got {came}: {do}"


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not one of ``known``, with the closest one as a suggestion."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=1)
    do = f"did you mean {close[0]!r}?" if close else "use one of these names"
    return UnknownNameError(sentence(f"a {kind} out of {', '.join(names)}", repr(name), do))
