"""The options of skrample's structured samplers: the fields of their classes, and the schedules they run on.

Booleans come from the class; the values of the rest are declared. A schedule is one of the library's own, or one of
them with a class that moves its sigmas.
"""

import dataclasses
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from cfg_equiv.adapters import skrample as adapter
from cfg_equiv.errors import unknown_name
from cfg_equiv.sweeping.product import Options, Product
from cfg_equiv.testing.subjects import Sampler

# Schedule -> the class that moves its sigmas, if one does, and the class of the schedule.
SCHEDULES: dict[str, tuple[str, str]] = {
    "Scaled": ("", "Scaled"),
    "Linear": ("", "Linear"),
    "Karras(Scaled)": ("Karras", "Scaled"),
    "Exponential(Scaled)": ("Exponential", "Scaled"),
    "FlowShift(Linear)": ("FlowShift", "Linear"),
}
# Fields whose values the class does not list.
VALUES: dict[str, Sequence[Any]] = {
    "order": (2, 1, 3),
    "stochasticity": (0, 1),
    "derivative_transform": ("DataModel", None, "NoiseModel", "FlowModel"),
    "bias": (0, 1),
    "power": (1, 2),
}
LEFT_OUT: dict[str, str] = {
    "predictor": "another sampler, which has its own options",
    "corrector": "another sampler, which has its own options",
}
SAME = ("derivative_transform",)  # of a network that predicts data it changes nothing where there is no history
NO_NOISE = (
    "a straight schedule starts at alpha = 0, where a data prediction has no noise prediction: a division by zero"
)


def names() -> list[str]:
    """The samplers that have an adapter."""
    return list(adapter.SAMPLERS)


def product(name: str) -> Product:
    """The options of a sampler.

    Raises
    ------
    UnknownNameError
        If there is no such sampler.
    """
    if name not in adapter.SAMPLERS:
        raise unknown_name("sampler of skrample", name, adapter.SAMPLERS)
    cls = getattr(import_module("skrample.sampling.structured"), name)
    values: dict[str, Sequence[Any]] = {"schedule": tuple(SCHEDULES)}
    for one in dataclasses.fields(cls):
        if isinstance(one.default, bool):
            values[one.name] = (one.default, not one.default)
        elif one.name in VALUES:
            values[one.name] = VALUES[one.name]

    def make(options: Options) -> Sampler:
        if refused := rejected(options):
            raise ValueError(refused)
        changed = swept.changed(options)
        label = ",".join(f"{key}={value}" for key, value in changed.items())
        read = [key for key in changed if key not in SAME and not (key == "fast_solve" and options["order"] == 1)]
        others = {key: {**options, key: swept.default[key]} for key in read}
        return dataclasses.replace(
            _sampler(cls, options, f"{name}[{label}]" if label else name),
            variants={key: _sampler(cls, other, name) for key, other in others.items()},
        )

    def rejected(options: Options) -> str:
        _, base = SCHEDULES[options["schedule"]]
        straight = adapter.SCHEDULES[base] == "flow"
        return NO_NOISE if straight and options.get("derivative_transform") == "NoiseModel" else ""

    def code(options: Options) -> str:
        given = {key: value for key, value in swept.changed(options).items() if key != "schedule"}
        text = ", ".join(
            f"{key}={value}{'()' if key == 'derivative_transform' and value else ''}" for key, value in given.items()
        )
        return f"skrample.sampling.structured.{name}({text})  # on {options['schedule']}"

    swept = Product(make, values, rejected, code)
    return swept


def _sampler(cls: type, options: Options, name: str) -> Sampler:
    models = import_module("skrample.sampling.models")
    scheduling = import_module("skrample.scheduling")
    given = {key: value for key, value in options.items() if key != "schedule"}
    if given.get("derivative_transform"):
        given["derivative_transform"] = getattr(models, given["derivative_transform"])()
    moved, base = SCHEDULES[options["schedule"]]
    schedule = getattr(scheduling, base)()
    state = adapter.SCHEDULES[base]
    return adapter.from_structured(
        cls(**given),
        getattr(scheduling, moved)(schedule) if moved else schedule,
        {space: getattr(models, adapter.MODELS[space])() for space in adapter.SPACES[state]},
        state=state,
        order=given.get("order", 1),
        stochastic=bool(given.get("stochasticity")),
        name=name,
        version=version("skrample"),
        options=dict(options),
    )
