"""Records of Python numbers, strings and tuples: readable, lossless, JSON and back, and pasted back as they print."""

import json
import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from cfg_equiv.errors import ParameterError, sentence, unknown_name

Number = int | float | str
Pattern = tuple[Number, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Plain:
    """A record whose ``repr`` pastes back; fields at their default are left out of it."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _require_plain(field.name, getattr(self, field.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._arguments())})"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        """How Hypothesis prints a counterexample: the ``repr``, broken between arguments."""
        with p.group(4, f"{type(self).__name__}(", ")"):
            for i, argument in enumerate(self._arguments()):
                if i:
                    p.text(",")
                    p.breakable()
                p.text(argument)

    def _arguments(self) -> Iterator[str]:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                yield f"{field.name}={value!r}"

    def to_json(self) -> str:
        """The case as JSON text."""
        return json.dumps(
            {"case": type(self).__name__} | {field.name: getattr(self, field.name) for field in fields(self)}
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The case that :meth:`to_json` wrote; ``Case.from_json`` reads every kind."""
        data = json.loads(text)
        kinds = {kind.__name__: kind for kind in _with_subclasses(cls)}
        name = data.pop("case", None)
        if name not in kinds:
            raise unknown_name("case", name, kinds)
        made: Self = kinds[name](**{key: _tuples(value) for key, value in data.items()})
        return made


def _with_subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from _with_subclasses(sub)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _require_plain(name: str, value: Any) -> None:
    if isinstance(value, tuple):
        for item in value:
            _require_plain(name, item)
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        came = type(value).__name__
        raise ParameterError(sentence(f"{name} in Python numbers, strings and tuples", came, "use .item() or tuple()"))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(sentence(f"{name} to be finite", repr(value), "leave such values out of cases"))
