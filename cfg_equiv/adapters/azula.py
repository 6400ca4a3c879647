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

import math
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
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule, Subject, Twin

Model = Callable[[Tensor, Any], Tensor]
DENOISERS = {"x0": "SimpleDenoiser", "v": "KarrasDenoiser"}
SCHEDULE = "CosineSchedule"  # what a sampler runs on where nothing else is said
DTYPE = "float64"  # of a sampler's times; the library's own default is torch's
# The path a schedule claims; the others reach their smallest sigma beside alpha = 1, on no common path.
SCHEDULES = {
    "VPSchedule": "free",
    "CosineSchedule": "free",
    "RectifiedSchedule": "free",
    "DecaySchedule": "free",
    "VESchedule": "ve",
}
# Schedules from pure noise, but for alpha_min, to data, but for sigma_min.
BETWEEN = ("RectifiedSchedule", "DecaySchedule")
TIMES = 12
GUIDANCE = "CFGDenoiser"
TEMPERED = "its temperature scales the score"


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
    "DDPMSampler": Entry(stochastic=True, twin="ddpm_posterior", combinations=({"schedule": "RectifiedSchedule"},)),
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
TWINS = {  # by order, where that is not the default
    ("zABSampler", 1): "euler_ve",
    ("vABSampler", 1): "ddim_v",
    ("zEABSampler", 1): "ddim_eps",
    ("xEABSampler", 1): "ddim_x0",
    ("zABSampler", 3): "zab_3",
    ("vABSampler", 3): "vab_3",
    ("zEABSampler", 3): "zeab_3",
    ("xEABSampler", 3): "xeab_3",
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
        return [schedule(name)]
    if name == GUIDANCE:
        return [guidance()]
    raise unknown_name("class of azula", name, known)


def _samplers(name: str, entry: Entry) -> list[Sampler]:
    variants = {next(iter(o)): sampler(name, o) for o in entry.variants}
    return [sampler(name, variants=variants), *(sampler(name, o) for o in entry.combinations)]


def sampler(
    name: str, options: Mapping[str, Any] | None = None, *, variants: Mapping[str, Sampler] | None = None
) -> Sampler:
    """A sampler with these options; ``schedule`` names the class it runs on, ``dtype`` the type of its times."""
    entry, options = SAMPLERS[name], options or {}
    cls = getattr(import_module("azula.sample"), name)
    keywords = {key: value for key, value in {**entry.fixed, **options}.items() if key not in ("schedule", "dtype")}
    dtype = options.get("dtype", DTYPE)
    times = None if dtype is None else getattr(torch, dtype)
    levels = getattr(import_module("azula.noise"), options.get("schedule", SCHEDULE))()

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        made = cls(denoiser(model, space, levels, z.dtype), steps=steps, silent=True, dtype=times, **keywords)
        first, last = levels(made.timesteps[0]), levels(made.timesteps[-1])
        end: Tensor = made(z * first[1]) / torch.hypot(*last)  # on the circle, as every latent that is shown
        return end

    label = ",".join(f"{key}={value}" for key, value in options.items())
    order = options.get("order", entry.order)
    eta = options.get("eta", 0.0) if name == "DDIMSampler" else 0.0
    known = entry.twin if order == entry.order and "eta" not in options else TWINS.get((name, order), "")
    twin = Twin(known) if known else None
    if eta:
        twin = Twin("ddim_eta", {"eta": math.sqrt(eta)})  # its eta is the square of that of the paper
    return Sampler(
        run,
        lambda at: on_circle(at[1] / at[0]),
        tuple(DENOISERS),
        state="vp",
        order=order,
        stochastic=bool(options["eta"]) if "eta" in options else entry.stochastic,
        dtype=DTYPE if dtype else "float32",  # what its levels are told in
        name=f"{name}[{label}]" if label else name,
        version=version("azula"),
        options={**entry.fixed, **options},
        variants=variants or {},
        twin=twin,
        never_exact=TEMPERED if options.get("temperature", 1.0) != 1 else entry.never_exact,
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


def schedule(name: str, options: Mapping[str, Any] | None = None) -> Schedule:
    """A schedule with these options as a subject, from noise to data."""
    options = options or {}
    made = getattr(import_module("azula.noise"), name)(**options)
    label = ",".join(f"{key}={value}" for key, value in options.items())
    ends = None
    if SCHEDULES[name] == "ve":
        ends = (1.0, made.sigma_max), (1.0, made.sigma_min)
    elif name in BETWEEN:
        ends = (made.alpha_min, 1.0), (1.0, made.sigma_min)
    return Schedule(
        lambda t: made(torch.tensor(t, dtype=torch.float64)),
        [1 - i / TIMES for i in range(TIMES + 1)],
        path=SCHEDULES[name],  # type: ignore[arg-type]
        ends=ends,
        name=f"{name}[{label}]" if label else name,
        version=version("azula"),
        options=dict(options),
    )


def guidance() -> Guidance:
    """The guidance of the library as a subject."""
    return Guidance(_guided, "c+w(c-u)", name=GUIDANCE, version=version("azula"))


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
