r"""Import one submodule of a released package, and leave no trace of it.

Some packages import far more than the module of interest needs: ``import k_diffusion`` pulls in scikit-image,
torchvision, wandb and clip, and what cannot be imported cannot be tested. A submodule is released code all the same. It
is imported here under an **empty parent**, a module object that has a ``__path__`` and nothing else, so that
``k_diffusion/__init__.py`` never runs while ``from . import utils`` still finds the released file; the absent libraries
that the submodule names, but that the compared functions never call, are **stubs**.

Both are lies told to the import system, so both are taken back: on leaving the context every module of the isolated
packages and every stub is removed from ``sys.modules``, and whatever stood there before is put back. A stub of
torchvision left behind would make ``import diffusers`` fail. Real third-party modules that were imported on the way
(scipy, torchsde) stay: they are what they say they are.

References
----------
The import system, https://docs.python.org/3/reference/import.html, sections 5.3.1 (the module cache) and 5.4.1
(``__path__``); PEP 451.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def isolated(
    *modules: str, stubs: Mapping[str, Mapping[str, Any]] | None = None, packages: Sequence[str] = ()
) -> Iterator[tuple[ModuleType, ...]]:
    """Import released ``modules`` by dotted name under empty parents; yields them in the order asked for.

    ``stubs`` maps the dotted name of an absent module to the attributes its stand-in has. ``packages`` names further
    packages to be present with an empty parent, though no module of theirs is asked for.
    """
    stubs = dict(stubs or {})
    roots = {name.partition(".")[0] for name in (*modules, *packages)}
    hidden = roots | {name for name in stubs if name.partition(".")[0] not in roots}
    saved = {name: module for name, module in sys.modules.items() if _belongs(name, hidden)}
    for name in saved:
        del sys.modules[name]
    try:
        for root in sorted(roots):
            _put(root, _empty_package(root))
        for name in modules:
            for parent in _parents(name):
                if parent not in sys.modules:
                    _put(parent, _empty_package(parent))
        for name, attributes in stubs.items():
            _put(name, _stub(name, attributes))
        # Released modules print and warn while they load; neither is ours to answer for.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            loaded = tuple(importlib.import_module(name) for name in modules)
        yield loaded
    finally:
        for name in [name for name in sys.modules if _belongs(name, hidden)]:
            del sys.modules[name]
        sys.modules.update(saved)


def _belongs(name: str, roots: set[str]) -> bool:
    """Whether a module is one of ``roots`` or below one."""
    return any(name == root or name.startswith(root + ".") for root in roots)


def _parents(name: str) -> list[str]:
    """``a.b.c`` gives ``a``, ``a.b``."""
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _empty_package(name: str) -> ModuleType:
    """A package with the path of the installed one and no contents: its ``__init__`` does not run."""
    parent, _, tail = name.rpartition(".")
    if parent:
        path = [f"{entry}/{tail}" for entry in sys.modules[parent].__path__]
    else:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError(
                f"expected the package {name!r} to be installed, found none: install it", name=name
            )
        path = list(spec.submodule_search_locations)
    module = ModuleType(name)
    module.__path__ = path
    return module


def _stub(name: str, attributes: Mapping[str, Any]) -> ModuleType:
    """A stand-in with the given attributes; a package in name, so that modules below it can be stubs too."""
    module = ModuleType(name)
    module.__path__ = []
    module.__dict__.update(attributes)
    return module


def _put(name: str, module: ModuleType) -> None:
    """Enter a module in the cache and in its parent, as an import would."""
    sys.modules[name] = module
    parent, _, tail = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], tail, module)
