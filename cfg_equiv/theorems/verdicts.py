r"""The verdict on a guidance rule: does it mean the same in every parameterization? If not, a counterexample.

A change of parameterization moves every prediction by :math:`y \mapsto A y + B z` with :math:`A \ne 0`. A rule commutes
iff it commutes with the three generators of that group: a shift along ``z``, a positive scale, and the sign. A branch
at another latent, or another level, moves by its own ``z``, or its own ``A`` and ``B``; a constant does not move.

======  ==============================================================================================
class   meaning
======  ==============================================================================================
A       linear, weights sum to one: proved in the field
B       more than one weight, commutes with all three: proved in the field where the formula is rational, else by exact
        evaluation, and theorem G2's argument
C       commutes with shifts and positive scales, not with the sign
D       depends on the space
E       depends on the space through a prediction of another level, remembered or looked ahead at
F       a gradient, in or out: each space needs its own scale
======  ==============================================================================================

C to F carry a counterexample, the first of a lattice that begins with the fewest numbers that are not zero: data from
which anyone can recompute it.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.combination import NotLinearError
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.interval_vectors import INTERVALS, apart, enclosed
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.theorems.counterexample import Counterexample, Verdict

F = Fraction
SPACES = ("x0", "eps", "flow", "v", "score")  # those a counterexample is computed in
HERE = (Point(F(1, 2), F(1, 2)), Point(F(3, 5), F(4, 5)))  # the flow path's middle, and a point of the VP circle
BEFORE = Point(F(1, 4), F(3, 4))  # where a branch of another level lives
DRAWS = 40  # exact evaluations of each generator
LATTICE = 20000  # candidates of the search for the smallest counterexample, per point


def lift(rule: Rule, value: Any) -> Any:
    """Exact numbers as the rule's arena needs them; a tuple of numbers is a vector."""
    if isinstance(value, tuple):
        parts = [lift(rule, part) for part in value]
        return tuple(parts) if any(isinstance(part, tuple | Vector) for part in parts) else Vector(parts)
    return value if rule.arena == "exact" else enclosed(value)


def apply(rule: Rule, branches: Mapping[str, Any], z: Any, parameters: Mapping[str, Any]) -> Any:
    """The rule on its branches, in its arena."""
    given = {name: lift(rule, value) for name, value in parameters.items()}
    xp = RATIONAL if rule.arena == "exact" else INTERVALS
    return rule.formula(xp, *branches.values(), **(given | {"z": z} if rule.sees_z else given))


@dataclass(frozen=True)
class Data:
    """Exact data for a rule: a latent for every way of being seen, and a prediction for every branch."""

    latents: Mapping[str, Any]
    branches: Mapping[str, Any]

    def moved(self, rule: Rule, maps: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        """Every branch under its own map ``y -> A*y + B*z``."""
        return {
            name: y if seen == "constant" else y * maps[seen][0] + self.latent(rule, name) * maps[seen][1]
            for (name, y), seen in zip(self.branches.items(), rule.branches.values(), strict=True)
        }

    def latent(self, rule: Rule, name: str) -> Any:
        """Where a branch is seen."""
        free = self.latents[rule.branches[name]]
        if name not in rule.latents:
            return free
        a, b = rule.latents[name](**rule.parameters)
        return self.latents["here"] * a + free * b


def _draw(rule: Rule, seed: int) -> Data:
    rng = random.Random(seed)

    def drawn() -> Vector:
        return Vector(F(rng.randint(-5, 5), rng.choice((1, 2, 3))) for _ in range(rule.elements))

    latents = {seen: drawn() for seen in ("here", "other_latent", "other_level")}
    return Data(latents, {name: drawn() for name in rule.branches})


def _commutes_on(rule: Rule, data: Data, maps: Mapping[str, tuple[Any, Any]]) -> bool | None:
    """Whether the rule commutes with these maps on these data; None where it has no value there."""
    z = lift(rule, data.latents["here"])
    a, b = (lift(rule, x) for x in maps["here"])
    try:
        before = apply(rule, {name: lift(rule, y) for name, y in data.branches.items()}, z, rule.parameters)
        moved = {name: lift(rule, y) for name, y in data.moved(rule, maps).items()}
        after = apply(rule, moved, z, rule.parameters)
    except (ArithmeticError, ValueError):
        return None
    expected = before if rule.answer == "gradient" else before * a + z * b
    return bool(expected == after) if rule.arena == "exact" else not apart(expected, after)


# The maps of each generator, with independent values for branches of another level.
def _maps(generator: str, rng: random.Random) -> dict[str, tuple[Fraction, Fraction]]:
    def positive() -> Fraction:
        return F(rng.randint(1, 6), rng.randint(1, 4)) + 1

    if generator == "translation":
        shift, other = positive() - 1, positive()
        here, elsewhere = (F(1), shift), (F(1), other)
    elif generator == "scale":
        here, elsewhere = (positive(), F(0)), (positive() + 2, F(0))
    else:
        here = elsewhere = (F(-1), F(0))
    return {"here": here, "other_latent": here, "other_level": elsewhere}


def generators(rule: Rule, draws: int = DRAWS) -> dict[str, bool]:
    """Whether the rule commutes with each generator on the draws where it has a value: one that fails decides."""
    result = {}
    for generator in ("translation", "scale", "sign"):
        rng, outcomes = random.Random(generator), list[bool | None]()
        while len(outcomes) < draws and False not in outcomes:
            outcomes.append(_commutes_on(rule, _draw(rule, len(outcomes)), _maps(generator, rng)))
        result[generator] = False not in outcomes
        if result[generator] and (decided := draws - outcomes.count(None)) < draws // 4:
            raise ExactError(f"{rule.name} has a value on only {decided} of {draws} draws: widen what it is given")
    return result


def linear_proof(rule: Rule) -> bool:
    """Whether the rule is linear with weights that sum to one: proved in the field, for all values at once."""
    return not rule.sees_z and any(_proved(rule, None, free) for free in (True, False))


def field_proof(rule: Rule) -> bool:
    """Whether the rule is rational in the elements of its branches, and commutes: proved in the field."""
    return _proved(rule, rule.elements, False)


def _proved(rule: Rule, elements: int | None, parameters: bool) -> bool:
    """A conversion before and after the rule, on numbers or on vectors, the parameters free or as given."""
    kinds = ("here", "other_latent", "other_level")
    if rule.answer == "gradient" or set(rule.branches.values()) - set(kinds):
        return False
    numbers = [name for name, value in rule.parameters.items() if parameters and isinstance(value, int | Fraction)]
    unknowns = [*rule.branches, *kinds]
    parts = [f"{name}_{k}" for name in unknowns for k in range(elements or 1)]
    f = Field([*parts, "A", "B", "A_other", "B_other", *(f"p_{name}" for name in numbers)], roots=0, auxiliary=0)

    def free(name: str) -> Any:
        values = [f.gens[f"{name}_{k}"] for k in range(elements or 1)]
        return Vector(values) if elements else values[0]

    try:
        given = {name: lift(rule, value) for name, value in rule.parameters.items()}
        given |= {name: f.gens[f"p_{name}"] for name in numbers}
        bound = replace(rule, parameters=given)
        data = Data({kind: free(kind) for kind in kinds}, {name: free(name) for name in rule.branches})
        a, b, z = f.gens["A"], f.gens["B"], data.latents["here"]
        given = given | {"z": z} if rule.sees_z else given
        elsewhere = (f.gens["A_other"], f.gens["B_other"])
        moved = data.moved(bound, {"here": (a, b), "other_latent": (a, b), "other_level": elsewhere})
        before = rule.formula(RATIONAL if elements else f, *data.branches.values(), **given)
        after = rule.formula(RATIONAL if elements else f, *moved.values(), **given)
        residual = before * a + z * b - after
        return all(f.is_zero(x) for x in (residual if elements else (residual,)))
    except (AttributeError, TypeError, NotLinearError, ExactError, ArithmeticError):
        return False


def results(rule: Rule, data: Data, at: Point, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The rule applied in every space to branches given as x0, each answer mapped back to x0 (a gradient as it is)."""
    points = {seen: Point(*lift(rule, tuple(p)[:2])) for seen, p in _levels(at).items()}
    here, at_here = lift(rule, data.latents["here"]), points["here"]
    answers = {}
    for space in SPACES:
        moved = {}
        for (name, y), seen in zip(data.branches.items(), rule.branches.values(), strict=True):
            y, z = lift(rule, y), lift(rule, data.latent(rule, name)) if seen != "constant" else None
            moved[name] = y if seen == "constant" else to_space(None, z, y, points[seen], "x0", space)
        inside = apply(rule, moved, here, parameters)
        answers[space] = inside if rule.answer == "gradient" else to_space(None, here, inside, at_here, space, "x0")
    return answers


def _levels(at: Point) -> dict[str, Point]:
    return {"here": at, "other_latent": at, "other_level": BEFORE}


def _lattice(rule: Rule, elements: int) -> Iterator[Data]:
    """Data with small integers: few that are not zero first, the last branch before the first and before ``z``."""
    seen = ["here", *(kind for kind in ("other_latent", "other_level") if kind in rule.branches.values())]
    width = elements * (len(seen) + len(rule.branches))
    for top in rule.lattice:
        values = [sign * size for size in range(1, top + 1) for sign in (1, -1)]
        sparse = (
            dict(zip(places, chosen, strict=True))
            for support in range(width + 1)
            for places in itertools.combinations(reversed(range(width)), support)
            for chosen in itertools.product(values, repeat=support)
        )
        for at in itertools.islice(sparse, LATTICE):
            flat = [F(at.get(place, 0)) for place in range(width)]
            vectors = [Vector(flat[k * elements : (k + 1) * elements]) for k in range(width // elements)]
            yield Data(
                {
                    **dict.fromkeys(("other_latent", "other_level"), vectors[0]),
                    **dict(zip(seen, vectors, strict=False)),
                },
                dict(zip(rule.branches, vectors[len(seen) :], strict=True)),
            )


def _differ(rule: Rule, answers: Mapping[str, Any], spaces: tuple[str, ...]) -> bool:
    if rule.arena == "interval":
        return any(apart(answers[a], answers[b]) for a, b in itertools.combinations(spaces, 2))
    return any(answers[a] != answers[b] for a, b in itertools.combinations(spaces, 2))


def search(rule: Rule, spaces: tuple[str, ...] = ("x0", "eps", "flow")) -> Counterexample | None:
    """The first lattice data on which the answers in the spaces differ: of one element if that shows it, or more."""
    for at, elements in itertools.product(HERE, dict.fromkeys((1, 2, rule.elements))):
        if not rule.fewest <= elements <= rule.elements:
            continue
        for data in _lattice(rule, elements):
            try:
                answers = results(rule, data, at, rule.parameters)
            except (ArithmeticError, ValueError):
                continue
            if _differ(rule, answers, spaces):
                return _record(rule, data, answers, at)
    return None


def _record(rule: Rule, data: Data, answers: Mapping[str, Any], at: Point) -> Counterexample:
    seen = {"here": "z", "other_latent": "z_other", "other_level": "z_before"}
    used = ["here", *dict.fromkeys(kind for kind in rule.branches.values() if kind in ("other_latent", "other_level"))]
    return Counterexample(
        at.alpha,
        at.sigma,
        rule.parameters,
        {seen[kind]: data.latents[kind].items for kind in used},
        {name: y.items for name, y in data.branches.items()},
        {space: tuple(str(x) for x in answer) for space, answer in answers.items()},
    )


def verdict(rule: Rule) -> Verdict:
    """Decide a rule."""
    found = generators(rule)
    if rule.arena == "interval" and all(found.values()):
        raise ExactError(f"{rule.name} may commute, but enclosures cannot show that numbers are equal: use exact data")
    linear = linear_proof(rule)
    letter = _letter(rule, found, linear)
    example = None if letter in ("A", "B") else search(rule)
    if letter not in ("A", "B") and example is None:
        raise ExactError(f"{rule.name} fails a generator, but no lattice point shows it: enlarge the lattice")
    return Verdict(
        rule.name,
        found["translation"],
        found["scale"],
        found["sign"],
        letter,
        _evidence(rule, letter),
        example,
    )


def _letter(rule: Rule, found: Mapping[str, bool], linear: bool) -> str:
    if all(found.values()):
        return "A" if linear else "B"
    kinds = set(rule.branches.values())
    if "constant" in kinds or (rule.answer == "gradient" and found["translation"]):
        return "F"
    if "other_level" in kinds:
        return "E"
    return "C" if found["translation"] and found["scale"] else "D"


def _evidence(rule: Rule, letter: str) -> str:
    if letter == "A" or (letter == "B" and field_proof(rule)):
        return "field proof"
    if letter == "B":
        return f"exact on {3 * DRAWS} draws, and the argument of G2"
    return "exact counterexample" if rule.arena == "exact" else "separated intervals"


def changed(rule: Rule, twin: Twin) -> Rule:
    """The rule with the change its twin names."""
    formula: Callable[..., Any] = twin.formula or rule.formula
    return replace(rule, formula=formula, parameters={**rule.parameters, **twin.parameters}, **twin.changes)
