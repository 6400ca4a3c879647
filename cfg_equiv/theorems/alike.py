r"""Two maps can take the same step from the same history, and still be two: what tells them apart then.

They start in another way, or remember another prediction, or do another thing only where guidance is. That is seen by
running the steps on unknowns at exact rational levels.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.solvers import Solver
from cfg_equiv.exact.combination import Combination, names
from cfg_equiv.theorems.classes import ON
from cfg_equiv.theorems.environment import RationalEnv
from cfg_equiv.theorems.tableau import Step, Tableau

LEVELS = 2  # draws of exact levels at which steps are compared


def alike(first: Solver, second: Solver) -> str:
    """What tells two maps apart that take the same full step from the same history; empty if they do not."""
    if first.memory == second.memory and _same_step(first, second, first.memory):
        if first.reevaluate != second.reevaluate:
            return "none in one step: the next one reads a prediction made on another latent"
        if first.space != second.space and first.correct and not first.reevaluate:
            spaces = f"{first.space} or {second.space}"
            return f"none in one step: they remember {spaces} of a latent that is corrected afterwards"
        depth = next((k for k in range(1, first.memory) if not _same_step(first, second, k)), None)
        return f"none in the full form: they differ with {depth} output(s) in hand" if depth else "none in one step"
    if first.branches and _same_step(first, second, first.memory, guided=False):
        return "none while both branches say the same: they differ in what guidance does"
    return ""


def _same_step(first: Solver, second: Solver, depth: int, guided: bool = True) -> bool:
    one, other = Step(first, depth), Step(second, depth)
    if one.labels != other.labels or one.fractions != other.fractions:
        return False
    path = next((solver.path for solver in (first, second) if solver.path != "any"), "any")
    for trial in range(LEVELS):
        env = RationalEnv(one.needs(ON[path])[0], trial)
        ends = [
            _reached(step.tableau(env.xp, step.placed(env, ON[path]), Fraction(1)), guided) for step in (one, other)
        ]
        if ends[0].keys() != ends[1].keys() or not all(_equal(form, ends[1][label]) for label, form in ends[0].items()):
            return False
    return True


def _reached(tableau: Tableau, guided: bool) -> dict[str, Combination]:
    """The end, and the latents of those calls whose answers it depends on; unguided, with one answer for both branches.

    A call that nothing in the step reads (a corrector's last) is for the next one.
    """
    calls: dict[str, Combination] = {}
    for label, form in tableau.calls:
        calls.setdefault(label, form)  # what is asked again where it was asked is for the next step
    found, waiting = {}, [("end", tableau.end)]
    while waiting:
        label, form = waiting.pop()
        found[label] = form if guided else _merged(form.terms)
        for name in form.terms:
            asked = name.removeprefix("u_").removeprefix("x_")
            if form[name] and asked in calls and asked not in found:
                waiting.append((asked, calls[asked]))
    return found


def _equal(one: Combination, other: Combination) -> bool:
    return all(one[name] == other[name] for name in names((one, other)))


def _merged(terms: Mapping[str, Any]) -> Combination:
    """A form in which the unconditional branch says what the guided one does."""
    merged: dict[str, Any] = {}
    for name, c in terms.items():
        plain = name.removeprefix("u_")
        merged[plain] = merged.get(plain, 0) + c
    return Combination(merged)
