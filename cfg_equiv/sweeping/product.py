"""A subject with options: what a sweep goes through."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.testing.subjects import Subject

Options = Mapping[str, Any]


def _never(options: Options) -> str:
    return ""


@dataclass(frozen=True)
class Product:
    """Options and their values, and the subject each choice makes.

    Attributes
    ----------
    make
        ``make(options) -> Subject``; ``options`` names every option. A ``ValueError`` or ``NotImplementedError`` that
        it raises is the library's own refusal of the combination.
    values
        By option, the values to try, the default first. Booleans, numbers, strings and None: they go into JSON.
    rejected
        ``rejected(options)``: quickly, the sentence with which the library refuses, or ``""``. The plan of a sweep asks
        it, so that pairs of options meet in combinations that can be run.
    code
        ``code(options)``: how the library's user writes this, for the report.
    """

    make: Callable[[Options], Subject]
    values: Mapping[str, Sequence[Any]]
    rejected: Callable[[Options], str] = _never
    code: Callable[[Options], str] = _never
    default: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        for name, values in self.values.items():
            if isinstance(values, str) or not values or len(set(map(repr, values))) < len(values):
                do = "list each once, the default first"
                raise ParameterError(sentence(f"one value or more of the option {name}", repr(values), do))
            if strange := [x for x in values if not isinstance(x, bool | int | float | str | None)]:
                do = "map a name to it in make"
                raise ParameterError(sentence(f"plain values of the option {name}", repr(strange[0]), do))
        object.__setattr__(self, "default", {name: values[0] for name, values in self.values.items()})

    def complete(self, options: Options) -> dict[str, Any]:
        """All options: those given, the others at their default.

        Raises
        ------
        UnknownNameError
            If there is no such option.
        """
        for name in options:
            if name not in self.values:
                raise unknown_name("swept option", name, self.values)
        return {**self.default, **options}

    def changed(self, options: Options) -> dict[str, Any]:
        """The options that are not at their default."""
        return {k: v for k, v in options.items() if repr(v) != repr(self.default[k])}


def default_first(default: Any, values: Sequence[Any]) -> tuple[Any, ...]:
    """The values, the default first; it may be one that is not among them."""
    return (default, *(value for value in values if value != default))


def is_refusal(error: Exception) -> bool:
    """Whether somebody wrote ``raise ValueError(...)`` or ``NotImplementedError``: an accident has no such line."""
    frames = traceback.extract_tb(error.__traceback__)
    said = bool(frames) and (frames[-1].line or "").startswith("raise ")
    return said and isinstance(error, ValueError | NotImplementedError)


def refusal(error: Exception) -> str:
    """The library's sentence, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
