"""What a claim yields: equalities, inequalities, and facts decided elsewhere."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Equal:
    """``lhs = rhs``, for every value of every generator."""

    label: str
    lhs: Any
    rhs: Any


@dataclass(frozen=True)
class Differs:
    """``lhs != rhs``: an exact counterexample, or an identity that fails generically."""

    label: str
    lhs: Any
    rhs: Any


@dataclass(frozen=True)
class Holds:
    """A fact that the claim decided itself, by exact arithmetic or by a bound."""

    label: str
    fact: bool


Statement = Equal | Differs | Holds
