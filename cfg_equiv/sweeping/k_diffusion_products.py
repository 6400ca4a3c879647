"""The options of k-diffusion's samplers: keywords that change the numbers, and the wrappers around the network."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cfg_equiv.adapters import k_diffusion as adapter
from cfg_equiv.errors import unknown_name
from cfg_equiv.sweeping.product import Options, Product
from cfg_equiv.testing.subjects import Sampler

VALUES: dict[str, Sequence[Any]] = {
    "eta": (1.0, 0.0),
    "s_churn": (0.0, 2.0),
    "s_noise": (1.0, 0.5),
    "solver_type": ("midpoint", "heun"),
    "order": (4, 2),
    "r": (0.5, 0.25),
}
OF_SAMPLER: dict[str, dict[str, Sequence[Any]]] = {"sample_dpm_adaptive": {"order": (3, 2), "r": ()}}
LESS_NOISE = "with s_noise below 1 it draws less noise than its level asks for, by design"


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
        raise unknown_name("sampler of k-diffusion", name, adapter.SAMPLERS)
    entry = adapter.SAMPLERS[name]
    values: dict[str, Sequence[Any]] = {
        space: (wrapper, *(other[space] for other in adapter.OTHER_WRAPPERS))
        for space, wrapper in adapter.WRAPPERS.items()
    }
    parameters = inspect.signature(getattr(adapter.released().sampling, name)).parameters
    for option, parameter in parameters.items():
        found = OF_SAMPLER.get(name, {}).get(option, VALUES.get(option, ()))
        if found and parameter.default is not inspect.Parameter.empty:
            values[option] = (parameter.default, *(value for value in found if value != parameter.default))
    if name in adapter.ON_A_PATH:
        values["noise_sampler"] = (None, adapter.WHITE["noise_sampler"])

    def make(options: Options) -> Sampler:
        changed = swept.changed(options)
        sampler = adapter._subject(name, entry, changed, {})
        return replace(sampler, never_exact=LESS_NOISE) if "s_noise" in changed else sampler

    def code(options: Options) -> str:
        keywords = {k: v for k, v in swept.changed(options).items() if k not in adapter.WRAPPERS}
        drawn = {key: f"{keywords.pop(key)}(x)" for key in adapter.WHITE if key in keywords}
        text = "".join(f", {key}={value}" for key, value in ({k: repr(v) for k, v in keywords.items()} | drawn).items())
        wrappers = ", ".join(options[space] for space in adapter.WRAPPERS)
        return f"k_diffusion.sampling.{name}(denoiser, x, sigmas{text})  # behind {wrappers}"

    swept = Product(make, values, code=code)
    return swept
