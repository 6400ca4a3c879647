r"""Released guidance code, unmodified, against the catalogue's rule of its name: the same answers, the same verdict.

Code of ``+ - * /`` runs on exact numbers: it is the catalogue's rule by a proof in the field, and so is its verdict.
Any other code runs on tensors with the bound of its own roundings; then the answers agree, and the generators hold, as
far as no draw shows a difference beyond rounding, and a generator that fails is a certain separation.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import torch

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.foreign import on_rationals
from cfg_equiv.exact.interval_vectors import apart, enclosed
from cfg_equiv.exact.intervals import endpoints
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.theorems.verdicts import apply, generators
from cfg_equiv.verdict.measured import Measured

DRAWS = 6  # of each generator, and of predictions on which the answers are compared
WIDE = Fraction(1, 8)  # an enclosure this wide tells nothing about predictions of thirds

Shape = Callable[[int], Sequence[int]]


def image(n: int) -> Sequence[int]:
    """The vector lies in the channels of an image of one pixel."""
    return (1, n, 1, 1)


def clip(n: int) -> Sequence[int]:
    """The vector lies in the channels of a signal of one frame."""
    return (1, n, 1)


@dataclass(frozen=True)
class Released:
    """One released configuration, and the rule of the catalogue that it is.

    Attributes
    ----------
    rule
        The name in the catalogue.
    symbol, space
        What is called, with its options, and the parameterization that the library hands to it.
    call
        ``call(*branches, w, **parameters)`` with the catalogue's parameters: it builds and asks the released code.
    parameters
        Values in the place of the catalogue's.
    exact
        Whether the code is made of ``+ - * /`` alone.
    shape, dtype
        How a vector of the catalogue becomes a tensor; ``float32`` for code that computes in it whatever it is given.
    """

    rule: str
    symbol: str
    space: str
    call: Callable[..., Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = False
    shape: Shape = image
    dtype: torch.dtype = torch.float64

    @property
    def catalogued(self) -> Rule:
        """The catalogue's rule, with the parameters at which it is compared."""
        rule = RULES[self.rule]
        return replace(rule, parameters={**rule.parameters, **self.parameters})

    @property
    def own(self) -> Rule:
        """The released code in the place of the catalogue's formula."""
        rule = self.catalogued
        if self.exact:
            return replace(rule, name=self.symbol, formula=on_rationals(self.call))
        shapes = {rule.elements: self.shape(rule.elements)}
        return replace(rule, name=self.symbol, formula=Measured(self.call, shapes, self.dtype), arena="interval")


def agrees(released: Released) -> str:
    """The released code is the catalogue's rule, and its verdict follows; how that was found, in a few words."""
    own = released.own
    found, expected = generators(own, DRAWS), generators(released.catalogued, DRAWS)
    if found != expected:
        raise AssertionError(f"{own.name}: the generators hold as {found}, those of {released.rule} as {expected}")
    if released.exact:
        _prove_equal(own, released.catalogued)
        return "proved"
    compared = _equal_answers(own, released.catalogued)
    reruns = (
        f", {own.formula.reruns} calls by reruns" if isinstance(own.formula, Measured) and own.formula.reruns else ""
    )
    return f"{compared} answers within their rounding{reruns}"


def _prove_equal(own: Rule, catalogued: Rule) -> None:
    """Equality for all predictions at once, at the parameters' values."""
    names = [f"{name}_{k}" for name in own.branches for k in range(own.elements)]
    f = Field(names, roots=0, auxiliary=0)
    branches = {name: Vector(f.gens[f"{name}_{k}"] for k in range(own.elements)) for name in own.branches}
    got, expected = (rule.formula(RATIONAL, *branches.values(), **rule.parameters) for rule in (own, catalogued))
    if not all(f.is_zero(x) for x in got - expected):
        raise AssertionError(f"{own.name}: it gives {got}, {catalogued.name} gives {expected}")


def _equal_answers(own: Rule, catalogued: Rule) -> int:
    """How many answers agree; enclosures that say too little are a difference too."""
    compared = 0
    for seed in range(DRAWS):
        got, expected = (answer(rule, seed) for rule in (own, catalogued))
        if apart(got, expected):
            raise AssertionError(f"{own.name}: it gives {got}, {catalogued.name} gives {expected} (draw {seed})")
        if any(high - low > WIDE for low, high in (endpoints(x.interval) for x in got)):
            raise AssertionError(f"{own.name}: the rounding of {got} is too wide to compare (draw {seed})")
        compared += len(got.items)
    return compared


def answer(rule: Rule, seed: int) -> Vector:
    """The rule, in intervals, on predictions of thirds, halves and integers."""
    rng = random.Random(seed)

    def drawn() -> Vector:
        return Vector(
            Fraction(rng.randint(1, 9) * rng.choice((-1, 1)), rng.choice((1, 2, 3))) for _ in range(rule.elements)
        )

    branches = {name: enclosed(drawn()) for name in rule.branches}
    result: Vector = apply(replace(rule, arena="interval"), branches, None, rule.parameters)
    return result


def all_agree(configurations: Callable[[], Sequence[Released]]) -> str:
    """Every configuration is its rule; what was proved and what was compared is counted."""
    outcomes = {released.symbol: agrees(released) for released in configurations()}
    proved = [symbol for symbol, outcome in outcomes.items() if outcome == "proved"]
    rest = [f"{symbol} ({outcome})" for symbol, outcome in outcomes.items() if outcome != "proved"]
    parts = [f"proved as shipped: {', '.join(proved)}"] if proved else []
    return "; ".join(parts + ([f"the catalogue's rule and verdict: {', '.join(rest)}"] if rest else []))


@dataclass(frozen=True)
class ReleasedVerdict:
    """What released code does under its rule's name: where, and whether it means the same in every space."""

    library: str
    symbol: str
    space: str
    commutes: bool
    generators: Mapping[str, bool]


def verdict_of(library: str, released: Released) -> ReleasedVerdict:
    """The verdict on one configuration."""
    found = generators(released.own, DRAWS // 2)
    return ReleasedVerdict(library, released.symbol, released.space, all(found.values()), found)
