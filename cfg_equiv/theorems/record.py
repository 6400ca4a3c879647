"""A theorem as data: what is claimed, where it comes from, when it holds, how it is decided, and how it could fail."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cfg_equiv.results import Method
from cfg_equiv.theorems.environment import Path, suffix
from cfg_equiv.theorems.statement import Statement

Claim = Callable[..., Iterable[Statement]]
Arena = Literal["field", "field_only", "exact"]

_OF_PATH: dict[str, tuple[str, ...]] = {
    "free": (),
    "snr": ("sigma{0} == alpha{0}*kappa{0}",),
    "ve": ("alpha{0} == 1",),
    "flow": ("alpha{0} == 1 - sigma{0}", "sigma{0} > 0", "1 > sigma{0}"),
    "vp": ("alpha{0}**2 + sigma{0}**2 == 1", "alpha{0} > 0", "sigma{0} > 0"),
    "circle": ("alpha{0}**2 + sigma{0}**2 == 1",),
}


@dataclass(frozen=True)
class Part:
    """One claim of a theorem, with the points and side conditions it needs and the twins that must be refuted.

    Attributes
    ----------
    claim
        ``claim(g, **mutation)`` yields statements; ``g`` hands out values by name and points by label.
    twins
        Neighbouring claims that must be refuted, as keyword arguments of the same claim: a sign, a weight, a row.
    points
        The labelled points and the path each lies on.
    conditions
        Side conditions, ``'a > b'``, ``'a != b'`` or ``'a == b'``. The prover reports every divisor they do not cover.
    arena
        ``field``: decided in the rational function field and repeated at points. ``field_only``: claims that
        take limits or derivatives, which rational points cannot. ``exact``: the claim brings its own exact or bounded
        data.
    """

    claim: Claim
    twins: Mapping[str, Mapping[str, Any]]
    points: Mapping[str, Path] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    arena: Arena = "field"

    def side_conditions(self) -> tuple[str, ...]:
        """The conditions, with those that the points' paths bring along."""
        of_paths = (text.format(suffix(label)) for label, path in self.points.items() for text in _OF_PATH[path])
        return (*of_paths, *self.conditions)


@dataclass(frozen=True)
class Theorem:
    """A claim about shipped functions, in one or several parts.

    Attributes
    ----------
    id, statement, source
        The name it is cited by, the statement in LaTeX, and where it comes from.
    method
        How it is decided: ``field``, ``exact_counterexample``, ``bound``, ``limit``, or ``argued`` (a step in prose,
        given in ``argument``, whose finite instances are checked; never shown as proved).
    parts
        The claims. Nothing else in the package knows a theorem's number.
    """

    id: str
    statement: str
    source: str
    method: Method
    parts: tuple[Part, ...]
    argument: str = ""

    def side_conditions(self) -> tuple[str, ...]:
        """The side conditions of all parts, each once."""
        return tuple(dict.fromkeys(text for part in self.parts for text in part.side_conditions()))
