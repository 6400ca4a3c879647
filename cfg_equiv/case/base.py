r"""What the cases of one formula share: tensors built on access, and the formula in three arithmetics.

A pattern of as many numbers as the shape has elements is those elements. A shorter one is repeated over each batch
item, and item ``b`` is shifted by ``b/4``: whatever the pattern, no two items are equal.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.case.enclosed import ENCLOSED, Enclosed
from cfg_equiv.case.plain import Number, Pattern, Plain
from cfg_equiv.errors import MismatchError, sentence, unknown_name
from cfg_equiv.exact.intervals import enclosure, number
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.guidance import CONVENTIONS
from cfg_equiv.rounding import BOUNDED, Bounded

DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)
}
Level = tuple[Number, Number]
Lift = Callable[[Tensor], Any]


@dataclass(frozen=True, kw_only=True, repr=False)
class Case(Plain, ABC):
    """Two predictions of one parameterization at one latent, and a weight.

    ``conditional``, ``unconditional``, ``latent`` and ``weight`` are Python numbers; ``.cond``, ``.uncond``, ``.z`` and
    ``.w`` are the tensors of them.
    """

    source: str
    dtype: str
    shape: tuple[int, ...]
    weight: Number
    latent: Pattern
    conditional: Pattern
    unconditional: Pattern
    convention: str = "u+w(c-u)"
    sigma_data: Number = 0.5
    dalpha: Number = -0.75
    dsigma: Number = 1.25

    def __post_init__(self) -> None:
        super().__post_init__()
        for kind, name, known in (
            ("parameterization", self.source, PARAMETERIZATIONS),
            ("dtype", self.dtype, DTYPES),
            ("guidance convention", self.convention, CONVENTIONS),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)
        for name in self._patterns():
            count, size = len(getattr(self, name)), math.prod(self.shape)
            if not 1 <= count <= max(size, 1):
                came = f"{count} numbers in {name}"
                raise MismatchError(
                    sentence(f"1 to {size} numbers for shape {self.shape}", came, "shorten the pattern")
                )

    def _patterns(self) -> tuple[str, ...]:
        return "latent", "conditional", "unconditional"

    def tensor(self, pattern: Pattern) -> Tensor:
        """A pattern in the case's shape and dtype."""
        return pattern_tensor(pattern, self.shape, DTYPES[self.dtype])

    def scalar(self, value: Number) -> Tensor:
        """A number as a 0-dimensional tensor of the case's dtype."""
        return torch.tensor(float(Fraction(value)), dtype=torch.float64).to(DTYPES[self.dtype])

    @property
    def z(self) -> Tensor:
        """The latent."""
        return self.tensor(self.latent)

    @property
    def cond(self) -> Tensor:
        """The conditional prediction."""
        return self.tensor(self.conditional)

    @property
    def uncond(self) -> Tensor:
        """The unconditional prediction."""
        return self.tensor(self.unconditional)

    @property
    def w(self) -> Tensor:
        """The guidance weight, in the case's convention."""
        return self.scalar(self.weight)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """What the row of ``source`` needs beside the point."""
        return {name: self.scalar(getattr(self, name)) for name in PARAMETERIZATIONS[self.source].needs}

    @abstractmethod
    def evaluate(self, xp: Any, lift: Lift) -> Any:
        """The case's formula in a namespace; ``lift`` takes its tensors into that arithmetic."""

    @property
    @abstractmethod
    def rational(self) -> bool:
        """Whether the formula stays within the rationals: no root, and no power that is not whole."""

    def exact(self) -> Any:
        """What the formula takes at exactly these float inputs: Fractions, nested as the shape."""
        return _nested(list(exact_enclosure(self)[0]), self.shape)

    def bound(self) -> Tensor:
        """The running bound of the rounding errors of the shipped formula, element by element, in float64."""
        errors: Tensor = self.evaluate(BOUNDED, Bounded).err
        widths = exact_enclosure(self)[1]
        if not any(widths):
            return errors
        return torch.nextafter(errors + _upward(widths).reshape(self.shape), torch.tensor(math.inf).double())


def pattern_tensor(pattern: Pattern, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A pattern as a tensor: its elements, or repeated over each item and shifted from item to item."""
    size = math.prod(shape)
    values: Tensor = torch.tensor([float(Fraction(x)) for x in pattern], dtype=torch.float64)
    if len(pattern) != size:
        batch = shape[0]
        item = values.repeat(-(-size // (batch * len(pattern))))[: size // batch]
        values = item + torch.arange(batch, dtype=torch.float64).reshape(-1, 1) / 4
    return values.reshape(shape).to(dtype)


def rational(x: Tensor) -> Any:
    """A tensor as a Vector of Fractions, a 0-dimensional one as a Fraction."""
    values = [Fraction(value) for value in x.double().flatten().tolist()]
    return Vector(values) if x.ndim else values[0]


def enclosed(x: Tensor) -> Enclosed:
    """A tensor as intervals that are points."""
    return Enclosed(number(value) for value in x.double().flatten().tolist())


@lru_cache(maxsize=16)
def exact_enclosure(case: Case) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """The exact values and how far they may be off: by nothing, or by the radius of an enclosure."""
    if case.rational:
        values = case.evaluate(RATIONAL, rational)
        exact = tuple(values) if case.shape else (values,)
        return exact, (Fraction(0),) * len(exact)
    middles, radii = zip(*map(enclosure, case.evaluate(ENCLOSED, enclosed).items), strict=True)
    return middles, radii


def _upward(widths: tuple[Fraction, ...]) -> Tensor:
    return torch.tensor([math.nextafter(float(width), math.inf) for width in widths], dtype=torch.float64)


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    size = math.prod(shape[1:])
    return [_nested(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]
