r"""How fast solvers converge, on data whose exact trajectories are known: observed orders, error against evaluations.

The data are a mixture of scalar Gaussians; the network is its exact posterior mean, which is not linear in z. The
reference is the exact trajectory (:mod:`cfg_equiv.quantile_flow`), not a fine run.

**An order** (:func:`errors`) is measured where :math:`\kappa` is the data's standard deviation, as an error of
:math:`z/\alpha`: near :math:`\sigma = 0` every solver ends on the same denoised latent, and slopes say little. The
start is exact, and so is a multistep solver's past: it is handed the exact latents at levels before the first one,
spaced as the rest of the grid (:mod:`cfg_equiv.refinement`), so that every step is one in the full form. (From a cold
start, ``cold=True``, the first steps have lower orders: a few local errors, not one a step.) The error is the root mean
square over :data:`ITEMS` items at distinct probabilities.

**The verdict** (:meth:`Convergence.below`): the last two slopes agree, to within the half between two integer orders,
and both lie below the claim by more than that half. A slope counts where both errors exceed what rounding adds up to.

**Few steps** (:func:`error_against_evaluations`): the start is cold, as a user's is, and what is counted is how often
the network was called.

All of it is float64. The solvers of CFG++ are given one model in both branches, and so solve the unguided equation. An
order does not depend on the direction: those that go from data to noise are measured on the same grids.

References
----------
[Hairer] Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, sections II.4 and III.2: observed orders.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from cfg_equiv.algebra.driving import advance, arrive, native_network
from cfg_equiv.algebra.nodes import CLOCKS, OF_RATIO
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Past, Solver
from cfg_equiv.errors import NonFiniteError, ParameterError, PathError, sentence, unknown_name
from cfg_equiv.grids import CLOCK_PATHS
from cfg_equiv.models import Mixture
from cfg_equiv.quantile_flow import deviation, quantiles
from cfg_equiv.refinement import GRIDS
from cfg_equiv.schedules.base import require_range

STEPS = (40, 80, 160, 320)
EVALUATIONS = (4, 6, 8, 12, 16, 24, 32)
ITEMS = 12
HALF = 0.5  # between two integer orders
NOISIEST = 10.0  # kappa at the start, in standard deviations of the data
PROBABILITIES = (torch.arange(ITEMS, dtype=torch.float64) + 0.5) / ITEMS

MODEL = Mixture(
    torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64),
    torch.tensor([-0.75, 0.5, 1.25], dtype=torch.float64),
    torch.tensor([0.25, 0.5, 0.125], dtype=torch.float64),
)  # no symmetry, standard deviation about 1


@dataclass(frozen=True)
class Convergence:
    r"""Errors of one solver on grids of several sizes: a plain record.

    Attributes
    ----------
    solver, grid, path
        What was run: names of the catalogue, of :data:`GRIDS`, and of a path.
    steps, evaluations
        Of each run: its steps, and the network calls it made.
    errors
        Of each run: the root mean square error of :math:`z/\alpha` where the grid ends.
    rounding
        Of each run: one ulp of the state a network call. An error below it says nothing.
    slopes
        Between runs in turn: :math:`\log(e_k/e_{k+1})/\log(n_{k+1}/n_k)`, ``n`` the steps, as far as rounding lets see.
    """

    solver: str
    grid: str
    path: str
    steps: tuple[int, ...]
    evaluations: tuple[int, ...]
    errors: tuple[float, ...]
    rounding: tuple[float, ...]
    slopes: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        runs = [run for run in zip(self.steps, self.errors, self.rounding, strict=True) if run[1] > run[2]]
        slopes = tuple(math.log(a[1] / b[1]) / math.log(b[0] / a[0]) for a, b in pairwise(runs))
        object.__setattr__(self, "slopes", slopes)

    @property
    def agree(self) -> bool:
        """Whether the last two slopes agree: their difference is below the half between two integer orders."""
        return len(self.slopes) > 1 and abs(self.slopes[-1] - self.slopes[-2]) < HALF

    @property
    def order(self) -> int | None:
        """The integer next to the last slope; None where the last two do not agree."""
        return round(self.slopes[-1]) if self.agree else None

    def below(self, claim: int) -> bool:
        """Whether the order is below the claim: the last two slopes agree and both are below ``claim - 1/2``."""
        return self.agree and max(self.slopes[-2:]) < claim - HALF


def errors(
    solver: str | Solver,
    steps: Sequence[int] = STEPS,
    *,
    grid: str = "uniform log-SNR",
    path: str | None = None,
    model: Mixture = MODEL,
    cold: bool = False,
) -> Convergence:
    r"""The errors of a solver on grids of these sizes, from exact starts.

    Parameters
    ----------
    solver
        A name of the catalogue, or an entry.
    steps
        Rising numbers of steps; even ones, for ``grid="alternating"``.
    grid
        Where the levels lie between :math:`\kappa =` 10 standard deviations of the data and 1: a name of
        :data:`~cfg_equiv.refinement.GRIDS`.
    path
        ``vp``, ``ve`` or ``flow``; by default the first of these on which the solver runs.
    model
        A mixture of scalars: means and variances of shape ``(K,)``.
    cold
        Start a multistep solver without a past.

    Raises
    ------
    UnknownNameError, PathError, MismatchError, ParameterError
        For a name without an entry, a path the solver does not run on, data that are no scalars, wrong steps.
    NonFiniteError
        If the solver gives no finite state.
    """
    entry = _entry(solver)
    usable = _path(entry, path)
    _require_grid(grid, steps)
    end = deviation(model)
    runs = [_Run(entry, usable, model, grid, n, NOISIEST * end, end, cold) for n in steps]
    return _convergence(entry, grid, usable, runs)


def observed_order(
    solver: str | Solver, grid: str = "uniform log-SNR", *, path: str | None = None, model: Mixture = MODEL
) -> int | None:
    """The order observed on :data:`STEPS`; None where the last two slopes do not agree."""
    return errors(solver, grid=grid, path=path, model=model).order


def error_against_evaluations(
    names: Sequence[str],
    evaluations: Sequence[int] = EVALUATIONS,
    *,
    grid: str = "karras",
    start: float = 80.0,
    end: float | None = None,
    model: Mixture = MODEL,
) -> tuple[Convergence, ...]:
    r"""What each solver makes of a number of network calls, from a cold start: one record a name.

    Of each budget the run with the most steps that stays within it is kept; ``evaluations`` of the record says what it
    took. Budgets too small for one step are left out, and so is a run that an earlier budget already gave.

    Parameters
    ----------
    names
        Names of the catalogue.
    evaluations
        Rising budgets of network calls.
    grid, start, end
        A name of :data:`GRIDS`, and the :math:`\kappa` it runs between; ``end`` is by default the data's deviation.
    model
        As in :func:`errors`.
    """
    last = deviation(model) if end is None else end
    require_range(last, start, "kappa")
    _require_grid(grid, evaluations)
    return tuple(_within(_entry(name), evaluations, grid, start, last, model) for name in names)


def _within(solver: Solver, budgets: Sequence[int], grid: str, start: float, end: float, model: Mixture) -> Convergence:
    path, stride = _path(solver, None), 2 if grid == "alternating" else 1

    @cache
    def run_of(n: int) -> _Run:
        return _Run(solver, path, model, grid, n, start, end, cold=True)

    runs = dict.fromkeys(_most(run_of, budget, stride) for budget in budgets)
    return _convergence(solver, grid, path, [run for run in runs if run is not None])


def _most(run_of: Callable[[int], "_Run"], budget: int, stride: int) -> "_Run | None":
    """The run with the most steps within a budget, sought by what the last step of a run cost; None if none fits."""
    n, too_many = stride, math.inf
    while True:
        run = run_of(n)
        if run.evaluations > budget:
            too_many = min(too_many, n)
        wanted = n + (budget - run.evaluations) // (stride * run.last) * stride
        following = min(wanted, too_many - stride)
        if following < stride:
            return None
        if following == n:
            return run
        n = int(following)


class _Run:
    """One trajectory: the state it ends on, and what it took. Coefficients are Python floats, states tensors."""

    def __init__(
        self, solver: Solver, path: str, model: Mixture, grid: str, n: int, start: float, end: float, cold: bool
    ) -> None:
        self.steps, self.evaluations, self.last = n, 0, 0
        before = 0 if cold else solver.memory - 1
        kappas = GRIDS[grid](torch.arange(-before, n + 1, dtype=torch.float64), n, start, end)
        if not (kappas > 0).all():
            raise ParameterError(
                sentence(f"{before} levels before the first of grid {grid!r}", f"{n} steps", "take more steps")
            )
        points = [OF_RATIO[path](math, kappa) for kappa in kappas.tolist()]

        def denoise(z: Tensor, at: Point) -> Tensor | Guided:
            self.evaluations += 1
            x0 = model.x0(z, at)
            return Guided(x0, x0) if solver.branches else x0

        def place(s: Point, t: Point, fraction: Fraction) -> Point:
            return CLOCKS[solver.clock](math, path, s, t, fraction)

        net = native_network(math, solver, "x0", denoise)
        exact = [quantiles(model, at, PROBABILITIES) for at in (*points[: before + 1], points[-1])]
        past: tuple[Past, ...] = ()
        for at, z in zip(points[:before], exact, strict=False):
            past = (Past(at, z, net(z, at)), *past)
        z, self.evaluations = exact[before], 0
        for s, t in pairwise(points[before:]):
            self.last = -self.evaluations
            past = arrive(math, solver, past, z, s, net)
            z = advance(math, solver, past, t, net, place)
            self.last += self.evaluations  # calls of the last step
        if not torch.isfinite(z).all():
            raise NonFiniteError(
                sentence(f"a finite state from solver {solver.name!r}", f"NaN or infinity in {n} steps", "take more")
            )
        alpha = points[-1].alpha
        self.error = _rms(z - exact[-1]) / alpha
        self.rounding = self.evaluations * torch.finfo(torch.float64).eps * _rms(exact[-1]) / alpha


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def _convergence(solver: Solver, grid: str, path: str, runs: list[_Run]) -> Convergence:
    return Convergence(
        solver.name,
        grid,
        path,
        tuple(run.steps for run in runs),
        tuple(run.evaluations for run in runs),
        tuple(run.error for run in runs),
        tuple(run.rounding for run in runs),
    )


def _entry(solver: str | Solver) -> Solver:
    if isinstance(solver, Solver):
        return solver
    if solver not in SOLVERS:
        raise unknown_name("solver", solver, SOLVERS)
    return SOLVERS[solver]


def _path(solver: Solver, given: str | None) -> str:
    usable = [path for path in CLOCK_PATHS[solver.clock] if solver.path in ("any", path)]
    if given is not None and given not in usable:
        raise PathError(
            sentence(f"a path of solver {solver.name!r} ({', '.join(usable)})", repr(given), "leave it out")
        )
    return given or usable[0]


def _require_grid(grid: str, steps: Sequence[int]) -> None:
    if grid not in GRIDS:
        raise unknown_name("grid", grid, GRIDS)
    rising = all(isinstance(n, int) and n > 0 for n in steps) and all(a < b for a, b in pairwise(steps))
    if not steps or not rising:
        raise ParameterError(sentence("rising positive whole numbers", repr(tuple(steps)), "sort them"))
    if grid == "alternating" and any(n % 2 for n in steps):
        raise ParameterError(sentence("even numbers for the alternating grid", repr(tuple(steps)), "round them up"))
