r"""The exact grid of the solvers: each from every parameterization, from a cold start to one step with full history.

As in :mod:`cfg_equiv.theorems.grid` a network of a row answers afresh at every call, and the trace compared is that of
the latents at which it is called, those inside a step included. The nodes lie at rational points of the path between
the ends of the step: what is compared does not depend on where.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Solver
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.results import GridResult
from cfg_equiv.theorems.grid import PARAMETERS, START, VALID, WEIGHT, network, run_grid

F = Fraction


def _vp(u: Fraction) -> Point:
    return point(RATIONAL, (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u))


def _flow(u: Fraction) -> Point:
    return point(RATIONAL, 1 - u, u)


def _ve(u: Fraction) -> Point:
    return point(RATIONAL, F(1), u)


def _free(u: Fraction) -> Point:
    return point(RATIONAL, 2 - u * u, u * (1 + u))


# A path as a rational curve, and the parameters of its levels, one more than the longest memory takes steps.
CURVES = {"vp": _vp, "flow": _flow, "ve": _ve, "free": _free}
LEVELS = (F(9, 10), F(4, 5), F(3, 5), F(1, 2), F(1, 3), F(1, 5))


@dataclass(frozen=True)
class SolverCase:
    """One trajectory of a solver: the row its network emits, and the path."""

    solver: Solver
    row: str
    path: str

    def __str__(self) -> str:
        return f"{self.solver.name} from {self.row} on {self.path}, {self.steps} steps"

    @property
    def steps(self) -> int:
        """Enough for one step with full history."""
        return max(2, self.solver.memory)

    def trace(self) -> list[Any]:
        """The latents at which the network is called, and the end point, when it emits the row."""
        visited: list[Any] = []

        def answer(z: Any, at: Point) -> Any:
            call = len(visited)
            visited.append(z)
            cond, uncond = (network(self.row, z, at, call=2 * call + branch) for branch in (0, 1))
            guided = cfg(cond, uncond, WEIGHT)
            return Guided(guided, uncond) if self.solver.branches else guided

        curve = CURVES[self.path]
        places = {curve(u): u for u in LEVELS}

        def place(s: Point, t: Point, fraction: Fraction) -> Point:
            return curve(places[s] + (places[t] - places[s]) * fraction)

        net = native_network(RATIONAL, self.solver, self.row, answer, **PARAMETERS)
        points = list(places)[: self.steps + 1]
        visited.extend(list(trajectory(RATIONAL, self.solver, net, START, points, place))[-1:])
        return visited


def run_solver_grid(progress: Callable[[str], object] = lambda text: None) -> GridResult:
    """Compare every case with the same solver fed by its native row."""
    failures, count = [], 0
    for solver in SOLVERS.values():
        progress(f"exact grid: {solver.name}")
        for path in VALID[solver.path]:
            native = SolverCase(solver, solver.space, path).trace()
            cases = [SolverCase(solver, row, path) for row in PARAMETERIZATIONS if row != solver.space]
            count += len(cases)
            failures += [str(case) for case in cases if case.trace() != native]
    return GridResult(count, len(failures), tuple(failures))


def run_grids(progress: Callable[[str], object] = lambda text: None) -> GridResult:
    """The grid of the first-order samplers and that of the solvers, as one."""
    first, second = run_grid(progress), run_solver_grid(progress)
    return GridResult(first.cases + second.cases, first.failed + second.failed, first.failures + second.failures)
