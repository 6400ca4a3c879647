r"""Pairs of solvers that a user would take for one, and that are two maps.

Two entries of different classes are a near miss if their sources claim the same order, they have a path in common, and

- their names here differ in one word (``dpmpp_2m``, ``dpmpp_2m_heun``), or
- they are one released class or function of a library with one option changed, or
- they have the same shape: space, claimed order, memory, correctors, nodes, clock and path. Of each shape, its
  largest class is compared with every other one.

Of two classes one pair is kept: the first that two of the reasons name, else the first.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.naming import call_of
from cfg_equiv.theorems.tableau import Step

Class = tuple[str, ...]


@dataclass(frozen=True)
class NearMiss:
    """Two entries, and why one would take them for one."""

    first: str
    second: str
    why: tuple[str, ...]


def near_misses(classes: Sequence[Class], names: Collection[str] = ()) -> tuple[NearMiss, ...]:
    """The near misses between these classes, in the catalogue's order; ``names`` are the entries to look at."""
    of = {name: group for group in classes for name in group}
    entries = [SOLVERS[name] for name in SOLVERS if name in of and (not names or name in names)]
    found: dict[frozenset[Class], dict[tuple[str, str], list[str]]] = {}
    for first, second, why in (*_pairs(entries), *_shapes(entries, of)):
        if of[first.name] != of[second.name]:
            between = found.setdefault(frozenset((of[first.name], of[second.name])), {})
            between.setdefault((first.name, second.name), []).append(why)
    best = (max(pairs.items(), key=lambda item: len(item[1])) for pairs in found.values())
    return tuple(NearMiss(first, second, tuple(why)) for (first, second), why in best)


def _pairs(entries: Sequence[Solver]) -> Iterator[tuple[Solver, Solver, str]]:
    for first, second in combinations(entries, 2):
        if not _comparable(first, second):
            continue
        if word := _one_word(first.name, second.name):
            yield first, second, f"names that differ in one word: {word}"
        if option := _one_option(first, second):
            yield first, second, f"one option apart: {option}"


def _comparable(first: Solver, second: Solver) -> bool:
    paths = {first.path, second.path} - {"any"}
    return first.order == second.order and first.branches == second.branches and len(paths) < 2


def _one_word(first: str, second: str) -> str:
    """The word in which two names differ, where what they share is more than a number; empty if it is not one."""
    one, other = _words(first), _words(second)
    short, long = sorted((one, other), key=len)
    shared = [word for word in short if word in long]
    if len(short) == len(long):
        differ = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
        word = " or ".join(differ[0]) if len(differ) == 1 else ""
    else:
        places = [k for k in range(len(long)) if long[:k] + long[k + 1 :] == short]
        word = long[places[0]] if places else ""
    return word.replace("dpmsolver", "dpm_solver") if any(not part.isdigit() for part in shared) else ""


def _words(name: str) -> list[str]:
    return name.replace("dpm_solver", "dpmsolver").split("_")


def _one_option(first: Solver, second: Solver) -> str:
    """The released class or function of which two entries are two settings of one option; empty if none is."""
    for library in first.aliases:
        if library not in second.aliases:
            continue
        (name, given), (its, other) = (call_of(one.aliases[library], one.name) for one in (first, second))
        changed = [key for key in {**given, **other} if given.get(key) != other.get(key)]
        if name == its and len(changed) == 1 and "" not in changed:
            return f"{library}:{name}, {changed[0]}"
    return ""


def _shapes(entries: Sequence[Solver], of: dict[str, Class]) -> Iterator[tuple[Solver, Solver, str]]:
    alike: dict[Any, list[Solver]] = {}
    for solver in entries:
        alike.setdefault(_shape(solver), []).append(solver)
    for group in alike.values():
        head = max(group, key=lambda solver: len(of[solver.name]))
        yield from ((head, other, "one shape") for other in group if other is not head)


def _shape(solver: Solver) -> Any:
    counts = (solver.order, solver.memory, len(solver.correct), solver.reevaluate)
    return solver.space, counts, Step(solver).fractions, solver.clock, solver.path, solver.branches
