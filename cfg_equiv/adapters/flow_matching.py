r"""Meta's flow_matching as subjects: ``ODESolver`` on its schedulers, its path's conversions, its schedulers.

There :math:`X_t = \alpha_t X_1 + \sigma_t X_0` with ``x_1`` the data, ``x_0`` the **noise** and time from 0 (noise) to
1 (data): the library's :math:`\alpha` and :math:`\sigma` are ours, its "target" is our :math:`x_0`. The solver asks for
the velocity :math:`\dot\alpha x_0 + \dot\sigma\epsilon`; a network that predicts the target or the noise is turned into
one by ``AffineProbPath``, a network of the path's own kind (:math:`x_0-\epsilon` on a straight path, :math:`v` on the
circle) by the factor between the two.

The solver integrates in the latent itself, so it keeps to the path of data at one point only where that is straight and
passed at constant speed: the listed subjects run on ``CondOTScheduler``, and reach the others through
``ScheduleTransformedModel``.

Runs stay inside the ends by :data:`MARGIN`: at the ends the noise or the target has no velocity (a division by
:math:`\alpha` or :math:`\sigma`), which the library leaves to its caller, and near them its rounding counts as often.

References
----------
[Lipman24] Lipman et al., Flow Matching Guide and Code, arXiv:2412.06264; ``solver/ode_solver.py``, ``path/affine.py``,
``path/scheduler``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import Tensor

from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.subjects import Conversion, Sampler, Schedule, Subject, Twin

Model = Callable[[Tensor, Any], Tensor]
NAMES = {"x0": "target", "eps": "epsilon", "velocity": "velocity", "v": "velocity"}
MARGIN = 1 / 8  # of time, at both ends
TIMES = 12
SOLVER, PATH, TRANSFORMED, STRAIGHT = "ODESolver", "AffineProbPath", "ScheduleTransformedModel", "CondOTScheduler"


@dataclass(frozen=True)
class Kind:
    """One scheduler: its arguments, the path it is on, and what a network of that path's own kind predicts."""

    path: Literal["vp", "flow"]
    own: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


SCHEDULERS: dict[str, Kind] = {
    "CondOTScheduler": Kind("flow", "reversed_flow"),
    "PolynomialConvexScheduler": Kind("flow", "reversed_flow", {"n": 2}),
    "CosineScheduler": Kind("vp", "v"),
    "VPScheduler": Kind("vp", "v"),
    "LinearVPScheduler": Kind("vp", "v"),
}
METHODS = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}  # of torchdiffeq, and their orders
MULTISTEP = {"explicit_adams": 4, "implicit_adams": 4}  # from order 4 on; below it they are Runge-Kutta steps
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")
TOLERANCE = "its steps follow a tolerance of the error, not their number"
NORM = "its step size is chosen from an error norm over the whole batch"
GRIDS = {"uniform": 1, "squares": 2}  # powers of the uniform grid
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
        return [transformed(trained) for trained in SCHEDULERS if trained != STRAIGHT]
    if name == PATH:
        return [conversion()]
    if name in SCHEDULERS:
        return [schedule(name)]
    raise unknown_name("class of flow_matching", name, known)


def scheduler(name: str, **arguments: Any) -> Any:
    """A scheduler of the installed package, with its declared arguments or these."""
    cls = getattr(import_module("flow_matching.path.scheduler"), name)
    return cls(**{**SCHEDULERS[name].arguments, **arguments})


def velocity(name: str, model: Model, space: str) -> Callable[..., Tensor]:
    """The velocity that the solver asks for, from a network of parameterization ``space``, on a scheduler's path."""
    made, kind = scheduler(name), SCHEDULERS[name]
    path = import_module("flow_matching.path").AffineProbPath(made)

    def of(x: Tensor, t: Tensor) -> Tensor:
        prediction, at = model(x, (name, t)), made(t)
        if space == kind.own:  # on these two paths the velocity is a multiple of it, and alpha says which
            rate = at.d_alpha_t if kind.path == "flow" else -at.d_alpha_t / at.sigma_t
            own: Tensor = rate.to(x.dtype) * prediction
            return own
        turned: Tensor = getattr(path, f"{NAMES[space]}_to_velocity")(prediction, x_t=x, t=t)
        return turned

    return of


def _level(at: Any) -> tuple[Tensor, Tensor]:
    name, t = at
    given = scheduler(name)(t.double())
    return given.alpha_t, given.sigma_t


def _solvers() -> list[Sampler]:
    plain = [solver({"method": method}) for method in METHODS]
    return [solver({"method": "euler"}, variants={"method": plain[1]}), *plain[1:]]


def solver(
    options: Mapping[str, Any] | None = None, *, name: str = "", variants: Mapping[str, Sampler] | None = None
) -> Sampler:
    """``ODESolver`` as a sampler.

    Parameters
    ----------
    options
        Those of ``sample``, and of its caller: ``method``, ``scheduler`` (the path, by its class), ``time_grid`` (one
        of :data:`GRIDS`), ``step_size`` (True: the grid has its two ends alone, and the steps are told by their size).
    name
        What it is called; the method, if left out.
    variants
        As in :class:`~cfg_equiv.testing.Sampler`.
    """
    options = {"method": "euler", **(options or {})}
    method, path = options["method"], options.get("scheduler", STRAIGHT)

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        return _solve(velocity(path, model, space), z, steps, path, options)

    return _sampler(
        run,
        method,
        name=name or f"{SOLVER}[{method}]",
        options=options,
        variants=variants or {},
        spaces=("x0", "eps", SCHEDULERS[path].own),
        state="flow" if path == STRAIGHT else "free",  # on a straight path that t does not measure no step is exact
        twin=Twin(TWINS[method]) if method in TWINS and path == STRAIGHT else None,
    )


def _sampler(run: Any, method: str, **declared: Any) -> Sampler:
    adaptive = method in ADAPTIVE
    return Sampler(
        run,
        _level,
        order={**METHODS, **MULTISTEP}.get(method, 1),
        version=version("flow_matching"),
        couples_items=NORM if adaptive else "",
        never_exact=TOLERANCE if adaptive else "",
        **declared,
    )


def _solve(field: Callable[..., Tensor], z: Tensor, steps: int, path: str, options: Mapping[str, Any]) -> Tensor:
    grid = torch.linspace(0, 1, steps + 1, dtype=torch.float64) ** GRIDS[options.get("time_grid", "uniform")]
    grid = MARGIN + (1 - 2 * MARGIN) * grid
    start = z * scheduler(path)(grid[0]).sigma_t
    step = (1 - 2 * MARGIN) / steps if options.get("step_size") else None
    given = {key: options[key] for key in ("method", "return_intermediates", "enable_grad") if key in options}
    solver = import_module("flow_matching.solver").ODESolver(velocity_model=field)
    times = grid if step is None else grid[[0, -1]]
    end: Tensor = solver.sample(x_init=start, step_size=step, time_grid=times, **given)
    return end[-1] if given.get("return_intermediates") else end


def transformed(
    trained: str, new: str = STRAIGHT, method: str = "midpoint", *, name: str = "", **declared: Any
) -> Sampler:
    """A network that was trained on one scheduler, and the solver on another; ``declared`` is about the subject."""
    kind = SCHEDULERS[trained]

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        cls = import_module("flow_matching.path.scheduler.schedule_transform").ScheduleTransformedModel
        field = _Module(velocity(trained, model, space))
        moved = cls(field, original_scheduler=scheduler(trained), new_scheduler=scheduler(new))
        return _solve(moved, z, steps, new, {"method": method})

    return _sampler(
        run,
        method,
        name=name or f"{TRANSFORMED}[{trained}]",
        options={"original_scheduler": trained, "new_scheduler": new},
        spaces=("x0", "eps", kind.own),
        **declared,
    )


class _Module(torch.nn.Module):
    """A velocity as the module that the library wraps."""

    def __init__(self, field: Callable[..., Tensor]) -> None:
        super().__init__()
        self.field = field

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.field(x=x, t=t)


def schedule(name: str, options: Mapping[str, Any] | None = None) -> Schedule:
    """A scheduler with these options as a subject."""
    made = scheduler(name, **(options or {}))
    label = ",".join(f"{key}={value}" for key, value in (options or {}).items())

    def level(t: float) -> tuple[Tensor, Tensor]:
        given = made(torch.tensor(t, dtype=torch.float64))
        return given.alpha_t, given.sigma_t

    return Schedule(
        level,
        [i / TIMES for i in range(TIMES + 1)],
        path=SCHEDULERS[name].path,
        time_of=lambda kappa: made.snr_inverse(1 / torch.as_tensor(kappa, dtype=torch.float64)),
        name=f"{name}[{label}]" if label else name,
        version=version("flow_matching"),
        options=dict(options or {}),
    )


def conversion(path: Literal["flow", "vp"] = "flow") -> Conversion:
    """The conversions of ``AffineProbPath`` at the points of a path, on which time is sigma or the angle."""
    own = {"flow": "velocity", "vp": "v"}[path]
    return Conversion(
        partial(_convert, path),
        ("x0", "eps", own),
        path=path,
        name=PATH if path == "flow" else f"{PATH}[{path}]",
        version=version("flow_matching"),
    )


def _convert(path: str, z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """``<source>_to_<target>``; where time is sigma the velocity is eps - x0, where it is the angle v."""
    rates = (-torch.ones_like(alpha), torch.ones_like(sigma)) if path == "flow" else (-sigma, alpha)
    given = SimpleNamespace(alpha_t=alpha, sigma_t=sigma, d_alpha_t=rates[0], d_sigma_t=rates[1])
    of = import_module("flow_matching.path").AffineProbPath(scheduler=lambda t: given)
    converted: Tensor = getattr(of, f"{NAMES[source]}_to_{NAMES[target]}")(pred, x_t=z, t=sigma)
    return converted
