"""Arguments that are a value or a strategy: values are checked at once, drawn ones when they are drawn."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cfg_equiv.errors import ParameterError, sentence, unknown_name


def strategy(given: Any, check: Callable[[Any], Any] = lambda value: value) -> SearchStrategy[Any]:
    """A value or a strategy as a strategy of checked values."""
    return given.map(check) if isinstance(given, SearchStrategy) else st.just(check(given))


def named(kind: str, given: Any, known: Iterable[str]) -> SearchStrategy[str]:
    """One of the known names: the given one, a drawn one, or any."""
    names = tuple(known)

    def check(name: Any) -> str:
        if name not in names:
            raise unknown_name(kind, name, names)
        return str(name)

    return any_of(names) if given is None else strategy(given, check)


@cache
def any_of(values: tuple[Any, ...]) -> SearchStrategy[Any]:
    """One of the values; shrinks to the first."""
    return st.sampled_from(values)


def counted(given: Any, most: int) -> SearchStrategy[int]:
    """A number of steps."""

    def check(steps: Any) -> int:
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= most:
            raise ParameterError(sentence(f"1 to {most} steps", repr(steps), "pass schedule= for a longer one"))
        return steps

    return strategy(given, check)


def shaped(given: Any) -> SearchStrategy[tuple[int, ...]]:
    """A shape whose first axis is the batch; at least two items unless given otherwise."""

    def check(shape: Any) -> tuple[int, ...]:
        if not isinstance(shape, Sequence) or not shape or not all(isinstance(n, int) and n > 0 for n in shape):
            do = "give the batch axis first, as (2, 4, 8, 8)"
            raise ParameterError(sentence("a shape of positive whole numbers", repr(shape), do))
        return tuple(shape)

    return any_of(((2, 1), (2, 2), (3, 1), (2, 3, 4))) if given is None else strategy(given, check)
