r"""Conversion between any two parameterizations of tensors, validated; the formula is :mod:`cfg_equiv.algebra.convert`.

Where :math:`[Z,P] = \alpha q - \sigma p` is zero, the latent and the prediction are parallel: together they say nothing
of the rest of the plane. That is a named error, unless the conversion has a limit there: ``eps`` and ``score`` are
proportional whatever alpha is, ``x0`` and ``z - x0`` add up to ``z`` whatever sigma is.
"""

from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, Row, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.errors import SingularEndError, sentence
from cfg_equiv.validation import broadcast, level_at, require_alike, require_parameterization, row_parameters

# Pairs whose conversion does not depend on the coordinate that vanishes: there its value is immaterial, so 1 will do.
_INDEPENDENT_OF = {frozenset({"eps", "score"}): "alpha", frozenset({"x0", "z_minus_denoised"}): "sigma"}


def convert(z: Tensor, pred: Tensor, *, source: str, target: str, alpha: Any, sigma: Any, **parameters: Any) -> Tensor:
    """The prediction ``pred`` of parameterization ``source`` for the latent ``z``, in parameterization ``target``.

    ``alpha`` and ``sigma`` are numbers, 0-dimensional tensors, or tensors that broadcast against ``z`` dimension by
    dimension. ``velocity`` needs ``dalpha`` and ``dsigma``; ``F`` and ``k_diffusion_v`` need ``sigma_data``.
    """
    names = require_parameterization("source", source), require_parameterization("target", target)
    require_alike(z=z, pred=pred)
    at = level_at(alpha, sigma, z)
    return convert_at(z, pred, at, *names, row_parameters(names, parameters, z))


def convert_at(z: Tensor, pred: Tensor, at: Point, source: str, target: str, values: dict[str, Tensor]) -> Tensor:
    """:func:`convert` after validation: all that can still go wrong is a singular end."""
    if source == target:
        return pred.clone()
    coordinate = _INDEPENDENT_OF.get(frozenset({source, target}))
    if coordinate is not None:
        value = getattr(at, coordinate)
        at = at._replace(**{coordinate: torch.where(value == 0, torch.ones_like(value), value)})
    require_determined(source, at, values, f"{target!r}")
    require_exists(target, at, values)
    converted: Tensor = to_space(torch, z, pred, at, source, target, **values)
    return converted


def _row(name: str, at: Point, values: dict[str, Tensor]) -> Row:
    row = PARAMETERIZATIONS[name].at(torch, at, **values)
    return Row(*(torch.as_tensor(x, dtype=at.alpha.dtype, device=at.alpha.device) for x in row))


def _singular(name: str, at: Point, values: dict[str, Tensor]) -> Tensor:
    """Where ``z`` and the prediction do not span the plane, or the row itself is infinite."""
    determinant = det(at, _row(name, at, values))
    singular: Tensor = (determinant == 0) | ~torch.isfinite(determinant)
    return singular


def _first(mask: Tensor, *xs: Tensor) -> list[float]:
    """The values of ``xs`` at the first true element."""
    *wide, where = broadcast(*xs, mask)
    return [x[where].flatten()[0].item() for x in wide]


def _survivors(mask: Tensor, at: Point, values: dict[str, Tensor]) -> str:
    """The parameterizations that do determine everything at the elements of ``mask``."""
    able = [name for name, p in PARAMETERIZATIONS.items() if all(need in values for need in p.needs)]
    able = [name for name in able if not (_singular(name, at, values) & mask).any()]
    return ", ".join(sorted(able)) or "none"


def require_determined(
    source: str, at: Point, values: dict[str, Tensor], goal: str, where: Tensor | None = None
) -> None:
    """An error if, somewhere (in ``where``), ``z`` and a prediction of ``source`` do not determine ``goal``."""
    bad = _singular(source, at, values)
    if where is not None:
        bad = bad & where
    if bad.any():
        alpha, sigma = _first(bad, at.alpha, at.sigma)
        raise SingularEndError(
            sentence(
                f"a source that determines {goal} at alpha = {alpha:g}, sigma = {sigma:g}",
                f"{source!r}, which says no more than z there",
                f"use a network of one of {_survivors(bad, at, values)}, or keep away from that end",
            )
        )


def require_exists(target: str, at: Point, values: dict[str, Tensor]) -> None:
    """An error if the row ``target`` is infinite somewhere: the score at ``sigma = 0``."""
    row = _row(target, at, values)
    bad = ~(torch.isfinite(row.p) & torch.isfinite(row.q))
    if bad.any():
        alpha, sigma = _first(bad, at.alpha, at.sigma)
        raise SingularEndError(
            sentence(
                f"a target that is finite at alpha = {alpha:g}, sigma = {sigma:g}",
                f"{target!r} = {PARAMETERIZATIONS[target].latex}",
                "ask for eps there, or keep away from that end",
            )
        )
