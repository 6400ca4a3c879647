"""The options of diffusers' schedulers: booleans and literals from the signature, the values of the rest declared.

Of each class all options that change the numbers are swept; those that are left out are listed with the reason.

The kind of network that drives a run is the option ``prediction_type``, under the library's name: a run has networks of
that kind and, beside it, of the first kind its class declares, so that EQ has two to compare.
"""

import inspect
import types
import typing
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from cfg_equiv.adapters import diffusers as adapter
from cfg_equiv.adapters.diffusers_schedulers import SCHEDULERS, Combination, Entry
from cfg_equiv.errors import UnknownNameError, sentence, unknown_name
from cfg_equiv.sweeping.product import Options, Product, default_first, is_refusal, refusal
from cfg_equiv.testing.subjects import Sampler

NETWORK = "prediction_type"

# Options whose values the signature does not list.
VALUES: dict[str, Sequence[Any]] = {
    "beta_schedule": ("linear", "scaled_linear", "squaredcos_cap_v2"),
    "timestep_spacing": ("linspace", "leading", "trailing"),
    "interpolation_type": ("linear", "log_linear"),
    "algorithm_type": ("data_prediction", "noise_prediction"),
    "solver_order": (1, 2, 3),
    "predictor_order": (1, 2, 3),
    "corrector_order": (1, 2, 3),
    "steps_offset": (0, 1),
    "flow_shift": (1.0, 3.0),
    "shift": (1.0, 3.0),
    "snr_shift_scale": (1.0, 3.0),
    "eta": (1.0, 0.0),
}
# Options of step(), which the signature of the class does not have.
IN_STEP: dict[str, Mapping[str, Sequence[Any]]] = {
    "DDIMScheduler": {"eta": (0.0, 1.0), "use_clipped_model_output": (False, True)},
    "DDIMParallelScheduler": {"eta": (0.0, 1.0), "use_clipped_model_output": (False, True)},
    "CogVideoXDDIMScheduler": {"eta": (0.0, 1.0)},
    "TCDScheduler": {"eta": (0.3, 0.0, 1.0)},
    "LMSDiscreteScheduler": {"order": (4, 2)},
    "EulerDiscreteScheduler": {"s_churn": (0.0, 0.5)},
    "EDMEulerScheduler": {"s_churn": (0.0, 0.5)},
    "FlowMatchEulerDiscreteScheduler": {"s_churn": (0.0, 0.5)},
    "FlowMatchHeunDiscreteScheduler": {"s_churn": (0.0, 0.5)},
}
LEFT_OUT: dict[str, str] = {
    "use_dynamic_shifting": "set_timesteps must be told the length of the sequence",
    "time_shift_type": "acts on use_dynamic_shifting alone",
    "upscale_mode": "changes the resolution between steps",
    "invert_sigmas": "the same levels in the other direction",
}
WITHOUT: dict[str, str] = {
    "learned": "the network has to return a variance beside its prediction",
    "learned_range": "the network has to return a variance beside its prediction",
}
THRESHOLDS = "it clips its prediction to a quantile"


def names() -> list[str]:
    """The classes of the installed version that have an adapter."""
    schedulers = import_module(adapter.MODULE)
    return [name for name in SCHEDULERS if hasattr(schedulers, name)]


def product(name: str) -> Product:
    """The options of a class.

    Raises
    ------
    UnknownNameError
        If there is no such class, or it has no adapter; the reason is said.
    """
    if name in adapter.LEFT_OUT:
        do = adapter.LEFT_OUT[name]
        raise UnknownNameError(sentence("a scheduler that takes a latent and a prediction", repr(name), do))
    if name not in names():
        raise unknown_name("scheduler of diffusers", name, names())
    cls, entry = getattr(import_module(adapter.MODULE), name), SCHEDULERS[name]
    networks = _networks(entry)
    values: dict[str, Sequence[Any]] = {NETWORK: tuple(networks)} if len(networks) > 1 else {}
    for option, parameter in inspect.signature(cls).parameters.items():
        if option not in LEFT_OUT and option != NETWORK and (found := _values(parameter)):
            values[option] = default_first(entry.fixed.get(option, parameter.default), found)
    values |= IN_STEP.get(name, {})
    values = {option: found for option, found in values.items() if len(found) > 1}
    in_init = set(inspect.signature(cls).parameters)

    def arguments(options: Options) -> dict[str, Any]:
        """What ``__init__`` is handed: the fixed options, and those that are not at their default."""
        given = {**entry.fixed, **_without_network(swept.changed(options))}
        library_name = networks[options[NETWORK]][1] if NETWORK in options else next(iter(entry.spaces.values()))
        typed = {NETWORK: library_name} if NETWORK in in_init else {}
        return {**{key: value for key, value in given.items() if key in in_init}, **typed}

    def make(options: Options) -> Sampler:
        with warnings.catch_warnings():  # a library's deprecated calls of numpy are not what is tested
            warnings.simplefilter("ignore")
            cls(**arguments(options))
            network = networks[options[NETWORK]] if NETWORK in options else None
            sampler = _sampler(cls, entry, swept.changed(options), network)
            _require_accepted(sampler)
        return sampler

    def rejected(options: Options) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cls(**arguments(options))
        except (ValueError, NotImplementedError) as error:
            return refusal(error)
        return ""

    def code(options: Options) -> str:
        text = ", ".join(f"{key}={value!r}" for key, value in arguments(options).items())
        in_step = {
            k: v for k, v in {**entry.fixed, **swept.changed(options)}.items() if k not in in_init and k != NETWORK
        }
        then = f"  # and {', '.join(f'{k}={v!r}' for k, v in in_step.items())} to step()" if in_step else ""
        return f"diffusers.{name}({text}){then}"

    swept = Product(make, values, rejected, code)
    return swept


def _networks(entry: Entry) -> dict[str, tuple[str, str]]:
    """The kinds of network a class takes, under the library's name: our name of each, and the library's."""
    found: dict[str, tuple[str, str]] = {}
    for spaces in (entry.spaces, *(c.spaces for c in entry.combinations if c.spaces)):
        for ours, theirs in spaces.items():
            if (ours, theirs) not in found.values():
                found[f"{theirs} of a true {ours} network" if theirs in found else theirs] = (ours, theirs)
    return found


def _values(parameter: inspect.Parameter) -> list[Any]:
    """The values of an option, in the order of the library; none if it is not to be swept."""
    kinds = [parameter.annotation]
    while any(typing.get_origin(kind) in (typing.Union, types.UnionType) for kind in kinds):
        kinds = [part for kind in kinds for part in (typing.get_args(kind) or (kind,))]
    literal = [value for kind in kinds if typing.get_origin(kind) is Literal for value in typing.get_args(kind)]
    if literal and parameter.default is not None:
        return [value for value in literal if value not in WITHOUT]
    if isinstance(parameter.default, bool):
        return [False, True]
    return list(VALUES.get(parameter.name, ())) if parameter.default is not None else []


def _without_network(options: Options) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != NETWORK}


def _steps(entry: Entry, options: Options) -> tuple[int, int]:
    """The numbers of steps: those of a declared combination that the options contain, else those of the class."""
    declared = [c.steps for c in entry.combinations if c.steps and c.options and c.options.items() <= options.items()]
    return declared[0] if declared else entry.steps


def _sampler(cls: type, entry: Entry, changed: Options, network: tuple[str, str] | None) -> Sampler:
    ours, theirs = network or next(iter(entry.spaces.items()))
    reference = next(iter(entry.spaces.items()))
    spaces = {ours: theirs, **({} if ours == reference[0] else {reference[0]: reference[1]})}
    options = _without_network(changed)
    flow = bool(options.get("use_flow_sigmas"))
    given = Combination(options, spaces, "flow" if flow else entry.state, steps=_steps(entry, changed))
    version = import_module("diffusers").__version__
    sampler = adapter._subject(cls, entry, given, version)
    named = (
        f"{cls.__name__}[{','.join(f'{key}={value}' for key, value in changed.items())}]" if changed else cls.__name__
    )
    sampler = replace(sampler, name=named, options={**sampler.options, **changed})
    if not _fits(entry, ours, sampler.state):
        sampler = replace(sampler, twin=None)
    if changed.get("thresholding"):
        sampler = replace(sampler, run=_as_images(sampler.run), clip=1.0, never_exact=THRESHOLDS)
    return sampler


def _fits(entry: Entry, ours: str, state: str) -> bool:
    """Whether the class converts this kind of network as the path asks for; if not, that is no fault of the solver."""
    if state == "flow" and ours in ("v", "flow"):
        return ours == "flow"
    return ours in entry.spaces


def _require_accepted(sampler: Sampler) -> None:
    """Run it once on nothing: some combinations are refused no earlier than in a step."""
    for space in sampler.spaces:
        try:
            sampler.run(lambda z, t: torch.zeros_like(z), torch.ones(2, 3), sampler.steps[1], space)
        except Exception as error:  # anything but a refusal is for the checks
            if is_refusal(error):
                raise


def _as_images(run: Any) -> Any:
    """The run on latents with one axis more than (batch, channels): thresholding is written for images."""

    def on_images(model: Any, z: Tensor, steps: int, space: str) -> Tensor:
        if z.ndim > 2:
            end: Tensor = run(model, z, steps, space)
            return end
        end = run(lambda shown, t: model(shown[..., 0], t)[..., None], z[..., None], steps, space)
        return end[..., 0]

    return on_images
