"""Calling a guidance rule: its result as it must be, and the bound of its own rounding."""

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.case import GuidanceCase
from cfg_equiv.rounding import BoundMode
from cfg_equiv.rounding.rerun import calibrated_spread
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.subjects import Guidance


def combine(subject: Guidance, cond: Tensor, uncond: Tensor, w: Any) -> Tensor:
    """The rule's result for copies of the predictions; a wrong type, shape or dtype is one sentence."""
    return returned("combine", subject.combine(cond.clone(), uncond.clone(), float(Fraction(w))), cond)


def returned(function: str, result: Any, like: Tensor) -> Tensor:
    """What a subject's function returned: a tensor of the shape and dtype of ``like``, or one sentence."""
    if not isinstance(result, Tensor):
        raise SubjectError(f"expected {function}() to return a tensor, got {type(result).__name__}: return it alone")
    if result.shape != like.shape:
        raise SubjectError(f"expected {function}() to return shape {tuple(like.shape)}, got {tuple(result.shape)}")
    if result.dtype != like.dtype:
        raise SubjectError(f"expected {function}() to return {like.dtype}, got {result.dtype}")
    return result.detach()


def bounded(subject: Guidance, cond: Tensor, uncond: Tensor, case: GuidanceCase) -> tuple[Tensor, Tensor]:
    """The result and the bound of its rounding: carried by the numbers, or calibrated where an operation is unknown."""
    with BoundMode() as mode:
        result = combine(subject, cond, uncond, case.weight)
        error = mode.error(result)
    if not mode.unknown and bool(error.any()):  # no rounding at all: the rule has computed outside torch
        return result, error

    def again(nudge: object, c: Tensor, u: Tensor) -> Tensor:
        return combine(subject, c, u, case.weight)

    found = calibrated_spread(again, [cond, uncond])
    return result, torch.maximum(found.bound.double(), torch.zeros_like(found.bound.double()))
