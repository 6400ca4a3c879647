"""What the public functions ask of tensors, levels and names before they call a bare formula.

Python numbers become tensors of the latent's dtype, so that no scalar enters a formula at another precision. A tensor
of levels or weights is either 0-dimensional or has the latent's number of dimensions: a shape ``(B,)`` would silently
broadcast along the last axis instead of the batch.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.errors import LevelError, MismatchError, ParameterError, sentence, unknown_name


def described(x: Any) -> str:
    """What a value is, for a message."""
    if isinstance(x, Tensor):
        where = "" if x.device.type == "cpu" else f" on {x.device}"
        return f"a {str(x.dtype).removeprefix('torch.')} tensor of shape {tuple(x.shape)}{where}"
    return repr(x)


def first(values: Tensor, bad: Tensor) -> str:
    """The first value that is bad, for a message of one line."""
    return str(values.detach().expand(bad.shape)[bad].flatten()[0].item())


def broadcast(*xs: Tensor) -> list[Tensor]:
    """All of them expanded to their common shape."""
    shape = np.broadcast_shapes(*(tuple(x.shape) for x in xs))
    return [x.expand(shape) for x in xs]


def require_latent(name: str, x: Any) -> Tensor:
    """``x`` if it is a tensor of real floats."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise MismatchError(
            sentence(
                f"{name} to be a tensor of floats", described(x), "convert it with torch.as_tensor(..., dtype=...)"
            )
        )
    return x


def require_alike(**tensors: Any) -> None:
    """All of one shape, dtype and device, compared with the first."""
    (first_name, first), *others = tensors.items()
    require_latent(first_name, first)
    for name, x in others:
        require_latent(name, x)
        if (x.shape, x.dtype, x.device) != (first.shape, first.dtype, first.device):
            raise MismatchError(
                sentence(
                    f"{name} to have the shape, dtype and device of {first_name} ({described(first)})",
                    described(x),
                    "cast or reshape one of them, and split off variance channels before converting",
                )
            )


def per_element(name: str, value: Any, like: Tensor) -> Tensor:
    """A number or tensor as a tensor that broadcasts against ``like`` without changing its shape."""
    if not isinstance(value, Tensor):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MismatchError(sentence(f"{name} to be a number or a tensor", described(value), "pass a float"))
        return torch.tensor(value, dtype=like.dtype, device=like.device)
    if (value.dtype, value.device) != (like.dtype, like.device):
        raise MismatchError(
            sentence(
                f"{name} to have the latent's dtype and device ({described(like)})",
                described(value),
                f"use {name}.to(z), or pass a Python float",
            )
        )
    fits = value.ndim == like.ndim and all(n in (1, m) for n, m in zip(value.shape, like.shape, strict=True))
    if value.ndim and not fits:
        raise MismatchError(
            sentence(
                f"{name} to be a number or to broadcast against shape {tuple(like.shape)} dimension by dimension",
                described(value),
                f"give one level an item as {name}.reshape({', '.join(['-1'] + ['1'] * (like.ndim - 1))})",
            )
        )
    return value


def require_level(alpha: Tensor, sigma: Tensor) -> None:
    """``alpha`` and ``sigma`` finite, not negative and not both zero."""
    for name, x in (("alpha", alpha), ("sigma", sigma)):
        bad = ~((x >= 0) & torch.isfinite(x))
        if bad.any():
            raise LevelError(
                sentence(
                    f"{name} to be finite and not negative",
                    first(x, bad),
                    f"check the schedule that made it, and the order of alpha and sigma (dtype {x.dtype})",
                )
            )
    if ((alpha == 0) & (sigma == 0)).any():
        raise LevelError(
            sentence(
                "alpha or sigma to be positive",
                f"both zero in {alpha.dtype}",
                "z = 0 carries neither data nor noise; scale the level or use a wider dtype",
            )
        )


def level_at(alpha: Any, sigma: Any, like: Tensor) -> Point:
    """A validated point in the latent's dtype, with lam filled in (infinite at the two ends)."""
    a, s = per_element("alpha", alpha, like), per_element("sigma", sigma, like)
    require_level(a, s)
    return point(torch, a, s)


def require_parameterization(kind: str, name: Any) -> str:
    """``name`` if it is a known parameterization."""
    if name not in PARAMETERIZATIONS:
        raise unknown_name(f"{kind} parameterization", name, PARAMETERIZATIONS)
    return str(name)


def row_parameters(names: tuple[str, ...], given: dict[str, Any], like: Tensor) -> dict[str, Tensor]:
    """The parameters the named rows need, as tensors; missing, unknown and impossible ones are errors."""
    needed = {p: name for name in names for p in PARAMETERIZATIONS[name].needs}
    for parameter, name in needed.items():
        if given.get(parameter) is None:
            raise ParameterError(
                sentence(
                    f"{parameter}= for parameterization {name!r}",
                    "nothing",
                    "pass sigma_data of the network"
                    if parameter == "sigma_data"
                    else "pass the derivatives of the path, as schedule.derivative(t) gives them",
                )
            )
    for parameter in given:
        if parameter not in needed:
            known = ", ".join(sorted(needed)) or "no parameter"
            raise ParameterError(
                sentence(f"{known} for {' and '.join(map(repr, names))}", f"{parameter}=", "leave it out")
            )
    values = {parameter: per_element(parameter, given[parameter], like) for parameter in needed}
    for parameter, x in values.items():
        positive = parameter == "sigma_data"
        bad = ~torch.isfinite(x) | (x <= 0) if positive else ~torch.isfinite(x)
        if bad.any():
            wanted = "finite and positive" if positive else "finite"
            raise ParameterError(sentence(f"{parameter} to be {wanted}", first(x, bad), "check where it comes from"))
    return values
