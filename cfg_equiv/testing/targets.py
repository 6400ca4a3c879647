"""What the command line is told to check: ``library:Name``, or any module's own subjects."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from cfg_equiv.errors import UnknownNameError, sentence, unknown_name
from cfg_equiv.testing.runner import one_line
from cfg_equiv.testing.subjects import Subject

Maker = Callable[[str], list[Subject]]

# Library -> the module and the function that lists its subjects. The adapters are imported when asked for.
ADAPTERS: dict[str, tuple[str, str]] = {
    "diffusers": ("cfg_equiv.adapters.diffusers", "subjects"),
    "diffusers.guiders": ("cfg_equiv.adapters.diffusers", "guiders"),
    "k_diffusion": ("cfg_equiv.adapters.k_diffusion", "subjects"),
    "stable_audio": ("cfg_equiv.adapters.stable_audio", "subjects"),
    "flow_matching": ("cfg_equiv.adapters.flow_matching", "subjects"),
    "azula": ("cfg_equiv.adapters.azula", "subjects"),
    "skrample": ("cfg_equiv.adapters.skrample", "subjects"),
}
INSTALL = {  # module -> what brings it
    "diffusers": "run pip install 'cfg_equiv[peers]'",
    "k_diffusion": "run pip install 'cfg_equiv[peers]' && pip install --no-deps k-diffusion",
    "stable_audio_tools": "run pip install 'cfg_equiv[peers]' && pip install --no-deps stable-audio-tools k-diffusion",
    "flow_matching": "run pip install 'cfg_equiv[peers]'",
    "azula": "run pip install --no-deps azula",
    "skrample": "run pip install skrample, with Python 3.12 or later",
    "einops": "run pip install 'cfg_equiv[peers]'",
    "scipy": "run pip install 'cfg_equiv[peers]'",
    "torchsde": "run pip install 'cfg_equiv[peers]'",
    "torchdiffeq": "run pip install 'cfg_equiv[peers]'",
}


class TargetError(Exception):
    """A target that cannot be imported, or has no subjects. One sentence."""


def resolve(target: str) -> list[Subject]:
    """The subjects of ``library:Name``, ``library:*``, ``package.module:attribute`` or ``package.module:*``.

    Raises
    ------
    UnknownNameError
        If there is no such library, class or attribute.
    TargetError
        If something has to be installed, the module fails at import, or what was found are no subjects.
    """
    module, colon, name = target.partition(":")
    if not (module and colon and name):
        do = "for instance diffusers:DDIMScheduler, diffusers.guiders:*, my_package.my_module:subjects"
        raise UnknownNameError(sentence("a target module:name", repr(target), do))
    with importable():
        if module in ADAPTERS:
            adapter, function = ADAPTERS[module]
            maker: Maker = getattr(_imported(adapter, target), function)
            found: list[Subject] = _made(lambda: maker(name), target)
            return found
        return _of_module(_imported(module, target), name, target)


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """The current directory can be imported from, as with ``python -m``."""
    here = os.getcwd()
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _imported(module: str, target: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(error, module) from error
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        do = f"correct it until python -c 'import {module}' runs"
        raise TargetError(sentence(f"the module of {target} to import", one_line(error), do)) from error


def _missing(error: ModuleNotFoundError, module: str) -> Exception:
    name = error.name or str(error)
    if name == module or module.startswith(f"{name}."):
        do = f"it is neither installed nor in this folder; libraries with an adapter are {', '.join(ADAPTERS)}"
        return UnknownNameError(sentence("a module that can be imported", repr(name), do))
    top = name.partition(".")[0]
    do = INSTALL.get(top, f"install the package that has it, often pip install {top}")
    return TargetError(sentence(f"{top} to be installed, which {module} imports", "no such module", do))


def _of_module(module: Any, name: str, target: str) -> list[Subject]:
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    if name == "*":
        return _listed([x for value in public.values() for x in _flat(value)], target)
    if name not in vars(module):
        own = [k for k, x in public.items() if _flat(x) or getattr(x, "__module__", "") == module.__name__]
        raise unknown_name(f"name in {module.__name__}", name, own)
    found = getattr(module, name)
    if callable(found) and not isinstance(found, Subject | type):
        found = _made(found, target)
    return _listed([found] if isinstance(found, Subject) else found, target)


def _made(make: Callable[[], Any], target: str) -> Any:
    try:
        return make()
    except UnknownNameError:
        raise
    except ModuleNotFoundError as error:
        raise _missing(error, target) from error
    except (Exception, SystemExit) as error:  # the callable is the user's
        raise TargetError(sentence(f"{target} to give its subjects", one_line(error), "correct it")) from error


def _flat(value: Any) -> list[Subject]:
    if isinstance(value, Subject):
        return [value]
    return [x for x in value if isinstance(x, Subject)] if isinstance(value, list | tuple) else []


def _listed(found: Any, target: str) -> list[Subject]:
    subjects = list(found) if isinstance(found, Iterable) and not isinstance(found, str) else []
    strange = [x for x in subjects if not isinstance(x, Subject)]
    if not subjects or strange:
        came = f"{type(strange[0]).__name__} in it" if strange else type(found).__name__ + " without any"
        do = "give a Conversion, Schedule, Guidance or Sampler of cfg_equiv.testing, a list of them, or a function"
        raise TargetError(sentence(f"subjects at {target}", came, do))
    unique: dict[int, Subject] = {id(x): x for x in subjects}
    return list(unique.values())
