"""Noise schedules. Numeric, not algebraic: they hand out the points the bare formulas take.

A schedule is called at ``t`` in [0, 1], where **1 is noise and 0 is data** (a discrete table at a timestep, where T - 1
is noise), and hands out a :class:`~cfg_equiv.algebra.points.Point` of float64 tensors. ``points(n)`` are the n + 1
points of n steps, ``derivative(t)`` is ``(dalpha, dsigma)``, ``path`` says which relation holds between the two.
"""

from collections.abc import Callable
from typing import Any

from cfg_equiv.errors import unknown_name
from cfg_equiv.schedules.base import Free, Path, Schedule, data_end, to_dtype
from cfg_equiv.schedules.flow import RectifiedFlow
from cfg_equiv.schedules.spacings import exponential, karras, levels, on_path, uniform_log_snr
from cfg_equiv.schedules.tables import (
    Table,
    ddpm_linear,
    ddpm_scaled_linear,
    ddpm_sigmoid,
    ddpm_squared_cosine,
    zero_terminal_snr,
)
from cfg_equiv.schedules.ve import EDM, VEGeometric
from cfg_equiv.schedules.vp import SquaredCosine, VPCosine, VPLinear, VPScaledLinear

SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "ddpm_linear": ddpm_linear,
    "ddpm_scaled_linear": ddpm_scaled_linear,
    "ddpm_sigmoid": ddpm_sigmoid,
    "ddpm_squared_cosine": ddpm_squared_cosine,
    "edm": EDM,
    "free": Free,
    "rectified_flow": RectifiedFlow,
    "squared_cosine": SquaredCosine,
    "ve_geometric": VEGeometric,
    "vp_cosine": VPCosine,
    "vp_linear": VPLinear,
    "vp_scaled_linear": VPScaledLinear,
}

__all__ = [
    "EDM",
    "SCHEDULES",
    "Free",
    "Path",
    "RectifiedFlow",
    "Schedule",
    "SquaredCosine",
    "Table",
    "VEGeometric",
    "VPCosine",
    "VPLinear",
    "VPScaledLinear",
    "data_end",
    "ddpm_linear",
    "ddpm_scaled_linear",
    "ddpm_sigmoid",
    "ddpm_squared_cosine",
    "exponential",
    "karras",
    "levels",
    "on_path",
    "schedule",
    "to_dtype",
    "uniform_log_snr",
    "zero_terminal_snr",
]


def schedule(name: str, **options: Any) -> Schedule:
    """The schedule of that name, with its options: ``schedule("rectified_flow", shift=3.0)``."""
    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    return SCHEDULES[name](**options)
