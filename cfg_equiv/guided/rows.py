"""A rule of the catalogue on rows of vectors ``(*batch, elements)``, at the parameters its verdict was computed at.

:func:`cfg_equiv.rules.apply_rule` is for users, who pass every parameter; here masks and frequencies, which fix the
number of elements, may stay as the entry has them.
"""

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.errors import MismatchError, sentence
from cfg_equiv.tensor_statistics import TensorStatistics


def tensor_of(value: Any, like: Tensor) -> Tensor:
    """A number (a rational one is rounded), a tensor, or a tuple of numbers as a vector, in the dtype of ``like``."""
    if isinstance(value, tuple):
        return torch.tensor([float(x) for x in value], dtype=like.dtype, device=like.device)
    number = float(value) if isinstance(value, int | Fraction) else value
    return torch.as_tensor(number, dtype=like.dtype, device=like.device)  # a float goes to the dtype in one rounding


def _parameter(value: Any, like: Tensor) -> Any:
    """A parameter of a rule as tensors: several vectors stay a tuple of them; an integer may be an exponent."""
    if isinstance(value, tuple) and any(isinstance(part, tuple) for part in value):
        return tuple(tensor_of(part, like) for part in value)
    return value if isinstance(value, int) else tensor_of(value, like)


def has_vectors(rule: Rule) -> bool:
    """Whether a parameter of the rule is a vector, or several: a mask, a ramp, a basis of frequencies."""
    values = [part for value in rule.parameters.values() for part in _parts(value)]
    return any(isinstance(value, tuple) and len(value) == rule.elements for value in values)


def _parts(value: Any) -> tuple[Any, ...]:
    several = isinstance(value, tuple) and any(isinstance(part, tuple) for part in value)
    return value if several else (value,)


def guide_rows(rule: Rule, cond: Tensor, uncond: Tensor, w: Any, z: Tensor) -> Tensor:
    """A rule of the catalogue on a conditional and an unconditional prediction ``(*batch, elements)``.

    Parameters
    ----------
    w
        The weight in the rule's own convention: a number, or a tensor that broadcasts against the predictions.
    z
        The latent, for rules that see it.

    Raises
    ------
    MismatchError
        If the rule takes other branches, or one of its parameters is a vector of another length.
    """
    if list(rule.branches.items()) != [("cond", "here"), ("uncond", "here")]:
        came = ", ".join(f"{name} ({seen})" for name, seen in rule.branches.items())
        raise MismatchError(sentence("a rule of cond and uncond at the shared latent", came, "choose another rule"))
    if has_vectors(rule) and cond.shape[-1] != rule.elements:
        came = f"{cond.shape[-1]} for rule {rule.name!r}"
        raise MismatchError(sentence(f"{rule.elements} elements, as its parameters have", came, "use that many"))
    given = {name: _parameter(value, cond) for name, value in rule.parameters.items()} | {"w": tensor_of(w, cond)}
    if rule.sees_z:
        given["z"] = z
    result: Tensor = rule.formula(TensorStatistics((-1,)), cond, uncond, **given)
    return result
