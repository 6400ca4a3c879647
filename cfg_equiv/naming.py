"""A name somebody uses for a solver, resolved to the catalogue.

``dpmpp_2m``, ``k_diffusion:dpmpp_2m``, ``diffusers:DPMSolverMultistepScheduler(solver_order=3)``.

A released class is many solvers, chosen by its options. An option that is not given has the default that the installed
library declares for it; without the library, only the options given are known.
"""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.errors import UnknownNameError, sentence, unknown_name

# What people put in front of the name, or leave out, in a library.
_PREFIX = {"k_diffusion": "sample_"}


@dataclass(frozen=True)
class Resolved:
    """A catalogue entry that a name stands for, and the options that decided it."""

    solver: str
    asked: str
    options: Mapping[str, Any]


def libraries() -> list[str]:
    """The libraries whose names the catalogue knows."""
    return sorted({library for solver in SOLVERS.values() for library in solver.aliases})


def resolve_solver(text: str) -> Resolved:
    """The entry a name stands for.

    Raises
    ------
    UnknownNameError
        If there is no such entry, library or name, or the options given fit no entry.
    """
    library, colon, rest = text.partition(":")
    if not colon:
        if text not in SOLVERS:
            raise unknown_name("solver", text, SOLVERS)
        return Resolved(text, text, {})
    library = library.replace("-", "_")
    if library not in libraries():
        raise unknown_name("library", library, libraries())
    name, given = call_of(rest, text)
    known = {
        solver.name: call_of(solver.aliases[library], text) for solver in SOLVERS.values() if library in solver.aliases
    }
    prefix = _PREFIX.get(library, "")
    wanted = {name, prefix + name}
    fitting = {entry: options for entry, (its, options) in known.items() if its in wanted}
    if not fitting:
        raise unknown_name(f"solver of {library}", name, {its for its, _ in known.values()})
    values = {**_defaults(library, known[next(iter(fitting))][0]), **given}
    agreeing = {
        entry: options
        for entry, options in fitting.items()
        if all(values[key] == value for key, value in options.items() if key in values)
        and all(key in values or len(fitting) == 1 for key in options)
    }
    if not agreeing:
        forms = "; ".join(f"{its}{_written(options)}" for its, options in (known[entry] for entry in fitting))
        raise UnknownNameError(
            sentence(f"options of {name} that the catalogue has ({forms})", repr(text), "give the options in brackets")
        )
    best = max(agreeing, key=lambda entry: len(agreeing[entry]))
    return Resolved(best, text, values if known[best][1] else given)


def call_of(text: str, shown: str) -> tuple[str, dict[str, Any]]:
    """``Name(option=value)`` as the name and its options; anything behind the brackets is a remark."""
    head, bracket, tail = text.partition("(")
    if not bracket:
        return text.strip(), {}
    inside = tail.rpartition(")")[0].partition("), ")[0]
    try:
        call: Any = ast.parse(f"f({inside})", mode="eval").body
        options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        options = {"": inside}  # a remark in words
    return head.strip(), options


def _written(options: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{key}={value!r}" for key, value in options.items()) + ")" if options else ""


def _defaults(library: str, name: str) -> dict[str, Any]:
    """The declared defaults of a released class or function; nothing if the library is not installed."""
    try:
        if library == "diffusers":
            import diffusers

            found: Any = getattr(diffusers, name, None)
        elif library == "k_diffusion":
            from cfg_equiv.adapters.k_diffusion import released

            found = getattr(released().sampling, name, None)
        else:
            return {}
    except ImportError:
        return {}
    if found is None:
        return {}
    parameters = inspect.signature(found).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
