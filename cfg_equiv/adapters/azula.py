r"""azula as subjects: its samplers, its schedules, and its classifier-free guidance.

The perturbation kernel is :math:`x_t \sim N(\alpha_t x, \sigma_t^2)`, with time from 1 (noise) to 0 (data): the
library's :math:`\alpha` and :math:`\sigma` are ours. A sampler asks a denoiser for the mean of the data. Two classes
make one of a network: ``SimpleDenoiser`` takes its output as :math:`x_0`, and ``KarrasDenoiser`` as the network ``F``
of the preconditioner at :math:`\sigma_d = 1`, which is :math:`-v` on the circle. Both show their network
:math:`x_t/\sqrt{\alpha_t^2 + \sigma_t^2}`, so whatever the schedule, the latent shown is on the circle.

The network is told the level of the schedule at the time it is asked for, not the half-log-SNR computed from it.
Schedules other than that of ``VESchedule`` end at ``sigma_min`` beside their path, not on it: they are free.

References
----------
[Rozet] azula, ``sample.py``, ``denoise.py``, ``noise.py``, ``guidance/cfg.py``. [Karras22] arXiv:2206.00364, table 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.adapters.diffusers_levels import on_circle
from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule, Subject

Model = Callable[[Tensor, Any], Tensor]
DENOISERS = {"x0": "SimpleDenoiser", "v": "KarrasDenoiser"}
SCHEDULE = "CosineSchedule"  # what a sampler runs on where nothing else is said
# The path a schedule claims; the others reach their smallest sigma beside alpha = 1, on no common path.
SCHEDULES = {
    "VPSchedule": "free",
    "CosineSchedule": "free",
    "RectifiedSchedule": "free",
    "DecaySchedule": "free",
    "VESchedule": "ve",
}
TIMES = 12
# A multistep sampler of any order takes its first step at order 1, and that limits the order of a whole run.
BOOTSTRAPPED = 2
GUIDANCE = "CFGDenoiser"


@dataclass(frozen=True)
class Entry:
    """One sampler: what it claims, and the option values it is tried with."""

    order: int = 1
    stochastic: bool = False
    twin: str = ""
    combinations: tuple[Mapping[str, Any], ...] = ()
    variants: tuple[Mapping[str, Any], ...] = ()
    never_exact: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)  # option values of all its subjects


_OTHERS = tuple({"schedule": name} for name in SCHEDULES if name != SCHEDULE)
_VE = {"schedule": "VESchedule"}
_FIRST, _THIRD = {"order": 1}, {"order": 3}

SAMPLERS: dict[str, Entry] = {
    "DDPMSampler": Entry(stochastic=True, combinations=({"schedule": "RectifiedSchedule"},)),
    "DDIMSampler": Entry(twin="ddim_x0", combinations=(*_OTHERS, {"eta": 0.5}, {"eta": 1.0}), variants=({"eta": 1.0},)),
    "EulerSampler": Entry(twin="euler_ve", combinations=_OTHERS),
    # It evaluates where it ends: from pure noise down to sigma_min, a rounding there counts a millionfold. VESchedule
    # spreads its levels over so many powers of ten that the same holds of any part of it.
    "HeunSampler": Entry(
        order=2, twin="heun", fixed={"start": 0.875, "stop": 0.125}, combinations=tuple(o for o in _OTHERS if o != _VE)
    ),
    "ItoSampler": Entry(stochastic=True, combinations=({"eta": 0.0},), variants=({"eta": 0.0}, {"temperature": 2.0})),
    "zABSampler": Entry(order=2, twin="zab_2", combinations=(_FIRST, _THIRD), variants=(_THIRD,)),
    "vABSampler": Entry(order=2, twin="vab_2", combinations=(_FIRST, _THIRD), variants=(_THIRD,)),
    "zEABSampler": Entry(order=2, twin="zeab_2", combinations=(_FIRST, _THIRD), variants=(_THIRD,)),
    "xEABSampler": Entry(order=2, twin="xeab_2", combinations=(_FIRST, _THIRD), variants=(_THIRD,)),
    "REABSampler": Entry(order=2, combinations=(_FIRST, _THIRD), variants=(_THIRD,)),
    "PCSampler": Entry(
        stochastic=True,
        never_exact="its corrector steps have an amplitude that does not shrink with more steps",
        variants=({"corrections": 2}, {"delta": 0.1}),
    ),
}
TWINS = {
    (name, 3): twin
    for name, twin in {
        "zABSampler": "zab_3",
        "vABSampler": "vab_3",
        "zEABSampler": "zeab_3",
        "xEABSampler": "xeab_3",
    }.items()
}


def subjects(name: str = "*") -> list[Subject]:
    """The subjects of a class by its name; ``"*"`` is all samplers, all schedules and the guidance.

    Raises :class:`~cfg_equiv.errors.UnknownNameError` for a name that is none of them.
    """
    known = (*SAMPLERS, *SCHEDULES, GUIDANCE)
    if name == "*":
        return [s for one in known for s in subjects(one)]
    if name in SAMPLERS:
        return list(_samplers(name, SAMPLERS[name]))
    if name in SCHEDULES:
        return [_schedule(name)]
    if name == GUIDANCE:
        return [Guidance(_guided, "c+w(c-u)", name=GUIDANCE, version=version("azula"))]
    raise unknown_name("class of azula", name, known)


def _samplers(name: str, entry: Entry) -> list[Sampler]:
    variants = {next(iter(o)): _sampler(name, entry, o, {}) for o in entry.variants}
    return [_sampler(name, entry, {}, variants), *(_sampler(name, entry, o, {}) for o in entry.combinations)]


def _sampler(name: str, entry: Entry, options: Mapping[str, Any], variants: Mapping[str, Sampler]) -> Sampler:
    cls = getattr(import_module("azula.sample"), name)
    keywords = {key: value for key, value in {**entry.fixed, **options}.items() if key != "schedule"}
    schedule = getattr(import_module("azula.noise"), options.get("schedule", SCHEDULE))()

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        sampler = cls(
            denoiser(model, space, schedule, z.dtype), steps=steps, silent=True, dtype=torch.float64, **keywords
        )
        first, last = schedule(sampler.timesteps[0]), schedule(sampler.timesteps[-1])
        end: Tensor = sampler(z * first[1]) / torch.hypot(*last)  # on the circle, as every latent that is shown
        return end

    label = ",".join(f"{key}={value}" for key, value in options.items())
    order = options.get("order", entry.order)
    claimed = min(order, BOOTSTRAPPED)
    return Sampler(
        run,
        lambda at: on_circle(at[1] / at[0]),
        tuple(DENOISERS),
        state="vp",
        order=claimed,
        stochastic=bool(options["eta"]) if "eta" in options else entry.stochastic,
        name=f"{name}[{label}]" if label else name,
        version=version("azula"),
        options={**entry.fixed, **options},
        variants=variants,
        twin=entry.twin if order == entry.order and "eta" not in options else TWINS.get((name, order), ""),
        never_exact=entry.never_exact,
    )


def denoiser(model: Model, space: str, schedule: Any, dtype: torch.dtype) -> Any:
    """The released denoiser around a network of parameterization ``space``; the network is told ``(alpha, sigma)``."""
    cls = getattr(import_module("azula.denoise"), DENOISERS[space])
    sign = -1 if space == "v" else 1

    class Backbone(torch.nn.Module):
        """The network under test; its buffer says in which type it computes."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("one", torch.ones((), dtype=dtype))
            self.asked: tuple[Tensor, Tensor] | None = None

        def forward(self, shown: Tensor, log_kappa: Tensor) -> Tensor:
            return sign * model(shown, self.asked)

    backbone = Backbone()

    def noted(t: Tensor) -> tuple[Tensor, Tensor]:
        backbone.asked = schedule(t)
        return backbone.asked

    return cls(backbone, noted)


def _schedule(name: str) -> Schedule:
    schedule = getattr(import_module("azula.noise"), name)()
    times = [1 - i / TIMES for i in range(TIMES + 1)]
    low, high = (getattr(schedule, end, None) for end in ("sigma_min", "sigma_max"))
    return Schedule(
        lambda t: schedule(torch.tensor(t, dtype=torch.float64)),
        times,
        path=SCHEDULES[name],  # type: ignore[arg-type]
        ends=((1.0, high), (1.0, low)) if high is not None and low is not None else None,
        name=name,
        version=version("azula"),
    )


def _guided(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """``CFGDenoiser`` around a denoiser with these two means."""
    cls = import_module("azula.guidance.cfg").CFGDenoiser

    class Known(torch.nn.Module):
        """A denoiser that gives the mean it is asked for."""

        def forward(self, x: Tensor, t: Tensor, mean: Tensor) -> Any:
            return SimpleNamespace(mean=mean)

    ask = partial(cls(Known()), torch.zeros_like(cond), torch.ones(()))
    guided: Tensor = ask(positive={"mean": cond}, negative={"mean": uncond}, guidance=w).mean
    return guided
