"""Deciding a theorem: the claim in its environments, its twins beside it, and the shipped functions they executed.

Parts are decided one by one (:func:`decide`), so that :mod:`cfg_equiv.theorems.pool` can share them among processes.
"""

import cProfile
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import CodeType
from typing import Any, Literal

import cfg_equiv.algebra
from cfg_equiv.results import TheoremResult
from cfg_equiv.theorems.environment import Env, FieldEnv, RationalEnv
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Equal, Holds, Statement

_ALGEBRA = Path(cfg_equiv.algebra.__file__).parent
POINTS = 3  # rational points at which a field proof is repeated: its fast twin, and the check of its conditions
TRIALS = 400  # lattice draws searched for a point that meets the conditions, or for a counterexample


class ProofError(AssertionError):
    """A claim or twin did not come out as it must; the message says which statement and where."""


@contextmanager
def recording(calls: set[str]) -> Iterator[None]:
    """Collect the names of the shipped formulas that run, nested calls included; none where somebody else profiles."""
    profiler = cProfile.Profile(builtins=False)  # in C: proofs make millions of calls
    if sys.getprofile() is not None:
        yield
        return
    profiler.enable()
    try:
        yield
    finally:
        profiler.disable()
        for code in (entry.code for entry in profiler.getstats()):
            if isinstance(code, CodeType) and (path := Path(code.co_filename)).is_relative_to(_ALGEBRA):
                name = ".".join(("algebra", *path.relative_to(_ALGEBRA).with_suffix("").parts, code.co_qualname))
                calls.update({name} if "<" not in name else ())


@dataclass(frozen=True)
class Outcome:
    """What came of one part: whether the claim holds and every twin is refuted, in words, and what it ran."""

    holds: bool
    refuted: bool
    details: tuple[str, ...]
    calls: frozenset[str]
    seconds: float


def decide(part: Part) -> Outcome:
    """Decide the claim of a part and every twin of it."""
    start = time.perf_counter()
    calls: set[str] = set()

    def outcome(holds: bool, refuted: bool, details: list[str]) -> Outcome:
        return Outcome(holds, refuted, tuple(details), frozenset(calls), time.perf_counter() - start)

    try:
        names = _check(part, calls)
    except (ProofError, ArithmeticError) as error:
        return outcome(False, False, [f"{type(error).__name__}: {error}"])
    refuted, details = True, []
    for label, change in part.twins.items():
        try:
            details.append(f"twin '{label}' refuted: {_refute(part, change, names)}")
        except (ProofError, ArithmeticError) as error:
            refuted = False
            details.append(f"twin '{label}' NOT refuted: {error}")
    return outcome(True, refuted, details)


def prove(theorem: Theorem) -> TheoremResult:
    """Decide a theorem and every twin. A failure is reported in the record, with the statement that failed."""
    return result(theorem, [decide(part) for part in theorem.parts])


def result(theorem: Theorem, outcomes: Iterable[Outcome]) -> TheoremResult:
    """The record of a theorem whose parts came out like this."""
    outcomes = tuple(outcomes)
    if not all(part.twins for part in theorem.parts):
        raise ValueError(f"{theorem.id} has a part without a twin: a claim that cannot fail proves nothing, add one")
    holds: Literal["argued", "proved"] = "argued" if theorem.method == "argued" else "proved"
    return TheoremResult(
        id=theorem.id,
        statement=theorem.statement,
        source=theorem.source,
        conditions=theorem.side_conditions(),
        method=theorem.method,
        status=holds if all(outcome.holds for outcome in outcomes) else "failed",
        twin_refuted=all(outcome.refuted for outcome in outcomes),
        calls=tuple(sorted(frozenset().union(*(outcome.calls for outcome in outcomes)))),
        ms=round(1000 * sum(outcome.seconds for outcome in outcomes), 1),
        detail="; ".join(text for outcome in outcomes for text in outcome.details),
    )


def _check(part: Part, calls: set[str]) -> list[str]:
    """Check the claim wherever its arena says; returns the names of its free values."""
    if part.arena == "exact":
        env = RationalEnv(part.points)
        with recording(calls):
            _demand(part.claim(env), env)
        return []
    names: list[str] = []
    if part.arena == "field_only":  # no limits or derivatives at points: there only the names are learnt
        env = RationalEnv(part.points)
        for _ in part.claim(env):
            pass
        names = env.names()
    else:
        for k, env in zip(range(POINTS), admissible(part), strict=False):
            with recording(calls if k == 0 else set()):
                _demand(part.claim(env), env)
            names = env.names()
    field = FieldEnv(part.points, names, part.conditions)
    with recording(calls) if part.arena == "field_only" else nullcontext():
        _demand(part.claim(field), field)
    if missing := field.field.uncovered():
        raise ProofError(f"divisors that no side condition keeps away from zero: {', '.join(missing)}")
    return names


def export(theorem: Theorem) -> list[dict[str, str]]:
    """Both sides of every equality and inequality as text, with the side conditions they hold under.

    Field parts are written in their generators, exact parts in numbers; facts without sides are left out.
    """
    rows = []
    for part in theorem.parts:
        env: Env = next(admissible(part)) if part.arena == "field" else RationalEnv(part.points)
        statements = list(part.claim(env))
        if part.arena != "exact":
            env = FieldEnv(part.points, env.names(), part.conditions)
            statements = list(part.claim(env))
        conditions = ", ".join(part.side_conditions())
        for statement in statements:
            if not isinstance(statement, Holds):
                relation = "==" if isinstance(statement, Equal) else "!="
                rows.append(
                    {
                        "theorem": theorem.id,
                        "label": statement.label,
                        "lhs": str(statement.lhs),
                        "relation": relation,
                        "rhs": str(statement.rhs),
                        "conditions": conditions,
                    }
                )
    return rows


def admissible(part: Part) -> Iterator[RationalEnv]:
    """Rational points that meet the side conditions, small ones first; at least :data:`POINTS` of them."""
    found = 0
    for trial in range(TRIALS):
        env = RationalEnv(part.points, trial)
        if env.satisfies(part.conditions):
            found += 1
            yield env
    if found < POINTS:
        raise ProofError(f"only {found} of {TRIALS} lattice points meet the side conditions")


def _demand(statements: Iterable[Statement], env: Env) -> None:
    count = 0
    for statement in statements:
        count += 1
        if not env.decide(statement):
            raise ProofError(f"{statement.label} is false{_where(env)}{_sides(statement)}")
    if not count:
        raise ProofError("the claim made no statement")


def _refute(part: Part, change: Mapping[str, Any], names: list[str]) -> str:
    """Refute a twin and say where: exactly at the smallest lattice point found, else in the field."""
    if part.arena == "exact":
        env = RationalEnv(part.points)
        if (false := _first_false(part.claim(env, **change), env)) is None:
            raise ProofError("every statement of it is true")
        return f"{false.label}{_sides(false)}"
    # A point that meets the conditions and where it is false is all that a refutation needs.
    for env in admissible(part) if part.arena != "field_only" else ():
        if (at := _first_false(part.claim(env, **change), env)) is not None:
            return f"{at.label}{_where(env)}{_sides(at)}"
    field = FieldEnv(part.points, names, part.conditions)
    if (false := _first_false(part.claim(field, **change), field)) is None:
        raise ProofError("its difference is zero in the field")
    if part.arena != "field_only":
        raise ProofError("it is false in the field, but no lattice point shows it")
    return f"{false.label}{_sides(false)}"


def _first_false(statements: Iterable[Statement], env: Env) -> Statement | None:
    return next((statement for statement in statements if not env.decide(statement)), None)


def _where(env: Env) -> str:
    if not isinstance(env, RationalEnv) or not env.names():
        return ""
    return " at " + ", ".join(f"{name}={env[name]}" for name in env.names() if isinstance(env[name], int | Fraction))


def _sides(statement: Statement) -> str:
    sides = [getattr(statement, side, None) for side in ("lhs", "rhs")]
    texts = [str(side) for side in sides]
    return f": {texts[0]} against {texts[1]}" if sides != [None, None] and all(len(t) < 80 for t in texts) else ""
