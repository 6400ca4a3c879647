r"""Which solvers are one map: computed on the exact grid, then proved.

Two solvers that take one trajectory on the exact grid, from a cold start to steps with full history and through a
network that depends on the latent and on the level, are candidates. The proof is their tableau
(:mod:`cfg_equiv.theorems.tableau`): the same calls and the same end, at any points, with any history, for every depth
of the past. Solvers valid on any path are compared on VE, those of one path with all on it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import combinations
from typing import Any

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Solver
from cfg_equiv.exact.combination import names
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.theorems.environment import FieldEnv, Path, RationalEnv
from cfg_equiv.theorems.tableau import Step, Tableau

F = Fraction


def _vp_level(n: int) -> Point:
    """The angle ``n`` times that of (399, 40)/401: even multiples have rational bisectors."""
    alpha, sigma = F(1), F(0)
    for _ in range(n):
        alpha, sigma = (399 * alpha - 40 * sigma) / 401, (399 * sigma + 40 * alpha) / 401
    return point(RATIONAL, alpha, sigma)


# Levels at which the nodes of every clock are rational: sixth powers of kappa, even multiples of an angle.
_KAPPA = tuple(F(k) ** 6 for k in (F(5), F(3), F(2), F(1), F(2, 3), F(1, 5)))
GRIDS: dict[str, tuple[Point, ...]] = {
    "any": tuple(point(RATIONAL, F(1), k) for k in _KAPPA),
    "flow": tuple(point(RATIONAL, 1 / (1 + k), k / (1 + k)) for k in _KAPPA),
    "vp": tuple(_vp_level(n) for n in (14, 12, 8, 6, 4, 2)),
}
# Where a class is proved: points of a step on this path, free of any other relation.
ON: dict[str, Path] = {"any": "snr", "flow": "flow", "vp": "vp"}


def valid_on(solver: Solver, path: str) -> bool:
    """Whether a solver is compared on this path."""
    return solver.path in ("any", path)


@cache
def trace(name: str, path: str) -> tuple[Any, ...] | None:
    """The latents of a solver on the exact grid; None where its nodes have no rational place."""
    solver = SOLVERS[name]
    if path == "vp" and solver.path == "any" and Step(solver).nodes:
        return None  # its nodes are roots there; with whom it shares a map is seen on the VE path

    def answer(z: Any, at: Point) -> Any:
        kappa = at.sigma / at.alpha
        guided = z / at.alpha / (2 + kappa) + kappa / 3
        return Guided(guided, guided / 2 + kappa) if solver.branches else guided

    net = native_network(RATIONAL, solver, "x0", answer)
    place = partial(CLOCKS[solver.clock], RATIONAL, "ve" if path == "any" else path)
    try:
        return tuple(trajectory(RATIONAL, solver, net, F(7, 4), GRIDS[path], place))
    except (ArithmeticError, ValueError):
        return None


def groups(path: str, among: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """The solvers of a path that share a trajectory, in the catalogue's order; alone where none does."""
    found: dict[Any, list[str]] = {}
    for name in among or SOLVERS:
        if valid_on(SOLVERS[name], path):
            found.setdefault(trace(name, path) or name, []).append(name)
    return [tuple(group) for group in found.values()]


def difference(a: Tableau, b: Tableau, equal: Callable[[Any, Any], bool]) -> str:
    """The first coefficient in which two tableaus differ, with both values; empty if they are equal."""
    left, right = a.forms(), b.forms()
    calls = [[label for label, _ in forms] for forms in (left, right)]
    if calls[0] != calls[1]:
        inside = [", ".join(labels[:-1]) or "no point" for labels in calls]
        return f"inside the step they call the network at {inside[0]} and at {inside[1]}"
    for (label, x), (_, y) in zip(left, right, strict=True):
        for name in names((x, y)):
            if not equal(x[name], y[name]):
                what = "the step" if label == "end" else f"the latent shown at {label}"
                return f"the coefficient of {name} in {what} is {x[name]} in one and {y[name]} in the other"
    return ""


@cache
def one_map(first: str, second: str, path: str) -> str:
    """Prove two solvers one map on a path; returns what stands in the way, empty if nothing does."""
    a, b = SOLVERS[first], SOLVERS[second]
    if a.space != b.space and any(one.correct and not one.reevaluate for one in (a, b)):
        # What it remembers belongs to the latent before the correction: the tableau, which has one latent for both,
        # tells nothing of that.
        return f"a corrector keeps what was predicted before it corrects: in {a.space} the one, in {b.space} the other"
    for depth in range(1, max(a.memory, b.memory) + 1):
        one, other = Step(a, depth), Step(b, depth)
        asked = [(step.labels, step.fractions, step.solver.clock * bool(step.nodes)) for step in (one, other)]
        if asked[0] != asked[1]:
            return f"with {_outputs(depth)} in hand they call the network at {_places(one)}, and at {_places(other)}"
        points, side = (one if one.reads_lam else other).needs(ON[path])
        learn = RationalEnv(points)
        for step in (one, other):
            step.tableau(learn.xp, step.placed(learn, ON[path]), F(1))
        g = FieldEnv(points, learn.names(), side)
        at = one.placed(g, ON[path])
        unit = 1 + 0 * at["s"].alpha
        if gap := difference(one.tableau(g.xp, at, unit), other.tableau(g.xp, at, unit), g.equal):
            return f"with {_outputs(depth)} in hand {gap}"
        if missing := g.field.uncovered():
            raise ExactError(f"{first} and {second}: divisors without a side condition: {', '.join(missing)}")
    return ""


def _outputs(depth: int) -> str:
    return f"{depth} output" + "s" * (depth > 1)


def _places(step: Step) -> str:
    inner = [f"{r} of {step.solver.clock}" for r in step.fractions]
    return ", ".join(["s", *inner])


@dataclass(frozen=True)
class Partition:
    """The classes of the catalogue, largest first, the proofs that made them, and the pairs left without one."""

    classes: tuple[tuple[str, ...], ...]
    joined: tuple[tuple[str, str, str], ...]  # two names and the path on which they are proved one map
    unproved: tuple[tuple[str, str, str, str], ...]  # path, both names, what stands in the way


@cache
def partition() -> Partition:
    """Solvers proved to be one map wherever both are defined."""
    parent = {name: name for name in SOLVERS}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    joined, unproved = [], []
    for path in GRIDS:
        for group in groups(path):
            for first, second in combinations(group, 2):
                if root(first) == root(second):
                    continue
                if reason := one_map(first, second, path):
                    unproved.append((path, first, second, reason))
                else:
                    joined.append((first, second, path))
                    parent[root(second)] = root(first)
    found: dict[str, list[str]] = {}
    for name in SOLVERS:
        found.setdefault(root(name), []).append(name)
    classes = sorted((tuple(group) for group in found.values()), key=lambda group: (-len(group), group[0]))
    # A pair may be joined through a third member on another path, where its nodes have a place.
    left = tuple(row for row in unproved if root(row[1]) != root(row[2]))
    return Partition(tuple(classes), tuple(joined), left)
