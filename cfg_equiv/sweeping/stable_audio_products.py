"""The options of stable-audio-tools: its sampling loops, the guidance of its networks, its shift of time.

With each option that is not at its default comes the subject that has it there, so that SENS sees whether it is read;
but for those that a type of sampler is not meant to read.
"""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cfg_equiv.adapters import stable_audio as adapter
from cfg_equiv.errors import unknown_name
from cfg_equiv.sweeping.product import Options, Product
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule

# Options whose values the signature does not list, ours at first where it has no default.
VALUES: dict[str, Sequence[Any]] = {
    "eta": (0.0, 0.5, 1.0),
    "sigma_max": (1, 0.75, 0.1),
    "dist_shift": (None, *adapter.SHIFTS),
    "cfg_pp": (False, True),
}
OF_LOOP: dict[str, dict[str, Sequence[Any]]] = {
    "sample_rf": {"sampler_type": tuple(adapter.RF), "dist_shift": (None, *adapter.SHIFTS)},
    "sample_k": {
        "sampler_type": adapter.SAMPLERS["sample_k"].types,
        "sigma_min": (0.1, 0.01),
        "sigma_max": (10.0, 100.0, 0.75),
        "rho": (1.0, 3.0),
    },
}
OF_NETWORK: dict[str, dict[str, Sequence[Any]]] = {
    adapter.TRANSFORMER: {
        "diffusion_objective": ("v", "rectified_flow", "rf_denoiser"),
        "conditioning": adapter.CONDITIONING,
        "negative": (False, True),
        "scale_phi": (0.0, 0.7),
        "cfg_interval": ("(0, 1)", "(0.5, 1)"),
        "return_info": (False, True),
    },
    adapter.UNET: {
        "batch_cfg": (False, True),
        "rescale_cfg": (False, True),
        "scale_phi": (0.4, 0.7),
        "negative": (False, True),
    },
}
SHIFT: dict[str, Sequence[Any]] = {
    "base_shift": (0.5, 1.0),
    "max_shift": (1.15, 0.5),
    "use_sine": (False, True),
    "seq_len": (adapter.LENGTH, 64, 8192),
}
LITTLE_NOISE = "it starts where the data still show, and is handed a start without any"
INTERVALS = {"(0, 1)": (0, 1), "(0.5, 1)": (0.5, 1)}
# What an option is not meant to change: cfg_pp without a guided network, the sigmas of the types that have times.
SAME = ("cfg_pp",)
OF_SIGMAS = ("sigma_min", "rho")
OWN_STEPS = ("k-dpm-fast", "k-dpm-adaptive")  # they place their steps between the two ends themselves
LEFT_OUT: dict[str, str] = {
    "sigmas": "it is what sample_rf computes",
    "cond_fn": "a gradient, not a number",
    "callback": "it is told, and changes nothing",
    "cfg_dropout_prob": "it is for training",
    "exit_layer_ix": "it leaves before guidance",
    "mask": "which positions the layers of the network see",
}


def names() -> list[str]:
    """The sampling loops, the guided networks and the shift of time."""
    return [*adapter.SAMPLERS, *OF_NETWORK, adapter.SHIFTED]


def product(name: str) -> Product:
    """The options of a loop, a network or the shift.

    Raises
    ------
    UnknownNameError
        If there is no such name.
    """
    if name in adapter.SAMPLERS:
        return _of_loop(name)
    if name in OF_NETWORK:
        return _of_network(name)
    if name == adapter.SHIFTED:
        return Product(_shift, SHIFT, code=lambda options: f"{name}{_written(options)}")
    raise unknown_name("sampler or guided network of stable-audio-tools", name, names())


def _of_loop(name: str) -> Product:
    parameters = inspect.signature(getattr(adapter.released(), name)).parameters
    own = OF_LOOP.get(name, {})
    values = {option: VALUES[option] for option in parameters if option in VALUES and option not in own} | own

    def chosen(options: Options) -> dict[str, Any]:
        """What the loop is handed: the type of sampler always, the rest where it is not at its default."""
        kind = {"sampler_type": options["sampler_type"]} if "sampler_type" in options else {}
        return {**kind, **swept.changed(options)}

    def make(options: Options) -> Sampler:
        read = [key for key in swept.changed(options) if key not in SAME and key not in _unread(options)]
        others = {key: chosen({**options, key: swept.default[key]}) for key in read if key != "sampler_type"}
        variants = {key: adapter.sampler(name, other) for key, other in others.items()}
        made = adapter.sampler(name, chosen(options), variants=variants)
        return replace(made, never_exact=LITTLE_NOISE) if made.stochastic and options["sigma_max"] < 1 else made

    def code(options: Options) -> str:
        given = {k: v for k, v in chosen(options).items() if k != "dist_shift"}
        shift = options.get("dist_shift")
        shifted = f"DistributionShift({'use_sine=True' if shift == 'use_sine' else ''})"
        text = "".join(f", {key}={value!r}" for key, value in given.items())
        return f"{name}(model, noise, steps=steps{text}{f', dist_shift={shifted}' if shift else ''})"

    swept = Product(make, values, code=code)
    return swept


def _unread(options: Options) -> tuple[str, ...]:
    """The options that the type of sampler is not meant to read: those of sigmas, where it has times up to 1."""
    kind = options.get("sampler_type")
    if kind in OWN_STEPS:
        return ("rho",)
    if kind not in adapter.V_TYPES:
        return ()
    return OF_SIGMAS if options["sigma_max"] < 1 else (*OF_SIGMAS, "sigma_max")


def _of_network(name: str) -> Product:
    def make(options: Options) -> Guidance:
        changed = swept.changed(options)
        label = ",".join(f"{key}={value}" for key, value in changed.items())
        if "cfg_interval" in changed:
            changed["cfg_interval"] = INTERVALS[changed["cfg_interval"]]
        return adapter.guidance(name, changed, title=f"{name}[{label}]" if label else name)

    swept = Product(make, OF_NETWORK[name], code=lambda options: f"{name}.forward{_written(swept.changed(options))}")
    return swept


def _shift(options: Options) -> Schedule:
    return adapter.shift({key: value for key, value in options.items() if value != SHIFT[key][0]})


def _written(options: Options) -> str:
    return f"({', '.join(f'{key}={value!r}' for key, value in options.items())})"
