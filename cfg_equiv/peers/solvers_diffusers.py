r"""The schedulers of diffusers against the catalogue, whole runs of ``step``.

What is compared is a configuration of a class, at as many steps as show its warm-up, its full form and its end. The
tables (``sigmas``, ``alphas_cumprod``, ...) are float32 in the library whatever the model's dtype; here they are read
as the exact numbers they are and lifted to float64, so that what is bounded is the arithmetic of ``step``. Classes that
cast the latent to ``torch.float32`` are given a ``torch`` in which float64 answers to that name: the code runs
unmodified, and a wrong digit behind the seventh shows.

References
----------
``diffusers/schedulers/scheduling_*.py``.
"""

import copy
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.exact.intervals import INTERVAL, number
from cfg_equiv.peers import solvers as of
from cfg_equiv.peers import solvers_course as at
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.solvers import Case, Nudge, Trace
from cfg_equiv.peers.solvers_course import Course, Step, straight

NEEDS = ("diffusers",)
SPACES = {
    "epsilon": "eps",
    "sample": "x0",
    "v_prediction": "v",
    "flow_prediction": "flow",
}


class _Float64(ModuleType):
    """``torch`` with another ``float32``."""

    float32 = torch.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextmanager
def in_float64(cls: type) -> Iterator[None]:
    """The module of a released class computes in float64 where it asks for float32."""
    module = sys.modules[cls.__module__]
    before = module.__dict__["torch"]
    module.__dict__["torch"] = _Float64("torch")
    try:
        yield
    finally:
        module.__dict__["torch"] = before


@contextmanager
def quiet() -> Iterator[None]:
    """Deprecated calls of numpy inside the library are not what is compared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _prepared(name: str, options: tuple[tuple[str, Any], ...], steps: int) -> Any:
    """A released scheduler after ``set_timesteps``, its tables lifted; never run itself."""
    cls = getattr(import_module("diffusers.schedulers"), name)
    with quiet():
        made = cls(**dict(options))
        made.set_timesteps(steps)
    for key, value in vars(made).items():
        if isinstance(value, Tensor) and value.is_floating_point() and not key.startswith("timestep"):
            setattr(made, key, value.double())
    return made


def fresh(name: str, options: Mapping[str, Any], steps: int) -> Any:
    """A lifted scheduler that has not been run."""
    ready = _prepared(name, tuple(options.items()), steps)
    return copy.deepcopy(ready, {id(ready.config): ready.config})


@dataclass(frozen=True)
class Row:
    """A configuration of a class, and the entry of the catalogue that it is.

    Attributes
    ----------
    scheduler, options, steps, step_options
        The class, what differs from its defaults, for how many steps, and what is given to ``step``.
    solver
        The entry's name, or the entry's names step by step.
    course
        How the levels are read off the prepared scheduler.
    tables
        Its attributes that a rerun perturbs.
    derive
        Computes tables from those, as ``set_timesteps`` does, where each rounded by itself they contradict each other.
    row, parameters, rerun, idle_start
        As of a :class:`~cfg_equiv.peers.solvers.Case`.
    """

    scheduler: str
    solver: str | tuple[str, ...]
    course: Callable[["Row", Any], Course]
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 5
    row: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[str, ...] = ("sigmas",)
    derive: Callable[[Any], None] = lambda made: None
    rerun: str = ""
    idle_start: bool = False
    step_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The entries it is compared with."""
        return (self.solver,) if isinstance(self.solver, str) else tuple(dict.fromkeys(self.solver))

    @property
    def name(self) -> str:
        """Class, options and entries."""
        given = {key: value for key, value in {**self.options, **self.step_options}.items() if key != "generator"}
        options = ",".join(f"{key}={getattr(value, '__name__', value)}" for key, value in given.items())
        return f"diffusers {self.scheduler}{f'[{options}]' if options else ''} = {' and '.join(self.names)}"

    def case(self) -> Case:
        """What is run and compared."""
        made = fresh(self.scheduler, self.options, self.steps)
        course = self.course(self, made)
        row = self.row or SPACES[made.config.get("prediction_type", "epsilon")]
        return Case(self.name, self._run, course, row, self.parameters, rerun=self.rerun, idle_start=self.idle_start)

    def _run(self, z: Tensor, preds: Sequence[Tensor], nudge: Nudge) -> Trace:
        with _disable_current_modes():  # a copy of a table is no computation
            made = fresh(self.scheduler, self.options, self.steps)
        for table in self.tables:
            setattr(made, table, at.moved(getattr(made, table), nudge))
        self.derive(made)
        latents, given = [z], iter(preds)
        with in_float64(type(made)), quiet():
            for t in made.timesteps:
                if hasattr(made, "scale_model_input"):  # it must have been called before step
                    made.scale_model_input(latents[-1], t)
                pred = of.following(given)
                latents.append(made.step(pred, t, latents[-1], return_dict=False, **self.step_options)[0])
        return Trace(latents, [])

    def claim(self) -> str:
        """Run and compare."""
        return of.agrees(self.case())


def comparisons(rows: Sequence[Row]) -> tuple[Comparison, ...]:
    """One comparison for each configuration whose entries the catalogue has."""
    return tuple(Comparison(row.name, NEEDS, row.claim) for row in rows if all(name in SOLVERS for name in row.names))


# -- how a class holds its levels -------------------------------------------------------------------------------------


def by_sigma(row: Row, made: Any) -> Course:
    """``sigmas``, mapped to the circle or to the flow path by the class; the order as the class lowers it."""
    path = path_of(made)
    return straight(_entry(row), levels(made), path, made.sigmas[-1].item() == 0, _lowered(made))


def singlestep(row: Row, made: Any) -> Course:
    """``sigmas`` in blocks by the class's list of orders; the entries are those of order 1, 2 and 3."""
    points, steps = levels(made), []
    orders = [*made.order_list, 1]
    first = 0
    for i, order in enumerate(made.order_list):
        if orders[i + 1] == 1:
            solver = SOLVERS[row.names[order - 1]]
            steps.append(Step(points[i + 1], solver, tuple(points[first + 1 : i + 1]), end=made.sigmas[i + 1] == 0))
            first = i + 1
    return Course(points[0], tuple(steps), path_of(made))


def scaled(row: Row, made: Any) -> Course:
    r"""``sigmas`` of a state :math:`x_0 + \kappa\epsilon`; repeated levels of two-stage classes are one step."""
    kappas = list(dict.fromkeys(made.sigmas.tolist()))
    order = made.config.get("solver_order", None)
    reads = _lowered(made) if order else ()
    return straight(_entry(row), [at.ve(at.finite(x)) for x in kappas], "ve", kappas[-1] == 0, reads)


def on_flow(row: Row, made: Any) -> Course:
    """``sigmas`` of the flow path; repeated levels of two-stage classes are one step."""
    sigmas = list(dict.fromkeys(made.sigmas.tolist()))
    return straight(_entry(row), [at.flow(at.finite(x)) for x in sigmas], "flow", sigmas[-1] == 0)


def interpolated(row: Row, made: Any) -> Course:
    """``sigmas`` with the inner evaluation at ``sigmas_interpol``."""
    course = scaled(row, made)
    inner = [at.ve(at.finite(x)) for x in made.sigmas_interpol.tolist()[1::2]]
    steps = [
        step if step.end else replace(step, nodes=(node,)) for step, node in zip(course.steps, inner, strict=False)
    ]
    return replace(course, steps=tuple(steps))


def by_table(row: Row, made: Any) -> Course:
    """``alphas_cumprod`` at the timesteps, one stride further at the end."""
    stride = made.config.num_train_timesteps // made.num_inference_steps
    times = list(dict.fromkeys(made.timesteps.tolist()))
    table = made.alphas_cumprod.tolist()
    last = float(made.final_alpha_cumprod) if times[-1] < stride else table[times[-1] - stride]
    points = [at.table(x) for x in (*(table[t] for t in times), last)]
    return straight(_entry(row), points, "vp", last == 1)


def with_prk(row: Row, made: Any) -> Course:
    """The same after three steps of Runge-Kutta's kind, with an evaluation half a stride below each of them."""
    stride = made.config.num_train_timesteps // made.num_inference_steps
    table = made.alphas_cumprod.tolist()
    course = by_table(row, made)
    inner = [at.table(table[t - stride // 2]) for t in made.prk_timesteps.tolist()[::4]]
    grid = [course.start, *(step.t for step in course.steps)]
    kept = [i for i in range(len(grid)) if i % 2 == 0 or i > 2 * len(inner)]
    steps = [
        Step(grid[i], _entry(row), (inner[k],) if k < len(inner) else (), end=i == len(grid) - 1)
        for k, i in enumerate(kept[1:])
    ]
    return Course(course.start, tuple(steps), "vp")


def inverse_table(row: Row, made: Any) -> Course:
    """``alphas_cumprod`` one stride below the timesteps, and at the last one."""
    stride = made.config.num_train_timesteps // made.num_inference_steps
    times, table = made.timesteps.tolist(), made.alphas_cumprod.tolist()
    first = times[0] - stride
    values = [table[first] if first >= 0 else float(made.initial_alpha_cumprod), *(table[t] for t in times)]
    return straight(_entry(row), [at.table(x) for x in values], "vp", False)


def betas(row: Row, made: Any) -> Course:
    """``betas``, which are sigma itself here."""
    sigmas = [number(sigma) for sigma in made.betas.tolist()]
    points = [at.place(INTERVAL.sqrt(1 - sigma * sigma), sigma) for sigma in sigmas]
    return straight(_entry(row), points, "vp", made.betas[-1].item() == 0)


def alphas_from_betas(made: Any) -> None:
    """On the circle, as ``set_timesteps`` has it."""
    made.alphas = (1.0 - made.betas**2) ** 0.5


def path_of(made: Any) -> str:
    """Which path ``_sigma_to_alpha_sigma_t`` maps to."""
    return "flow" if made.config.get("use_flow_sigmas") else "vp"


def levels(made: Any) -> list[Point]:
    """``sigmas`` as points of that path."""
    level = at.flow if path_of(made) == "flow" else at.vp
    return [level(at.finite(x)) for x in made.sigmas.tolist()]


def _entry(row: Row) -> Solver:
    (name,) = row.names
    return SOLVERS[name]


def _lowered(made: Any) -> list[int]:
    """How many outputs each step reads in the few-step regime that lowers the order at the end."""
    config, n = made.config, len(made.timesteps)
    order = max(config.get("solver_order", 1), config.get("predictor_order", 1))
    reads = [min(order, i + 1, n - i) if config.get("lower_order_final") else min(order, i + 1) for i in range(n)]
    return [*reads[:-1], 1] if made.sigmas[-1].item() == 0 else reads
