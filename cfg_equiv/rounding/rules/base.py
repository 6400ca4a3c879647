"""What a rule is given and what it returns: the interface between the dispatch mode and its rules."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import Format
from cfg_equiv.rounding.propagate import Num


class Unknown(Exception):
    """Raised by a rule for a variant of its operator that it does not cover."""


class Call(Protocol):
    """One operator call, as a rule sees it: arguments by name, operands before the call, the result."""

    func: Any
    given: dict[str, Any]
    exact: bool
    result: Any

    @property
    def out(self) -> Tensor:
        """The (first) result."""

    @property
    def v(self) -> Tensor:
        """The (first) result in float64."""

    @property
    def format(self) -> Format | None:
        """The format the kernel computes in; ``None`` for integers."""

    @property
    def out_format(self) -> Format | None:
        """The format of the result; ``None`` for integers."""

    def num(self, name: str, op_math: bool = False) -> Num:
        """An argument as the kernel uses it, its conversion to the computing format included."""

    def raw(self, t: Tensor) -> Num:
        """A tensor's value and error before the call."""

    def errors(self, t: Tensor) -> Tensor:
        """A tensor's error before the call, in its shape."""


Errors = Tensor | float
Rule = Callable[[Any], Errors | tuple[Errors, ...]]


def rounding(call: Call, v: Tensor, units: float = 1) -> Tensor:
    """``units`` roundings in the computing format, the one to op-math, and the one to a narrower result."""
    f, out = call.format, call.out_format
    if f is None:
        return torch.zeros_like(v)
    local = propagate.rounded(v, f, units)
    if f.op != f.name:
        local = local + propagate.rounded(v, f.op_math)
    return local + narrowing(call, v) if out != f else local


def narrowing(call: Call, v: Tensor) -> Tensor:
    """The rounding from the computing format to the result's."""
    f, out = call.format, call.out_format
    if f is None or out is None or f == out:
        return torch.zeros_like(v)
    return propagate.rounded(v, out)


def with_op_math(call: Call, local: Tensor, v: Tensor) -> Tensor:
    """Where an operation rounds at all, a half also rounds to op-math first, and a narrower result once more."""
    f = call.format
    if f is not None and f.op != f.name:
        local = torch.where(local > 0, local + propagate.rounded(v, f.op_math), local)
    return local + narrowing(call, v)
