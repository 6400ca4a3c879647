r"""skrample as subjects: its structured samplers, behind each of its models of a prediction.

There a ``Point`` is ``(timestep, sigma, alpha)`` with :math:`z = \alpha x_0 + \sigma\epsilon`: both are ours. A model
says what the network predicts: ``DataModel`` :math:`x_0`, ``NoiseModel`` :math:`\epsilon`, ``VelocityModel`` :math:`v`,
which is right on the circle alone, and ``FlowModel`` :math:`\epsilon - x_0`. A structured sampler takes one step out of
the model's output and what it is handed of earlier ones, so that the loop is its caller's; here it is that of the
library's own examples.

skrample runs on Python 3.12 and later. :func:`from_structured` asks for no more than the interface, and so serves any
object that has it.

References
----------
skrample, ``sampling/structured.py``, ``sampling/models.py``, ``scheduling.py``, ``common.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version as version_of
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.subjects import Sampler, State

MODELS = {"x0": "DataModel", "eps": "NoiseModel", "v": "VelocityModel", "flow": "FlowModel"}
# The straight schedule starts at alpha = 0, where the noise has no data prediction.
SPACES: dict[State, tuple[str, ...]] = {
    "vp": ("x0", "eps", "flow", "v"),
    "flow": ("x0", "flow"),
}


@dataclass(frozen=True)
class Entry:
    """One sampler: the option values it is tried with, and the orders it claims with them."""

    orders: tuple[int, ...] = (1,)


SAMPLERS: dict[str, Entry] = {
    "Euler": Entry(),
    "DPM": Entry((1, 2, 3)),
    "Adams": Entry((1, 2)),
    "UniP": Entry((1, 2, 3)),
    "UniPC": Entry((1, 2, 3)),
    "SPC": Entry(),
}
SCHEDULES: dict[str, State] = {"Scaled": "vp", "Linear": "flow"}


def subjects(name: str = "*") -> list[Sampler]:
    """The subjects of a sampler by its name; ``"*"`` is all of them.

    Raises :class:`~cfg_equiv.errors.UnknownNameError` for a name that is none of them.
    """
    if name != "*" and name not in SAMPLERS:
        raise unknown_name("sampler of skrample", name, SAMPLERS)
    structured, models, scheduling = (
        import_module(f"skrample.{module}") for module in ("sampling.structured", "sampling.models", "scheduling")
    )
    found = []
    for known in SAMPLERS if name == "*" else (name,):
        for schedule, state in SCHEDULES.items():
            for order in SAMPLERS[known].orders:
                options = {"order": order} if SAMPLERS[known].orders != (1,) else {}
                label = ",".join([schedule, *(f"{key}={value}" for key, value in options.items())])
                found.append(
                    from_structured(
                        getattr(structured, known)(**options),
                        getattr(scheduling, schedule)(),
                        {space: getattr(models, MODELS[space])() for space in SPACES[state]},
                        state=state,
                        order=order,
                        name=f"{known}[{label}]",
                        version=version_of("skrample"),
                        options={"schedule": schedule, **options},
                    )
                )
    return found


def from_structured(
    sampler: Any,
    schedule: Any,
    models: Mapping[str, Any],
    *,
    state: State,
    order: int = 1,
    stochastic: bool = False,
    name: str = "",
    version: str = "",
    options: Mapping[str, Any] | None = None,
) -> Sampler:
    """A structured sampler on a schedule, behind one model for each parameterization.

    Parameters
    ----------
    sampler
        An object with ``sample(sample, prediction, step, model_transform, schedule, noise, previous)``, whose result
        has ``final``.
    schedule
        An object with ``ipoint(t)``, the ``(timestep, sigma, alpha)`` at a time from 0 (noise) to 1 (data).
    models
        Our name of what a network predicts, and the library's model of it.
    state, order, stochastic, name, version, options
        As in :class:`~cfg_equiv.testing.Sampler`.
    """

    def run(model: Callable[[Tensor, Any], Tensor], z: Tensor, steps: int, space: str) -> Tensor:
        previous: list[Any] = []
        z = z * schedule.ipoint(0.0)[1]
        for n in range(steps):
            step = (n / steps, (n + 1) / steps)
            taken = sampler.sample(
                sample=z,
                prediction=model(z, schedule.ipoint(step[0])),
                step=step,
                model_transform=models[space],
                schedule=schedule,
                noise=torch.randn_like(z) if stochastic else None,
                previous=tuple(previous),
            )
            previous.append(taken)
            z = taken.final
        return z

    return Sampler(
        run,
        lambda point: (point[2], point[1]),
        tuple(models),
        state=state,
        order=order,
        stochastic=stochastic,
        name=name or type(sampler).__name__,
        version=version,
        options=dict(options or {}),
    )
