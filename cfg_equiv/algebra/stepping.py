"""A sampler's step from a prediction in any parameterization: convert to the native space, then step.

This is the only place where conversion and samplers meet; native forms know nothing of it.
"""

from typing import Any

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import Sampler


def to_space(xp: Any, z: Any, pred: Any, at: Point, source: str, target: str, **parameters: Any) -> Any:
    """The prediction of parameterization ``source`` in parameterization ``target``, both by name."""
    rows = [PARAMETERIZATIONS[name].at(xp, at, **parameters) for name in (source, target)]
    return convert(z, pred, at, *rows)


def step_from(xp: Any, sampler: Sampler, source: str, z: Any, pred: Any, s: Point, t: Point, **given: Any) -> Any:
    """One step from ``s`` to ``t`` given a prediction in parameterization ``source``.

    ``given`` holds what the row needs (``sigma_data``, ...) and what the sampler takes (``noise``, ``eta``).
    """
    native = to_space(xp, z, pred, s, source, sampler.space, **given)
    return sampler.step(xp, z, native, s, t, **given)


def emit(xp: Any, x0: Any, eps: Any, at: Point, name: str, **parameters: Any) -> Any:
    """What a network of parameterization ``name`` outputs by definition: ``p*x0 + q*eps``."""
    p, q = PARAMETERIZATIONS[name].at(xp, at, **parameters)
    return p * x0 + q * eps
