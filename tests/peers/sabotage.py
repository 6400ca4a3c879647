"""Change released code by a few characters, in memory, as a faulty release would."""

import contextlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


def mutated(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The function compiled again from its source, with the first ``old`` replaced by ``new``."""
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"{old!r} does not occur in {function.__qualname__}: the release has changed"
    namespace = dict(inspect.unwrap(function).__globals__)
    exec(compile(source.replace(old, new, 1), f"<mutated {function.__name__}>", "exec"), namespace)
    made: Callable[..., Any] = namespace[function.__name__]
    assert _operations(made) != _operations(function), f"{old!r} was changed in a comment or docstring only"
    return made


def _operations(function: Callable[..., Any]) -> tuple[Any, ...]:
    code = inspect.unwrap(function).__code__
    return code.co_code, code.co_names, code.co_varnames, code.co_consts[1:]  # the first constant is the docstring


def sabotage(monkeypatch: Any, peer: ModuleType, target: str, old: str, new: str) -> None:
    """Have a peer's ``isolated`` hand out released modules with one function (``a.b`` a method) changed."""
    original = peer.isolated

    @contextlib.contextmanager
    def changed(*names: str, **options: Any) -> Iterator[tuple[ModuleType, ...]]:
        with original(*names, **options) as loaded:
            owner_path, _, name = target.rpartition(".")
            owners = [getattr(m, owner_path) if owner_path else m for m in loaded if hasattr(m, owner_path or name)]
            for owner in owners:
                setattr(owner, name, mutated(getattr(owner, name), old, new))
            assert owners, f"none of {names} has {target}"
            yield loaded

    monkeypatch.setattr(peer, "isolated", changed)
