"""The options of azula's samplers and schedules: those of the signature, the values declared.

A sampler runs on each of the library's schedules. With each option that is not at its default comes the subject that
has it there, so that SENS sees whether it is read.
"""

import inspect
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cfg_equiv.adapters import azula as adapter
from cfg_equiv.errors import unknown_name
from cfg_equiv.sweeping.product import Options, Product, default_first
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule

# Options whose values the signature does not list.
VALUES: dict[str, Sequence[Any]] = {
    "eta": (0.0, 0.5, 1.0),
    "temperature": (1.0, 2.0),
    "order": (2, 1, 3),
    "corrections": (1, 2),
    "delta": (0.01, 0.1),
    "start": (1.0, 0.875),
    "stop": (0.0, 0.125),
    "dtype": (adapter.DTYPE, None),
    "alpha_min": (1e-3, 0.25),
    "sigma_min": (1e-3, 0.25),
    "sigma_max": (1e3, 8.0),
    "gamma": (0.1, 0.75),
}
# It evaluates where it ends, and is swept inside its ends, where a rounding does not count a millionfold.
OF_SAMPLER: dict[str, dict[str, Sequence[Any]]] = {"HeunSampler": {"start": (0.75,), "stop": (0.25,)}}
WITHOUT: dict[str, Sequence[str]] = {"HeunSampler": ("VESchedule",)}
LEFT_OUT: dict[str, str] = {"silent": "a progress bar", "device": "there is one", "steps": "each case has its own"}


def names() -> list[str]:
    """The samplers, the schedules and the guidance."""
    return [*adapter.SAMPLERS, *adapter.SCHEDULES, adapter.GUIDANCE]


def product(name: str) -> Product:
    """The options of a sampler or a schedule; the guidance has none.

    Raises
    ------
    UnknownNameError
        If there is no such class.
    """
    if name in adapter.SAMPLERS:
        return _of_sampler(name)
    if name in adapter.SCHEDULES:
        return _of_schedule(name)
    if name == adapter.GUIDANCE:
        return Product(_guidance, {}, code=lambda options: f"azula.guidance.{name}(denoiser)")
    raise unknown_name("class of azula", name, names())


def _of_sampler(name: str) -> Product:
    base = import_module("azula.sample").Sampler
    parameters = {**_parameters(base), **_parameters(getattr(import_module("azula.sample"), name))}
    fixed = {"dtype": adapter.DTYPE, **adapter.SAMPLERS[name].fixed}
    schedules = [one for one in adapter.SCHEDULES if one not in WITHOUT.get(name, ())]
    values: dict[str, Sequence[Any]] = {"schedule": default_first(adapter.SCHEDULE, schedules)}
    for option, parameter in parameters.items():
        found = OF_SAMPLER.get(name, {}).get(option, VALUES.get(option, ()))
        if found:
            values[option] = default_first(fixed.get(option, parameter.default), found)

    def make(options: Options) -> Sampler:
        changed = swept.changed(options)
        others = {key: {k: v for k, v in changed.items() if k != key} for key in changed}
        return adapter.sampler(name, changed, variants={key: adapter.sampler(name, o) for key, o in others.items()})

    def code(options: Options) -> str:
        given = {**options, "dtype": options["dtype"] and f"torch.{options['dtype']}"}
        text = "".join(f", {key}={value}" for key, value in given.items() if key != "schedule")
        return f"azula.sample.{name}(denoiser{text})  # on {options['schedule']}()"

    swept = Product(make, values, code=code)
    return swept


def _of_schedule(name: str) -> Product:
    parameters = _parameters(getattr(import_module("azula.noise"), name))
    values = {option: default_first(p.default, VALUES[option]) for option, p in parameters.items()}

    def make(options: Options) -> Schedule:
        return adapter.schedule(name, swept.changed(options))

    def code(options: Options) -> str:
        return f"azula.noise.{name}({', '.join(f'{key}={value}' for key, value in options.items())})"

    swept = Product(make, values, code=code)
    return swept


def _guidance(options: Options) -> Guidance:
    return adapter.guidance()


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a class that have a default."""
    found = inspect.signature(cls).parameters
    return {name: p for name, p in found.items() if p.default is not inspect.Parameter.empty}
