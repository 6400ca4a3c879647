"""Noise schedules: right ones with their inverses, and the ways in which they were got wrong."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.faults.record import Fault, Good
from cfg_equiv.schedules import RectifiedFlow, VPCosine
from cfg_equiv.testing.subjects import Schedule

Level = Callable[[Any], tuple[Any, Any]]
TIMES = tuple(1 - i / 20 for i in range(21))
ENDS = ((0.0, 1.0), (1.0, 0.0))  # pure noise, clean data


def cosine() -> Schedule:
    r""":math:`\kappa = \tan(\pi t/2)` on VP, from pure noise to clean data."""
    return Schedule(
        _level(VPCosine()), TIMES, path="vp", time_of=lambda k: math.atan(float(k)) / (math.pi / 2), ends=ENDS
    )


def flow(shift: float = 3.0) -> Schedule:
    """The straight path with the time shift of SD3."""

    def time_of(kappa: Any) -> float:
        return float(kappa) / (shift + float(kappa))

    return Schedule(_level(RectifiedFlow(shift)), TIMES, path="flow", time_of=time_of, ends=ENDS)


def karras() -> Schedule:
    """Variance exploding, seventh powers between 0.002 and 80, zero appended; numbers, not tensors."""
    low, high = 0.002 ** (1 / 7), 80.0 ** (1 / 7)

    def level(t: float) -> tuple[float, float]:
        return 1.0, (low + t * (high - low)) ** 7

    def time_of(kappa: Any) -> float:
        return float((float(kappa) ** (1 / 7) - low) / (high - low))

    return Schedule(level, TIMES, path="ve", time_of=time_of)


def table(dtype: torch.dtype = torch.float32) -> Schedule:
    """A thousand levels in a table, read by integer timesteps; the inverse looks up the nearest."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    bar = torch.cumprod(1 - betas, 0).to(dtype)
    kappas = ((1 - bar) / bar).sqrt().double()

    def time_of(kappa: Any) -> int:
        return int((kappas - float(kappa)).abs().argmin())

    times = tuple(range(999, 0, -50))
    return Schedule(lambda t: (bar[t].sqrt(), (1 - bar[t]).sqrt()), times, path="vp", time_of=time_of)


def _level(schedule: Callable[[Any], Any]) -> Level:
    def level(t: Any) -> tuple[Tensor, Tensor]:
        at = schedule(t)
        return at.alpha, at.sigma

    return level


def _changed(make: Callable[[], Schedule], change: Callable[[Any, Any, Any], tuple[Any, Any]]) -> Schedule:
    """The schedule with ``change(t, alpha, sigma)`` for its levels."""
    right = make()
    return replace(right, level=lambda t: change(t, *right.level(t)), time_of=None)


def alpha_bar() -> Schedule:
    """The roots are missing."""
    return _changed(cosine, lambda t, a, s: (a * a, s * s))


def off_path() -> Schedule:
    """The variance of the noise is not its scale: one root is missing."""
    return _changed(cosine, lambda t, a, s: (a, s * s))


def declared_flow() -> Schedule:
    """A VP schedule declared as the straight path."""
    return replace(cosine(), path="flow")


def bump() -> Schedule:
    """The level rises again in the middle."""
    return _changed(lambda: flow(1.0), lambda t, a, s: (a + 0.4, s - 0.4) if 0.5 < t <= 0.55 else (a, s))


def duplicates() -> Schedule:
    """Times are rounded to tenths, so that neighbours coincide."""
    right = flow(1.0)
    return replace(right, level=lambda t: right.level(round(t, 1)), time_of=None)


def duplicates_of_times() -> Schedule:
    """The times themselves are rounded to tenths."""
    return replace(flow(1.0), times=tuple(round(t, 1) for t in TIMES))


def last_repeated() -> Schedule:
    """The last time is listed twice: a step of no length."""
    return replace(karras(), times=(*TIMES, TIMES[-1]))


def noise_end_missed() -> Schedule:
    """Declared to start from pure noise, but the first time is a step later: the signal is never quite gone."""
    return replace(cosine(), times=TIMES[1:])


def past_one() -> Schedule:
    """The signal is rounded to just above one at the data end."""
    return _changed(cosine, lambda t, a, s: (a if t > 0 else a + 2.0**-52, s))


def backwards() -> Schedule:
    """The times run from data to noise."""
    return replace(cosine(), times=TIMES[::-1])


def shift_forgotten() -> Schedule:
    """The inverse does not know the shift."""
    return replace(flow(3.0), time_of=lambda kappa: float(kappa) / (1 + float(kappa)))


def sigma_as_time() -> Schedule:
    """The inverse hands back the level itself."""
    return replace(karras(), time_of=float)


def beta_past_one() -> Schedule:
    """The betas grow past one: alpha-bar turns negative and its root is not a number."""
    return Schedule(_from_bar(lambda t: 1 - 1.2 * t), TIMES, path="vp")


def negative_under_root() -> Schedule:
    """At the data end alpha-bar is rounded to just above one."""
    return Schedule(_from_bar(lambda t: 1 + 2.0**-40 - t), TIMES, path="vp")


def _from_bar(bar: Callable[[float], float]) -> Level:
    def level(t: float) -> tuple[Tensor, Tensor]:
        value = torch.tensor(bar(t), dtype=torch.float64)
        return value.sqrt(), (1 - value).sqrt()

    return level


def _good(make: Callable[[], Schedule]) -> Good:
    name = make.__name__
    return Good(f"schedule.{name}", lambda: make().named(name))


def _bad(make: Callable[[], Schedule], fails: tuple[str, ...], source: str) -> Fault:
    name = make.__name__
    return Fault(f"schedule.{name}", lambda: make().named(name), fails, source)


GOOD = tuple(_good(make) for make in (cosine, flow, karras, table))
FAULTS = (
    _bad(alpha_bar, ("rt_path",), "kohya sd-scripts PR #308"),
    _bad(off_path, ("rt_path",), "diffusers PR #10185"),
    _bad(declared_flow, ("rt_path",), "CFGpp #12"),
    _bad(bump, ("rt_order",), "a lambda table that is not monotone"),
    _bad(duplicates, ("rt_order",), "diffusers #6232"),
    _bad(last_repeated, ("rt_order",), "diffusers #5689"),
    _bad(duplicates_of_times, ("sch",), "diffusers #6232"),
    _bad(noise_end_missed, ("sch",), "Common Diffusion Noise Schedules, a signal left at the last timestep"),
    _bad(past_one, ("sch",), "diffusers #14213"),
    _bad(backwards, ("rt_order",), "kohya sd-scripts #2201"),
    _bad(shift_forgotten, ("rt_time",), "diffusers #14013"),
    _bad(sigma_as_time, ("rt_time",), "sd-dynamic-thresholding PR #87"),
    _bad(beta_past_one, ("nan",), "imagen-pytorch #161"),
    _bad(negative_under_root, ("nan",), "diffusers #14213"),
)
