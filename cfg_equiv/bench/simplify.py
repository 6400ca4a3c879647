"""The proofs of the classes against ``sympy.simplify``: ``python -m cfg_equiv.bench.simplify``.

Two solvers are one map if every coefficient of their tableaus is equal. Here that is decided twice for each pair of the
catalogue: in the field of fractions, as theorem S5 does, at every depth of the past; and by ``simplify`` of the
difference of the same tableaus at full history, run on SymPy's expressions. A simplification that does not end in time
is given up, and one that does not reach 0 is said.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import sympy

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.combination import names
from cfg_equiv.testing.failure import TimeLimitError
from cfg_equiv.testing.guard import time_limit
from cfg_equiv.theorems.classes import one_map, partition
from cfg_equiv.theorems.tableau import Step, Tableau

EXPRESSIONS = SimpleNamespace(log=sympy.log, sqrt=sympy.sqrt, exp=sympy.exp, expm1=lambda x: sympy.exp(x) - 1)


@dataclass(frozen=True)
class Race:
    """Seconds the field took for a pair, and those of ``simplify``; None where it was given up."""

    pair: str
    field: float
    simplify: float | None
    zero: bool


def expressions(name: str) -> Tableau:
    """The tableau of a solver on SymPy's symbols, at full history."""
    step = Step(SOLVERS[name])
    points = {}
    for label in step.labels:
        alpha, kappa = sympy.symbols(f"alpha_{label} kappa_{label}", positive=True)
        points[label] = Point(alpha, alpha * kappa, -sympy.log(kappa))
    return step.tableau(EXPRESSIONS, points, sympy.Integer(1))


def simplified(first: str, second: str, seconds: float) -> tuple[float | None, bool]:
    """How long ``simplify`` took for all differences, and whether it found each to be 0."""
    start = time.perf_counter()
    try:
        with time_limit(seconds):
            pairs = zip(expressions(first).forms(), expressions(second).forms(), strict=True)
            zero = all(
                sympy.simplify(_expression(one[name]) - _expression(other[name])) == 0
                for (_, one), (_, other) in pairs
                for name in names((one, other))
            )
    except TimeLimitError:
        return None, False
    return time.perf_counter() - start, zero


def _expression(value: Any) -> Any:
    return sympy.Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def race(first: str, second: str, seconds: float) -> Race:
    """Both on one pair that is one map on any path."""
    start = time.perf_counter()
    if gap := one_map.__wrapped__(first, second, "any"):
        raise ValueError(f"expected one map, got {first} and {second}: {gap}")
    field = time.perf_counter() - start
    return Race(f"{first} = {second}", field, *simplified(first, second, seconds))


def pairs() -> list[tuple[str, str]]:
    """The pairs proved one map on any path, without nodes inside the step, which stand for roots there."""
    joined = [(first, second) for first, second, path in partition().joined if path == "any"]
    return [pair for pair in joined if not any(Step(SOLVERS[name]).nodes for name in pair)]


def main(arguments: list[str] | None = None) -> int:
    """Print the table, a pair a line, then the ratio over the pairs on which ``simplify`` ended with 0."""
    parser = argparse.ArgumentParser(description="The field against sympy.simplify.")
    parser.add_argument("--seconds", type=float, default=20, help="when a simplification is given up (20)")
    parser.add_argument("--pairs", type=int, default=12, help="how many pairs, the first of the catalogue (12)")
    options = parser.parse_args(arguments)
    races = []
    for first, second in pairs()[: options.pairs]:
        races.append(found := race(first, second, options.seconds))
        took = "given up" if found.simplify is None else f"{found.simplify:8.3f} s" + " but not 0" * (not found.zero)
        print(f"{found.pair:55} field {found.field:7.3f} s   simplify {took}", flush=True)
    ended = [found for found in races if found.zero and found.simplify is not None]
    field, slow = sum(found.field for found in ended), sum(found.simplify or 0 for found in ended)
    rest = len(races) - len(ended)
    ratio = f"simplify took {slow / field:.1f} times as long" if ended else "none to compare"
    print(f"on the {len(ended)} pairs it decided, {ratio}; {rest} of {len(races)} it did not decide")
    return 0


if __name__ == "__main__":
    sys.exit(main())
