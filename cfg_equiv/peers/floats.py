r"""Float results of released code against the exact value: draw the inputs, evaluate exactly, count, keep the worst.

The inputs are multiples of 1/8, exact in every dtype, and all elements of all tensors of one draw differ, so that no
two items of a batch are alike. The exact value is an interval around the formula on the exact inputs; the bound is that
of the released code's own operations. What cannot be bounded is an error here, not a pass.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.exact.intervals import enclosure, number
from cfg_equiv.rounding import BoundMode, assert_within

DECISION = "aten._local_scalar_dense.default"  # a tensor became a Python truth value
SHAPE = (2, 3, 2)  # two items, three channels, two positions


def draw(count: int, seed: int, dtype: torch.dtype = torch.float64, shape: Sequence[int] = SHAPE) -> list[Tensor]:
    """``count`` tensors without a value in common, multiples of 1/8 around zero."""
    size = count * torch.Size(shape).numel()
    generator = torch.Generator().manual_seed(seed)
    values = (torch.randperm(size, generator=generator) - size // 2).to(dtype) / 8
    return list(values.reshape(count, *shape).unbind())


def elementwise(formula: Callable[..., Any], *tensors: Tensor) -> list[Any]:
    """The formula on each element of the tensors as an interval, in the order of a flattened tensor."""
    columns = [[number(x) for x in tensor.flatten().tolist()] for tensor in tensors]
    return [formula(*row) for row in zip(*columns, strict=True)]


class Floats:
    """Counts the elements compared and keeps the largest share of a bound that a difference used."""

    def __init__(self) -> None:
        self.elements = 0
        self.worst = 0.0

    def check(self, what: str, mode: BoundMode, got: Tensor, exact: Sequence[Any], branches: bool = False) -> None:
        """``got`` is within its bound of ``exact``, element by element, and the bound says something.

        ``branches``: the released code decides by rounded numbers which way to go, and ``exact`` is the right way.
        """
        unruled = ", ".join(sorted(set(mode.unknown) - ({DECISION} if branches else set())))
        if unruled:
            raise AssertionError(f"{what}: the released code uses operations without a rounding rule: {unruled}")
        flat, bound = got.flatten(), mode.error(got).flatten()
        middles, radii = zip(*(enclosure(x) for x in exact), strict=True)
        # 60 digits down; doubled, so that no rounding of it or of the sum matters.
        bound = bound + torch.tensor([2 * float(radius) for radius in radii], dtype=torch.float64)
        try:
            vacuous = assert_within(flat, list(middles), bound)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        if vacuous:
            raise AssertionError(f"{what}: {vacuous} of {got.numel()} elements have no finite bound")
        self.elements += got.numel()
        for value, middle, limit in zip(flat.tolist(), middles, bound.tolist(), strict=True):
            if limit:
                self.worst = max(self.worst, float(abs(Fraction(value) - middle) / Fraction(limit)))

    def __str__(self) -> str:
        return f"{self.elements} elements within the bound, worst difference/bound {self.worst:.2g}"
