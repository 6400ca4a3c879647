"""Deciding a theorem: the claim in its environments, its twins beside it, and the shipped functions they executed."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from typing import Any

from cfg_equiv.results import TheoremResult
from cfg_equiv.theorems.environment import Env, FieldEnv, RationalEnv
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Equal, Holds, Statement

POINTS = 3  # rational points at which a field proof is repeated: its fast twin, and the check of its conditions
TRIALS = 400  # lattice draws searched for a point that meets the conditions, or for a counterexample


class ProofError(AssertionError):
    """A claim or twin did not come out as it must; the message says which statement and where."""


@contextmanager
def recording(calls: set[str]) -> Iterator[None]:
    """Collect the names of the shipped formulas that run, nested calls included."""
    prefix = "cfg_equiv.algebra."

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith(prefix):
            name = frame.f_code.co_qualname
            if not name.startswith("<") and "<" not in name:
                calls.add(f"{frame.f_globals['__name__'].removeprefix('cfg_equiv.')}.{name}")

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(previous)


def prove(theorem: Theorem) -> TheoremResult:
    """Decide a theorem and every twin. A failure is reported in the record, with the statement that failed."""
    start = time.perf_counter()
    calls: set[str] = set()
    status, twin_refuted, details = "argued" if theorem.method == "argued" else "proved", True, []
    for part in theorem.parts:
        try:
            names = _check(part, calls)
        except (ProofError, ArithmeticError) as error:
            status, twin_refuted = "failed", False
            details.append(f"{type(error).__name__}: {error}")
            continue
        if not part.twins:
            raise ValueError(
                f"{theorem.id} has a part without a twin: a claim that cannot fail proves nothing, add one"
            )
        for label, change in part.twins.items():
            try:
                details.append(f"twin '{label}' refuted: {_refute(part, change, names)}")
            except (ProofError, ArithmeticError) as error:
                twin_refuted = False
                details.append(f"twin '{label}' NOT refuted: {error}")
    return TheoremResult(
        id=theorem.id,
        statement=theorem.statement,
        source=theorem.source,
        conditions=theorem.side_conditions(),
        method=theorem.method,
        status=status,  # type: ignore[arg-type]  # one of the three literals, chosen above
        twin_refuted=twin_refuted,
        calls=tuple(sorted(calls)),
        ms=round(1000 * (time.perf_counter() - start), 1),
        detail="; ".join(details),
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
        env: Env = RationalEnv(part.points)
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
    """Refute a twin and say where: in the field, and exactly at the smallest lattice point found."""
    if part.arena == "exact":
        env = RationalEnv(part.points)
        if (false := _first_false(part.claim(env, **change), env)) is None:
            raise ProofError("every statement of it is true")
        return f"{false.label}{_sides(false)}"
    field = FieldEnv(part.points, names, part.conditions)
    if (false := _first_false(part.claim(field, **change), field)) is None:
        raise ProofError("its difference is zero in the field")
    if part.arena == "field_only":
        return f"{false.label}{_sides(false)}"
    for env in admissible(part):
        if (at := _first_false(part.claim(env, **change), env)) is not None:
            return f"{at.label}{_where(env)}{_sides(at)}"
    raise ProofError("it is false in the field, but no lattice point shows it")


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
