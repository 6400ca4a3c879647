"""The options of flow_matching: the solver's method, path and grid, the transformed schedules, the schedulers' numbers.

On a path that is curved, or not passed at constant speed, the solver's latents leave the path of the data, as it
integrates in the latent itself: there SCH is red, and says by how much.
"""

import inspect
from collections.abc import Sequence
from typing import Any

from cfg_equiv.adapters import flow_matching as adapter
from cfg_equiv.errors import sentence, unknown_name
from cfg_equiv.sweeping.product import Options, Product, default_first
from cfg_equiv.testing.subjects import Conversion, Sampler, Schedule

FIXED = (*adapter.METHODS, *adapter.MULTISTEP)
METHODS = (*FIXED, "dopri5")
PATHS = (adapter.STRAIGHT, *(name for name in adapter.SCHEDULERS if name != adapter.STRAIGHT))
VALUES: dict[str, Sequence[Any]] = {"n": (2, 1, 3, 0.5), "beta_min": (0.1, 1.0), "beta_max": (20.0, 5.0)}
LEFT_OUT: dict[str, str] = {
    "the other adaptive methods": "they ask the network after the end of time, as dopri5 does",
    "atol": "it acts on the adaptive methods alone, whose error it is",
    "rtol": "it acts on the adaptive methods alone, whose error it is",
    "the ends of time": "a data or a noise prediction has no velocity there, so that runs stay inside",
}


def names() -> list[str]:
    """The solver, the transformed model, the conversions and the schedulers."""
    return [adapter.SOLVER, adapter.TRANSFORMED, adapter.PATH, *adapter.SCHEDULERS]


def product(name: str) -> Product:
    """The options of a class.

    Raises
    ------
    UnknownNameError
        If there is no such class.
    """
    if name == adapter.SOLVER:
        return _of_solver()
    if name == adapter.TRANSFORMED:
        return _of_transformed()
    if name == adapter.PATH:
        return Product(_conversion, {"path": ("flow", "vp")}, code=lambda options: "AffineProbPath(scheduler)")
    if name in adapter.SCHEDULERS:
        return _of_scheduler(name)
    raise unknown_name("class of flow_matching", name, names())


def _of_solver() -> Product:
    from flow_matching.solver import ODESolver

    parameters = inspect.signature(ODESolver.sample).parameters
    flags = [name for name, parameter in parameters.items() if isinstance(parameter.default, bool)]
    values: dict[str, Sequence[Any]] = {
        "method": METHODS,
        "scheduler": PATHS,
        "time_grid": tuple(adapter.GRIDS),
        "step_size": (False, True),
        **dict.fromkeys(flags, (False, True)),
    }

    def make(options: Options) -> Sampler:
        if refused := rejected(options):
            raise ValueError(refused)
        changed = swept.changed(options)
        acting = [key for key in changed if key not in flags]  # the flags are not to change the numbers
        variants = {key: adapter.solver({k: v for k, v in changed.items() if k != key}) for key in acting}
        if options["step_size"]:  # the same steps, said otherwise
            variants.pop("step_size")
        return adapter.solver(changed, name=_named(adapter.SOLVER, changed), variants=variants)

    def rejected(options: Options) -> str:
        if options["step_size"] and options["method"] in adapter.ADAPTIVE:
            return "The step size. Must be None for adaptive step solvers."
        if options["step_size"] and options["time_grid"] != "uniform":
            do = "the grid has its two ends alone"
            return sentence("steps of one size", f"time_grid={options['time_grid']} with step_size", do)
        return ""

    def code(options: Options) -> str:
        given = {flag: options[flag] for flag in flags if options[flag]}
        text = "".join(f", {key}={value}" for key, value in given.items())
        grid = "step_size=0.75 / steps" if options["step_size"] else f"step_size=None, time_grid={options['time_grid']}"
        return f"ODESolver(velocity).sample(x, method={options['method']!r}, {grid}{text})  # on {options['scheduler']}"

    swept = Product(make, values, rejected, code)
    return swept


def _of_transformed() -> Product:
    others = tuple(name for name in PATHS if name != adapter.STRAIGHT)
    values: dict[str, Sequence[Any]] = {
        "original_scheduler": (*others, adapter.STRAIGHT),
        "new_scheduler": PATHS,
        "method": ("midpoint", *(method for method in FIXED if method != "midpoint")),
    }

    def make(options: Options) -> Sampler:
        changed = swept.changed(options)
        variants = {}
        for key in changed:
            other = {**options, key: swept.default[key]}
            variants[key] = adapter.transformed(*(other[name] for name in values))
        name = _named(adapter.TRANSFORMED, changed)
        return adapter.transformed(*(options[name] for name in values), name=name, variants=variants)

    def code(options: Options) -> str:
        original, new, method = (options[name] for name in values)
        return f"ScheduleTransformedModel(velocity, {original}(), {new}())  # and method={method!r} to the solver"

    swept = Product(make, values, code=code)
    return swept


def _of_scheduler(name: str) -> Product:
    parameters = inspect.signature(type(adapter.scheduler(name))).parameters
    declared = adapter.SCHEDULERS[name].arguments
    values: dict[str, Sequence[Any]] = {}
    for option, parameter in parameters.items():
        values[option] = default_first(declared.get(option, parameter.default), VALUES[option])

    def make(options: Options) -> Schedule:
        return adapter.schedule(name, swept.changed(options))

    def code(options: Options) -> str:
        return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"

    swept = Product(make, values, code=code)
    return swept


def _conversion(options: Options) -> Conversion:
    return adapter.conversion(options["path"])


def _named(name: str, changed: Options) -> str:
    label = ",".join(f"{key}={value}" for key, value in changed.items())
    return f"{name}[{label}]" if label else name
