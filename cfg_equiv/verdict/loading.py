"""A researcher's own rule out of a file: ``FILE.py:name`` as the function it names."""

import inspect
import itertools
import sys
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from cfg_equiv.errors import UnknownNameError, sentence, unknown_name

FORM = "write def rule(cond, uncond, w), or rule(cond, uncond, w, z) if it reads the latent"
_NUMBERS = itertools.count()


class RuleError(ValueError):
    """A guidance rule that cannot be judged: it is no function of two predictions, or does not give one."""


def load_rule(text: str) -> Callable[..., Any]:
    """The function that ``FILE.py:name`` names; the file is run as a module, its folder can be imported from.

    Raises
    ------
    UnknownNameError
        If there is no such file, or no such name in it.
    RuleError
        If the file fails while it runs, or the name is no function ``rule(cond, uncond, w)``.
    """
    place, colon, name = text.rpartition(":")
    if not (colon and place and name):
        raise UnknownNameError(sentence("a rule FILE.py:name", repr(text), "for instance my_rule.py:rule"))
    path = Path(place)
    if not path.is_file():
        raise UnknownNameError(sentence("a Python file", repr(place), "give the path of a file that exists"))
    module = _run(path)
    if not hasattr(module, name):
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown_name(f"function of {path.name}", name, own)
    found = getattr(module, name)
    reads_latent(found)
    return found  # type: ignore[no-any-return]


def _run(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"cfg_equiv_rule_{next(_NUMBERS)}", path)
    if spec is None or spec.loader is None:
        raise RuleError(sentence("a Python file", repr(str(path)), "its name has to end with .py"))
    module = module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.modules[spec.name] = module  # dataclasses look their module up
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the file is the user's: it may raise anything
        raise RuleError(sentence(f"{path.name} to run", one_line(error), "correct the file")) from error
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    return module


def one_line(error: BaseException) -> str:
    """The type and the text of an exception."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def reads_latent(rule: Any) -> bool:
    """Whether a rule takes the latent as ``z``.

    Raises
    ------
    RuleError
        If it is no function, or cannot be called as ``rule(cond, uncond, w)`` with ``z`` beside where it names it.
    """
    if not callable(rule):
        raise RuleError(sentence("a function rule(cond, uncond, w)", f"a {type(rule).__name__}", FORM))
    try:
        signature = inspect.signature(rule)
    except (TypeError, ValueError) as error:
        raise RuleError(sentence("a function with a signature", repr(rule), f"wrap it: {FORM}")) from error
    sees_z = "z" in signature.parameters
    _bind(signature, {"z": None} if sees_z else {}, rule)
    return sees_z


def _bind(signature: inspect.Signature, latent: Mapping[str, Any], rule: Any) -> None:
    try:
        signature.bind(None, None, None, **latent)
    except TypeError as error:
        name = getattr(rule, "__name__", type(rule).__name__)
        do = f"{FORM}; give other parameters a default"
        raise RuleError(sentence("rule(cond, uncond, w)", f"{name}{signature}", do)) from error
