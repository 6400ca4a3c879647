r"""Which two spaces a guidance rule means the same in: the verdict, pair by pair.

Between two parameterizations a prediction moves by :math:`y \mapsto A y + B z`. A pair needs only the generators of its
own maps: the shift where :math:`B \ne 0`, the sign where :math:`A < 0`, the scale always (no pair has :math:`|A| = 1`
at every level). A rule that commutes with those means the same in both spaces. Of a rule that does not, a difference
is shown exactly, on the rule's own counterexample or on other small integers.
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.interval_vectors import apart
from cfg_equiv.exact.rational import Vector
from cfg_equiv.theorems.counterexample import Counterexample, Verdict
from cfg_equiv.theorems.verdicts import SPACES, Data, results

PAIRS = tuple(itertools.combinations(SPACES, 2))
# Points of no special path: what is |A| = 1 or B = 0 at the first is so at every level.
DRAWS = 300  # integer data tried where the counterexample does not tell two spaces apart
LEVELS = (Point(Fraction(2, 3), Fraction(3, 5)), Point(Fraction(3, 5), Fraction(4, 5)))


@dataclass(frozen=True)
class Pair:
    """One cell of the matrix: whether the rule means the same in two spaces, and the largest difference shown."""

    first: str
    second: str
    same: bool
    size: float | None = None  # of results mapped back to x0; None where they are the same

    @property
    def name(self) -> str:
        """Both spaces."""
        return f"{self.first} {self.second}"


def needs(first: str, second: str) -> frozenset[Literal["translation", "scale", "sign"]]:
    """The generators of the maps between two spaces."""
    one, zero = Fraction(1), Fraction(0)
    a = to_space(None, zero, one, LEVELS[0], first, second)
    b = to_space(None, one, zero, LEVELS[0], first, second)
    found: set[Literal["translation", "scale", "sign"]] = {"scale"}
    if b:
        found.add("translation")
    if a < 0:
        found.add("sign")
    return frozenset(found)


def pairs(rule: Rule, found: Verdict) -> tuple[Pair, ...]:
    """The verdict on every pair of spaces.

    Raises
    ------
    ExactError
        If a rule fails a generator that a pair needs, and no data show a difference between its spaces.
    """
    return tuple(_pair(rule, found, *spaces) for spaces in PAIRS)


def _pair(rule: Rule, found: Verdict, first: str, second: str) -> Pair:
    generators: Mapping[str, bool] = {"translation": found.translation, "scale": found.scale, "sign": found.sign}
    if found.commutes or (rule.answer != "gradient" and all(generators[name] for name in needs(first, second))):
        return Pair(first, second, True)
    for data, at in _data(rule, found.counterexample):
        try:
            answers = results(rule, data, at, rule.parameters)
        except (ArithmeticError, ValueError):
            continue  # the rule has no value there
        one, other = answers[first], answers[second]
        if apart(one, other) if rule.arena == "interval" else one != other:
            return Pair(first, second, False, distance(one, other))
    raise ExactError(
        f"{rule.name} fails a generator that {first} and {second} need, but no data show it: widen what it is given"
    )


def _data(rule: Rule, example: Counterexample | None) -> Iterator[tuple[Data, Point]]:
    """Where two spaces may differ: on the rule's counterexample, there or at another level, then on small integers."""
    if example is not None:
        data = data_of(example)
        yield from ((data, at) for at in (Point(example.alpha, example.sigma), *LEVELS))
    rng = random.Random(rule.name)
    for _ in range(DRAWS):
        kinds = ("here", "other_latent", "other_level")
        latents = {kind: _drawn(rng, rule.elements) for kind in kinds}
        data = Data(latents, {name: _drawn(rng, rule.elements) for name in rule.branches})
        yield from ((data, at) for at in LEVELS)


def _drawn(rng: random.Random, elements: int) -> Vector:
    return Vector(Fraction(rng.randint(-4, 4)) for _ in range(elements))


def data_of(example: Counterexample) -> Data:
    """The numbers of a counterexample, to be run again."""
    kinds = {"here": "z", "other_latent": "z_other", "other_level": "z_before"}
    latents = {kind: Vector(example.latents.get(name, example.latents["z"])) for kind, name in kinds.items()}
    return Data(latents, {name: Vector(values) for name, values in example.branches.items()})


def distance(one: Any, other: Any) -> float:
    """The largest difference of two vectors of exact or enclosed numbers, as a float to be shown."""
    found = Counterexample(Fraction(1), Fraction(1), {}, {}, {}, {"one": _texts(one), "other": _texts(other)})
    return found.size


def _texts(vector: Any) -> tuple[str, ...]:
    return tuple(str(x) for x in vector)
