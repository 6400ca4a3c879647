r"""The atlas of solvers: for each what it is, what it is proved to equal, the order it really has, and who ships it.

Everything is computed: the classes by proof (:mod:`cfg_equiv.theorems.classes`), the orders by jets
(:mod:`cfg_equiv.theorems.order`), linearity and network evaluations by running the step on unknowns
(:mod:`cfg_equiv.theorems.tableau`), what released code does by running it (:mod:`cfg_equiv.peers`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.solvers import ABSENT, SOLVERS, Solver
from cfg_equiv.atlas.contradictions import contradicts
from cfg_equiv.atlas.differences import near_miss
from cfg_equiv.atlas.guidance import absent
from cfg_equiv.atlas.near_misses import near_misses
from cfg_equiv.exact.combination import NotLinearError
from cfg_equiv.results import PeerResult
from cfg_equiv.theorems.classes import ON
from cfg_equiv.theorems.environment import RationalEnv
from cfg_equiv.theorems.jet_model import Grid
from cfg_equiv.theorems.order import Difference, OrderRow
from cfg_equiv.theorems.tableau import Step, Tableau

Record = dict[str, Any]
Progress = Callable[[str], object]


def samplers(
    classes: Sequence[tuple[str, ...]],
    orders: Mapping[str, OrderRow],
    difference: Callable[[str, str, Grid], Difference | None],
    peers: Mapping[str, Sequence[PeerResult]],
    errors: Mapping[str, Record],
    progress: Progress = lambda text: None,
) -> dict[str, list[Any]]:
    """The atlas of solvers in JSON's types: ``{"samplers", "classes", "near_misses", "absent"}``.

    Parameters
    ----------
    classes
        The classes of the whole catalogue. Those of the entries are shown, whole.
    orders
        What is proved of each entry that the atlas is of, in the order to be shown.
    difference
        The leading term of the difference of two entries on a grid; None where none shows.
    peers, errors
        By entry, what came of the released code that is compared with it, and errors against evaluations.
    progress
        Told what starts, one short text at a time.
    """
    of = {name: group for group in classes for name in group}
    records = [
        record(SOLVERS[name], of[name], row, peers.get(name, ()), errors.get(name)) for name, row in orders.items()
    ]
    missed = []
    for pair in near_misses(classes, orders):
        progress(f"difference of {pair.first} and {pair.second}")
        missed.append(near_miss(pair, difference))
    shown = [list(group) for group in classes if any(name in group for name in orders)]
    return {"samplers": records, "classes": shown, "near_misses": missed, "absent": absent(ABSENT)}


def record(
    solver: Solver,
    group: Sequence[str],
    proved: OrderRow,
    peers: Iterable[PeerResult] = (),
    errors: Record | None = None,
) -> Record:
    """One solver."""
    orders = {"any_ratio": proved.any_ratio, "uniform": proved.uniform, "smooth_grid": proved.smooth_grid}
    return {
        "name": solver.name,
        "aliases": dict(solver.aliases),
        "native": solver.space,
        "claimed_order": solver.order,
        "proved_order": {grid: found.order for grid, found in orders.items()},
        "class": group[0],
        "linear": linear(solver),
        "peers": [
            {"configuration": one.name, "version": one.version, "status": one.status, "detail": one.detail}
            for one in peers
        ],
        "source": solver.source,
        "kind": kind(solver),
        "evaluations": evaluations(solver),
        "memory": solver.memory,
        "state": solver.state,
        "path": solver.path,
        "clock": solver.clock if Step(solver).fractions else None,
        "at_sigma_0": solver.ends,
        "leading_error": {grid: {"latex": one.latex, "text": one.leading} for grid, one in orders.items()},
        "errors": errors,
        "contradicts": contradicts(solver.name),
    }


def kind(solver: Solver) -> str:
    """The family a reader looks in."""
    if solver.branches:
        return "CFG++"
    if solver.correct:
        return "predictor-corrector"
    if evaluations(solver) > 1:
        return "several evaluations"
    return "multistep" if solver.memory > 1 else "first order"


def evaluations(solver: Solver) -> int:
    """Network calls a step in the full form.

    A corrector's last call, made at the end of the step, is the next step's start. A step that does not read what the
    network said at its start (an inverse) does not ask for it.
    """
    run = tableau(solver)
    reads_start = any(form[name] for _, form in run.forms() for name in form.terms if name.endswith("x_s"))
    return reads_start + len(run.calls) - bool(solver.correct)


def linear(solver: Solver) -> bool:
    """Whether the step is linear in its latents and predictions at given call latents: it runs on unknowns (S6)."""
    try:
        tableau(solver)
    except NotLinearError:
        return False
    return True


def tableau(solver: Solver) -> Tableau:
    """The step with full history on unknowns, at rational levels. Formulas decide nothing: it is linear at all."""
    step, path = Step(solver), ON[solver.path]
    points, _ = step.needs(path)
    env = RationalEnv(points)
    return step.tableau(env.xp, step.placed(env, path), Fraction(1))
