"""A verdict on a guidance rule, and the data that shows it: numbers from which anyone can recompute it."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Counterexample:
    """Data on which a rule gives different answers in different spaces; every result is mapped back to x0."""

    alpha: Fraction
    sigma: Fraction
    parameters: Mapping[str, Any]
    latents: Mapping[str, tuple[Fraction, ...]]  # "z", and the other ones a branch is seen at
    branches: Mapping[str, tuple[Fraction, ...]]  # as x0-predictions, by name
    results: Mapping[str, tuple[str, ...]]  # by space

    @property
    def size(self) -> float:
        """The largest difference between two results."""
        rows = [[_approximate(x) for x in row] for row in self.results.values()]
        return max(
            abs(a - b) for one, other in itertools.combinations(rows, 2) for a, b in zip(one, other, strict=True)
        )


@dataclass(frozen=True)
class Verdict:
    """What is known of a rule: the three generators, the class, and the counterexample where there is one."""

    name: str
    translation: bool
    scale: bool
    sign: bool
    letter: str
    evidence: str
    counterexample: Counterexample | None = None

    @property
    def commutes(self) -> bool:
        """Whether the rule means the same in every parameterization."""
        return self.letter in ("A", "B")


def _approximate(text: str) -> float:
    """A rational, a surd or a decimal as a float, for a size that is only shown."""
    return float(eval(text, {"__builtins__": {}}, {"sqrt": lambda x: x**0.5}))
