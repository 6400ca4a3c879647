r"""The order of a solver, proved from the shipped form, and the leading term of its local error.

A step of the full form from exact history is run on power series in :math:`h = \lambda_t - \lambda_s`. Of order ``p``
it is if the local error of :math:`z/\alpha`, the step less the exact solution, is :math:`O(h^{p+1})` for every network:
every coefficient below is the zero of a ring with the network's derivatives, the ratios of the steps and the level as
free generators, and the one of :math:`h^{p+1}` is not. Of CFG++ forms both branches say the same.

On a smooth grid ``h`` is :math:`g'(0)\eta`, the step to leading order, and ``g2``, ``g3`` are
:math:`g''/g'^2, g'''/g'^3`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.errors import ParameterError, PathError, sentence, unknown_name
from cfg_equiv.exact.coefficients import Quotient
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.jets import Series
from cfg_equiv.theorems.classes import partition
from cfg_equiv.theorems.jet_model import GRIDS, Basis, Grid, Model
from cfg_equiv.theorems.jet_text import latex_term, text_term
from cfg_equiv.theorems.tableau import Step

DEEPEST = 16  # powers of h that are looked at before two solvers count as not told apart
Progress = Callable[[str], object]


@dataclass(frozen=True)
class OrderResult:
    """The order on a grid, and the leading term of the local error as text and in LaTeX.

    An order below 1 means that the solver is not consistent on that grid.
    """

    order: int
    leading: str
    latex: str


@dataclass(frozen=True)
class Difference:
    """The leading term of the difference of one step of two solvers, ``O(h**power)``."""

    power: int
    leading: str
    latex: str


@dataclass(frozen=True)
class OrderRow:
    """A solver, the order its source claims, and the proved ones."""

    name: str
    claim: int
    any_ratio: OrderResult
    uniform: OrderResult
    smooth_grid: OrderResult

    @property
    def orders(self) -> tuple[int, int, int]:
        """The orders at any ratios, on uniform and on smooth grids."""
        return self.any_ratio.order, self.uniform.order, self.smooth_grid.order


@dataclass(frozen=True)
class Leading:
    """A leading coefficient, the power of ``h`` it stands at, and the precision that was needed to see it."""

    coefficient: Quotient
    power: int
    model: Model


def _solver(solver: str | Solver) -> Solver:
    if isinstance(solver, Solver):
        return solver
    if solver not in SOLVERS:
        raise unknown_name("solver", solver, SOLVERS)
    return SOLVERS[solver]


def _valid(grid: str) -> None:
    if grid not in GRIDS:
        raise unknown_name("grid", grid, GRIDS)


def _first(
    series: Callable[[Model], Series],
    steps: Sequence[Step],
    grid: Grid,
    basis: Basis,
    start: int,
    probe: bool = False,
) -> Leading | None:
    """The first coefficient that is not zero, with the precision raised until there is one."""
    for precision in range(start, DEEPEST + 1):
        model = Model.of(steps, grid, precision, basis, probe=probe)
        if (found := series(model)).coefficients:
            first = found.coefficients[0]
            coefficient = first if isinstance(first, Quotient) else model.ring.number(first)
            return Leading(coefficient, found.valuation, model)
    return None


def local_error(solver: Solver, grid: Grid, basis: Basis, start: int = 0) -> Leading:
    """The leading coefficient of the local error, in the ring of its model; looked for from a precision on."""
    step = Step(solver)
    found = _first(lambda model: model.error(step), (step,), grid, basis, start or solver.order + 1)
    if found is None:
        raise ExactError(f"{solver.name}: no local error below h^{DEEPEST}: raise the deepest power looked at")
    return found


def _shortest(solver: Solver) -> Leading:
    """The leading term on a uniform grid, in the basis where it has fewer products; the solver's own if in doubt."""
    own: tuple[Basis, Basis] = ("noise", "data") if solver.space == "eps" else ("data", "noise")
    first = local_error(solver, "uniform", own[0])
    both = [first, local_error(solver, "uniform", own[1], first.model.precision)]
    return min(both, key=lambda found: len(found.coefficient.numer.terms()))


@cache
def _uniform(name: str) -> Leading:
    return _shortest(SOLVERS[name])


@cache
def _order_of(name: str, grid: Grid) -> OrderResult:
    return _order(SOLVERS[name], grid, _uniform(name))


def _order(solver: Solver, grid: Grid, uniform: Leading) -> OrderResult:
    found = uniform
    if grid != "uniform" and Step(solver).depth > 1:  # without a past all grids are one
        # The weights of all grids lose as many powers of h: what showed the term there shows it here.
        found = local_error(solver, grid, uniform.model.basis, uniform.model.precision)
    term = found.coefficient, found.power, found.model
    return OrderResult(found.power - 1, text_term(*term), latex_term(*term))


def order(solver: str | Solver, grid: Grid = "any_ratio") -> OrderResult:
    r"""The proved order of the full form of a solver.

    Parameters
    ----------
    solver
        A name of the catalogue, or any :class:`~cfg_equiv.algebra.solvers.Solver`.
    grid
        ``any_ratio`` (the ratios of the steps are free), ``uniform`` in half-log-SNR, or ``smooth_grid`` (a smooth
        image of a uniform grid, which is what schedules are).

    Returns
    -------
    OrderResult
        ``order``, and the leading term of the local error of :math:`z/\alpha` as text and in LaTeX. ``X`` is what the
        denoiser says along the exact solution and ``eps`` what the noise prediction does, a prime the derivative by
        half-log-SNR; ``D_y`` and ``eps_y`` are the network's derivatives by :math:`y = z/\alpha` there; all at ``s``.
        ``r1, r2, r3`` are the steps before this one over this one, newest first. On the VP path ``t`` is the tangent of
        half the angle, :math:`\alpha = (1-t^2)/(1+t^2)`.

    Raises
    ------
    UnknownNameError
        If the solver or the grid is none.
    """
    _valid(grid)
    entry = _solver(solver)
    if SOLVERS.get(entry.name) is entry:
        return _order_of(entry.name, grid)
    return _order(entry, grid, _shortest(entry))


def order_row(name: str) -> OrderRow:
    """The orders of one entry on all grids."""
    any_ratio, uniform, smooth = (order(name, grid) for grid in GRIDS)
    return OrderRow(name, SOLVERS[name].order, any_ratio, uniform, smooth)


def representatives() -> dict[str, str]:
    """For every solver the member of its class whose order is proved for all of it: one on the VE path if any is."""
    found = {}
    for group in partition().classes:
        first = next((name for name in group if SOLVERS[name].path == "any"), group[0])
        found.update(dict.fromkeys(group, first))
    return found


def order_table(names: Collection[str] = (), progress: Progress | None = None, workers: int = 1) -> dict[str, OrderRow]:
    """The orders of solvers by name; members of one class are one map and share the proof.

    Parameters
    ----------
    names
        Names of the catalogue; empty means all.
    progress
        Told the name of every class that is done.
    workers
        How many processes; more than one needs an importable main module.

    Raises
    ------
    UnknownNameError
        If a name is not in the catalogue.
    ParameterError
        If ``workers`` is not a positive number.
    """
    for name in names:
        _solver(name)
    if workers < 1:
        raise ParameterError(sentence("a number of workers above 0", repr(workers), "leave it at 1"))
    wanted = tuple(names or SOLVERS)
    shared = representatives()
    rows = {}
    for row in _rows(list(dict.fromkeys(shared[name] for name in wanted)), workers):
        rows[row.name] = row
        if progress is not None:
            progress(row.name)
    return {name: _renamed(rows[shared[name]], name) for name in wanted}


def _rows(names: list[str], workers: int) -> Iterator[OrderRow]:
    if workers == 1:
        yield from map(order_row, names)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(order_row, names)


def _renamed(row: OrderRow, name: str) -> OrderRow:
    return OrderRow(name, SOLVERS[name].order, row.any_ratio, row.uniform, row.smooth_grid)


def difference_order(first: str | Solver, second: str | Solver, grid: Grid = "any_ratio") -> Difference | None:
    r"""The leading term of one step of ``first`` less one of ``second``, from the same exact history.

    Steps are compared in :math:`z/\alpha` on a path both are valid on. None if no difference shows below
    :math:`h^{15}` or so: then the pair is one map as far as series can tell, and theorem S5 decides.

    Raises
    ------
    UnknownNameError
        If a name or the grid is none.
    PathError
        If no path is common to both.
    """
    _valid(grid)
    one, other = _solver(first), _solver(second)
    paths = {one.path, other.path} - {"any"}
    if len(paths) > 1:
        came = f"{one.name} on {one.path} and {other.name} on {other.path}"
        raise PathError(sentence("two solvers with a path in common", came, "compare members of their classes"))
    steps = Step(one), Step(other)
    basis: Basis = "noise" if {one.space, other.space} == {"eps"} else "data"
    found, start = None, min(one.order, other.order) + 1
    for probe in (True, False) if grid == "any_ratio" else (False,):  # numbers say how many powers the proof needs
        found = _first(lambda model: model.end(steps[0]) - model.end(steps[1]), steps, grid, basis, start, probe)
        start = found.model.precision if found is not None else DEEPEST
    if found is None:
        return None
    term = found.coefficient, found.power, found.model
    return Difference(found.power, text_term(*term), latex_term(*term))
