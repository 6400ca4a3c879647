r"""Meta's flow_matching as subjects: ``ODESolver`` on its schedulers, its path's conversions, its schedulers.

There :math:`X_t = \alpha_t X_1 + \sigma_t X_0` with ``x_1`` the data, ``x_0`` the **noise** and time from 0 (noise) to
1 (data): the library's :math:`\alpha` and :math:`\sigma` are ours, its "target" is our :math:`x_0`. The solver asks for
the velocity :math:`\dot\alpha x_0 + \dot\sigma\epsilon`; a network that predicts the target or the noise is turned into
one by ``AffineProbPath``, a network of the path's own kind (:math:`x_0-\epsilon` on a straight path, :math:`v` on the
circle) by the factor between the two.

The solver integrates in the latent itself, so it keeps to the path of data at one point only where that is straight:
its subjects run on ``CondOTScheduler``, and reach the others through ``ScheduleTransformedModel``.

Runs stay inside the ends by :data:`MARGIN`: at the ends the noise or the target has no velocity (a division by
:math:`\alpha` or :math:`\sigma`), which the library leaves to its caller, and near them its rounding counts as often.

References
----------
[Lipman24] Lipman et al., Flow Matching Guide and Code, arXiv:2412.06264; ``solver/ode_solver.py``, ``path/affine.py``,
``path/scheduler``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import Tensor

from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.subjects import Conversion, Sampler, Schedule, Subject

Model = Callable[[Tensor, Any], Tensor]
NAMES = {"x0": "target", "eps": "epsilon", "velocity": "velocity"}
MARGIN = 1 / 8  # of time, at both ends
TIMES = 12
SOLVER, PATH, TRANSFORMED, STRAIGHT = "ODESolver", "AffineProbPath", "ScheduleTransformedModel", "CondOTScheduler"


@dataclass(frozen=True)
class Kind:
    """One scheduler: its arguments, the path it is on, and what a network of that path's own kind predicts."""

    path: Literal["vp", "flow"]
    own: str
    arguments: tuple[Any, ...] = ()


SCHEDULERS: dict[str, Kind] = {
    "CondOTScheduler": Kind("flow", "reversed_flow"),
    "PolynomialConvexScheduler": Kind("flow", "reversed_flow", (2,)),
    "CosineScheduler": Kind("vp", "v"),
    "VPScheduler": Kind("vp", "v"),
    "LinearVPScheduler": Kind("vp", "v"),
}
METHODS = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}  # of torchdiffeq, and their orders
TWINS = {
    "euler": "euler_flow",
    "midpoint": "flow_midpoint",
    "rk4": "flow_rk4_38",
}  # on the straight path at its own time


def subjects(name: str = "*") -> list[Subject]:
    """The subjects of a class by its name; ``"*"`` is the solver, the transformed model, conversions and schedulers.

    Raises :class:`~cfg_equiv.errors.UnknownNameError` for a name that is none of them.
    """
    known = (SOLVER, TRANSFORMED, PATH, *SCHEDULERS)
    if name == "*":
        return [s for one in known for s in subjects(one)]
    if name == SOLVER:
        return list(_solvers())
    if name == TRANSFORMED:
        return [_transformed(trained) for trained in SCHEDULERS if trained != STRAIGHT]
    if name == PATH:
        return [Conversion(_convert, tuple(NAMES), path="flow", name=PATH, version=version("flow_matching"))]
    if name in SCHEDULERS:
        return [_schedule(name)]
    raise unknown_name("class of flow_matching", name, known)


def scheduler(name: str) -> Any:
    """A scheduler of the installed package."""
    return getattr(import_module("flow_matching.path.scheduler"), name)(*SCHEDULERS[name].arguments)


def velocity(name: str, model: Model, space: str) -> Callable[..., Tensor]:
    """The velocity that the solver asks for, from a network of parameterization ``space``, on a scheduler's path."""
    made, kind = scheduler(name), SCHEDULERS[name]
    path = import_module("flow_matching.path").AffineProbPath(made)

    def of(x: Tensor, t: Tensor) -> Tensor:
        prediction, at = model(x, (made, t)), made(t)
        if space == kind.own:  # on these two paths the velocity is a multiple of it, and alpha says which
            rate = at.d_alpha_t if kind.path == "flow" else -at.d_alpha_t / at.sigma_t
            own: Tensor = rate.to(x.dtype) * prediction
            return own
        turned: Tensor = getattr(path, f"{NAMES[space]}_to_velocity")(prediction, x_t=x, t=t)
        return turned

    return of


def _level(at: Any) -> tuple[Tensor, Tensor]:
    made, t = at
    given = made(t.double())
    return given.alpha_t, given.sigma_t


def _solvers() -> list[Sampler]:
    plain = [_solver(method) for method in METHODS]
    return [_solver("euler", {"method": plain[1]}), *plain[1:]]


def _solver(method: str, variants: Mapping[str, Sampler] | None = None) -> Sampler:
    kind = SCHEDULERS[STRAIGHT]

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        return _solve(velocity(STRAIGHT, model, space), z, steps, method)

    return Sampler(
        run,
        _level,
        ("x0", "eps", kind.own),
        state=kind.path,
        order=METHODS[method],
        name=f"{SOLVER}[{method}]",
        version=version("flow_matching"),
        options={"method": method},
        variants=dict(variants or {}),
        twin=TWINS.get(method, ""),
    )


def _solve(field: Callable[..., Tensor], z: Tensor, steps: int, method: str) -> Tensor:
    grid = torch.linspace(MARGIN, 1 - MARGIN, steps + 1, dtype=torch.float64)
    solver = import_module("flow_matching.solver").ODESolver(velocity_model=field)
    start = z * scheduler(STRAIGHT)(grid[0]).sigma_t
    end: Tensor = solver.sample(x_init=start, step_size=None, method=method, time_grid=grid)
    return end


def _transformed(trained: str) -> Sampler:
    """A network that was trained on another scheduler, and the solver on the straight path."""
    kind = SCHEDULERS[trained]

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        cls = import_module("flow_matching.path.scheduler.schedule_transform").ScheduleTransformedModel
        field = _Module(velocity(trained, model, space))
        moved = cls(field, original_scheduler=scheduler(trained), new_scheduler=scheduler(STRAIGHT))
        return _solve(moved, z, steps, "midpoint")

    return Sampler(
        run,
        _level,
        ("x0", "eps", kind.own),
        order=2,
        name=f"{TRANSFORMED}[{trained}]",
        version=version("flow_matching"),
        options={"original_scheduler": trained, "new_scheduler": STRAIGHT},
    )


class _Module(torch.nn.Module):
    """A velocity as the module that the library wraps."""

    def __init__(self, field: Callable[..., Tensor]) -> None:
        super().__init__()
        self.field = field

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.field(x=x, t=t)


def _schedule(name: str) -> Schedule:
    made = scheduler(name)

    def level(t: float) -> tuple[Tensor, Tensor]:
        given = made(torch.tensor(t, dtype=torch.float64))
        return given.alpha_t, given.sigma_t

    return Schedule(
        level,
        [i / TIMES for i in range(TIMES + 1)],
        path=SCHEDULERS[name].path,
        time_of=lambda kappa: made.snr_inverse(1 / torch.as_tensor(kappa, dtype=torch.float64)),
        name=name,
        version=version("flow_matching"),
    )


def _convert(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """``<source>_to_<target>`` at a point of the straight path, where time is sigma: its velocity is eps - x0."""
    given = SimpleNamespace(
        alpha_t=alpha, sigma_t=sigma, d_alpha_t=-torch.ones_like(alpha), d_sigma_t=torch.ones_like(sigma)
    )
    path = import_module("flow_matching.path").AffineProbPath(scheduler=lambda t: given)
    converted: Tensor = getattr(path, f"{NAMES[source]}_to_{NAMES[target]}")(pred, x_t=z, t=sigma)
    return converted
