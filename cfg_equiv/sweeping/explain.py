r"""Which options explain the failures of a property: the smallest condition that holds in exactly the runs that fail.

A **literal** is ``option = value``, or ``option != value`` where an option has three values or more that occur; a
**term** is one literal or two of different options, both of which must hold; a
**condition** is one term, or up to three of which one must hold, each of them in two failing runs or more: a term for
every single run would explain anything. The search is exact: of all conditions of that form that hold in every failing
run and in no passing one it finds one with the fewest terms, then the fewest literals. Others of the same size that the
runs cannot tell from it are named beside it.

Where there is none, the single term is given that holds in the most failing runs and in no passing one, if those are
two or more and half of all that fail; else the one that holds in all failing runs and in the fewest passing ones, if
those are no more than half of them. A condition is a statement about the runs that were made, no more.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from typing import Literal as OneOf

Extent = OneOf["all", "exactly", "partly", "only_if", "unexplained"]
TERMS = 3  # of a condition
TIES = 3  # alternatives that are named
Options = Mapping[str, Any]


class Literal(NamedTuple):
    """``option = value``, or with ``equal`` false ``option != value``; 1 and True are two values."""

    option: str
    value: Any
    equal: bool = True

    def holds(self, options: Options) -> bool:
        """Whether it is true of a run."""
        return (repr(options.get(self.option)) == repr(self.value)) is self.equal

    def __str__(self) -> str:
        return f"{self.option}{'=' if self.equal else '!='}{self.value!r}"


Term = tuple[Literal, ...]  # literals that hold together


@dataclass(frozen=True)
class Explanation:
    """What the failing runs have in common.

    ``extent`` is ``all`` (every run fails), ``exactly`` (the condition holds in the failing runs and no other),
    ``partly`` (in ``explained`` of the failing runs and no passing one), ``only_if`` (in all that fail and in
    ``passing_too`` that pass) or ``unexplained``. ``condition`` is a
    union of terms; ``ties`` are further conditions of which the same is true.
    """

    extent: Extent
    failing: int
    passing: int
    condition: tuple[Term, ...] = ()
    passing_too: int = 0
    ties: tuple[tuple[Term, ...], ...] = ()
    explained: int = 0

    def __str__(self) -> str:
        if self.extent == "all":
            return f"every run ({self.failing})"
        of = f"{self.failing} of {self.failing + self.passing}"
        if self.extent == "unexplained":
            return f"{of} runs; no condition on at most two options tells them from the others"
        text = described(self.condition)
        if self.extent == "partly":
            return f"all runs with {text} ({self.explained}), and in {self.failing - self.explained} more ({of})"
        if self.extent == "only_if":
            more = f"; {self.passing_too} of {self.passing} passing runs have it too"
            return f"only runs with {text} ({of}){more}"
        ties = f"; these runs cannot tell that from {'; or from '.join(map(described, self.ties))}" if self.ties else ""
        return f"exactly the runs with {text} ({of}){ties}"


def described(condition: Sequence[Term]) -> str:
    """A condition in words: ``a=1 and b='x', or c=True``."""
    return ", or ".join(" and ".join(map(str, term)) for term in condition)


def explain(failing: Sequence[Options], passing: Sequence[Options]) -> Explanation:
    """The smallest condition that tells the failing runs from the passing ones.

    Parameters
    ----------
    failing, passing
        The option values of each run; every run names every option.
    """
    if not failing:
        raise ValueError("expected one failing run or more, got none: there is nothing to explain")
    if not passing:
        return Explanation("all", len(failing), 0)
    terms = _Terms(failing, passing)
    counts = (len(failing), len(passing))
    if found := _covers(terms):
        return Explanation("exactly", *counts, found[0], ties=tuple(found[1 : 1 + TIES]))
    pure = [(terms.failing(t).bit_count(), -len(t), t) for t in terms.all if terms.passing(t) == 0]
    most = max(pure, key=lambda entry: entry[:2], default=None)
    if most is not None and most[0] > 1 and 2 * most[0] >= len(failing):
        return Explanation("partly", *counts, (most[2],), explained=most[0])
    everywhere = [(terms.passing(t).bit_count(), len(t), t) for t in terms.all if terms.failing(t) == terms.whole]
    best = min(everywhere, key=lambda entry: entry[:2], default=None)
    if best is not None and 2 * best[0] <= len(passing):
        return Explanation("only_if", *counts, (best[2],), best[0])
    return Explanation("unexplained", *counts)


class _Terms:
    """All terms that occur in a failing run, each with the sets of failing and of passing runs it holds in, as bits."""

    def __init__(self, failing: Sequence[Options], passing: Sequence[Options]) -> None:
        self.whole = (1 << len(failing)) - 1
        self._bits: dict[str, tuple[int, int]] = {}  # by literal: the failing and the passing runs it holds in
        literals = list(_literals(failing, passing))
        for literal in literals:
            holds = [sum(1 << k for k, run in enumerate(runs) if literal.holds(run)) for runs in (failing, passing)]
            self._bits[_key(literal)] = (holds[0], holds[1])
        literals = [x for x in literals if self.failing((x,))]
        single: list[Term] = [(literal,) for literal in literals]
        pairs = itertools.combinations(literals, 2)
        double: list[Term] = [(a, b) for a, b in pairs if a.option != b.option and self.failing((a, b))]
        self.all = single + double

    def failing(self, term: Term) -> int:
        return self._meet(term, 0)

    def passing(self, term: Term) -> int:
        return self._meet(term, 1)

    def _meet(self, term: Term, which: int) -> int:
        found = -1
        for literal in term:
            found &= self._bits[_key(literal)][which]
        return found


def _key(literal: Literal) -> str:
    return repr(tuple(literal))  # 1 and True are equal, and hash alike


def _literals(failing: Sequence[Options], passing: Sequence[Options]) -> Iterable[Literal]:
    """Option by option: equal to each of its values, then unlike each where there are three or more."""
    for option in failing[0]:
        values = {repr(run.get(option)): run.get(option) for runs in (failing, passing) for run in runs}
        ordered = [values[text] for text in sorted(values)]
        yield from (Literal(option, value) for value in ordered)
        if len(ordered) > 2:
            yield from (Literal(option, value, equal=False) for value in ordered)


def _covers(terms: _Terms) -> list[tuple[Term, ...]]:
    """The smallest unions of terms without a passing run that hold in every failing run, at most ``1 + TIES``."""
    pure = [(terms.failing(t), t) for t in terms.all if terms.passing(t) == 0]
    smallest: dict[int, list[Term]] = {}  # by the failing runs they hold in: a larger term adds nothing
    for holds, term in pure:
        known = smallest.setdefault(holds, [])
        if not known or len(term) == len(known[0]):
            known.append(term)
    useful = [h for h in smallest if not any(_dominates(smallest, other, h) for other in smallest)]
    for count in range(1, TERMS + 1):
        unions = list(_unions([h for h in useful if count == 1 or h.bit_count() > 1], terms.whole, count))
        if unions:
            sized = sorted(unions, key=lambda union: sum(len(smallest[h][0]) for h in union))
            least = sum(len(smallest[h][0]) for h in sized[0])
            ways = (
                way
                for union in sized
                if sum(len(smallest[h][0]) for h in union) == least
                for way in itertools.product(*(smallest[h] for h in union))
            )
            places = {term: k for k, term in enumerate(terms.all)}
            return [tuple(sorted(way, key=places.__getitem__)) for way in itertools.islice(ways, 1 + TIES)]
    return []


def _dominates(smallest: Mapping[int, Sequence[Term]], other: int, one: int) -> bool:
    """Whether ``other`` holds wherever ``one`` does and more, and is no larger."""
    return other != one and other | one == other and len(smallest[other][0]) <= len(smallest[one][0])


def _unions(holds: Sequence[int], left: int, count: int) -> Iterable[tuple[int, ...]]:
    """Every union of ``count`` sets that covers what is left: the lowest run that is left must be in one of them."""
    lowest = left & -left
    for one in holds:
        if not one & lowest:
            continue
        rest = left & ~one
        if rest == 0:
            yield (one,)
        elif count > 1:
            for others in _unions(holds, rest, count - 1):
                yield (one, *others)
