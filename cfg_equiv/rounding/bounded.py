r"""Tensors that carry a running bound of their own rounding error.

``Bounded(value, err)`` runs through any formula of :mod:`cfg_equiv.algebra`. ``value`` is what plain torch computes,
bit for bit; ``err`` is a float64 upper bound of the distance to the exact real result of the same formula on the exact
inputs. After each operation

.. math:: e \leftarrow \bigl(\text{propagated errors of the operands} + \max(u|v|, \eta)\bigr)(1 + 2^{-30})

A Python number is exact when the format holds it: torch rounds it to the format in a sum, and in a product or quotient
to the op-math format. Scaling by 0, 1 or -1, by powers of two and adding zero do not round.
``1 / x`` is torch's ``reciprocal``, and ``n / x`` its product with ``n``: one rounding more.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error analysis).
"""

from typing import Any

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import LIBM_UNITS, SQRT_UNITS, Format, format_of, self_check
from cfg_equiv.rounding.propagate import Num, finish, rounded, scalar


class Bounded:
    """A tensor and a bound of its error; see the module's docstring."""

    __slots__ = ("err", "format", "value")

    def __init__(self, value: Tensor, err: Tensor | None = None) -> None:
        self_check()
        self.format: Format = format_of(value.dtype)
        if err is None:
            err = torch.zeros(value.shape, dtype=torch.float64, device=value.device)
        if err.dtype != torch.float64:
            raise ValueError(f"expected the error bound in float64, got {err.dtype}; convert it with err.double()")
        if err.shape != value.shape:
            raise ValueError(
                f"expected value and err of one shape, got {tuple(value.shape)} and {tuple(err.shape)}; "
                "expand err first"
            )
        self.value = value
        self.err = torch.where(value.isfinite() & ~err.isnan(), err, propagate.INF)

    @property
    def num(self) -> Num:
        """The float64 operand of the propagation rules."""
        return Num(self.value.double(), self.err)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the value."""
        return self.value.dtype

    @property
    def shape(self) -> torch.Size:
        """The shape of the value."""
        return self.value.shape

    def __repr__(self) -> str:
        return f"Bounded({self.value!r}, err={self.err!r})"

    def __neg__(self) -> "Bounded":
        return Bounded(-self.value, self.err)

    def __add__(self, other: Any) -> "Bounded":
        b = self._operand(other)
        return NotImplemented if b is None else self._sum(b, torch.add, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Bounded":
        b = self._operand(other)
        return NotImplemented if b is None else self._sum(b, torch.sub, other)

    def __rsub__(self, other: Any) -> "Bounded":
        b = self._operand(other)
        return NotImplemented if b is None else self._sum(b, torch.rsub, other)

    def __mul__(self, other: Any) -> "Bounded":
        b = self._operand(other, op_math=True)
        if b is None:
            return NotImplemented
        value = self.value * _raw(other)
        a, v = self.num, value.double()
        return self._new(value, propagate.mul(a, b), propagate.mul_rounding(a, b, v, self.format), other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Bounded":
        b = self._operand(other, op_math=True)
        if b is None:
            return NotImplemented
        return self._quotient(self.num, b, self.value / _raw(other), other)

    def __rtruediv__(self, other: Any) -> "Bounded":
        if isinstance(other, (int, float)):  # as torch does it: the reciprocal, then a product
            one = scalar(1, self.format, self.value)
            return Bounded.__mul__(self._quotient(one, self.num, self.value.reciprocal(), 1), other)
        a = self._operand(other)
        if a is None:
            return NotImplemented
        return self._quotient(a, self.num, _raw(other) / self.value, other)

    def _sum(self, b: Num, operation: Any, other: Any) -> "Bounded":
        value = operation(self.value, _raw(other))
        a, v = self.num, value.double()
        return self._new(value, a.e + b.e, propagate.add_rounding(a, b, v, self.format), other)

    def _quotient(self, a: Num, b: Num, value: Tensor, other: Any) -> "Bounded":
        v = value.double()
        local = propagate.div_rounding(a, b, v, self.format)
        return self._new(value, propagate.div(a, b, v, self.format), local, other)

    def _operand(self, other: Any, op_math: bool = False) -> Num | None:
        if isinstance(other, (int, float)):
            return scalar(other, self.format.op_math if op_math else self.format, self.value)
        if isinstance(other, (Bounded, Tensor)):
            if other.dtype != self.dtype:
                raise ValueError(
                    f"expected operands of one dtype, got {self.dtype} and {other.dtype}; convert one of them first"
                )
            if isinstance(other, Bounded):
                return other.num
            return Num(other.double(), torch.zeros((), dtype=torch.float64, device=other.device))
        return None

    def _new(self, value: Tensor, propagated: Tensor, local: Tensor, other: Any) -> "Bounded":
        if isinstance(other, (int, float)) and self.format.op != self.format.name:
            # a scalar that the format does not hold makes the rounding to op-math visible
            local = torch.where(local > 0, local + rounded(value.double(), self.format.op_math), local)
        return Bounded(value, finish((propagated + local).expand(value.shape), value))


def _raw(other: Any) -> Any:
    return other.value if isinstance(other, Bounded) else other


class BOUNDED:
    """The namespace ``xp`` for :class:`Bounded`: what the formulas of ``cfg_equiv.algebra`` call."""

    @staticmethod
    def sqrt(a: Bounded) -> Bounded:
        """Square root, within :data:`SQRT_UNITS` roundings."""
        return _function(torch.sqrt, propagate.sqrt, SQRT_UNITS, a)

    @staticmethod
    def log(a: Bounded) -> Bounded:
        """Natural logarithm, within :data:`LIBM_UNITS` roundings."""
        return _function(torch.log, propagate.log, LIBM_UNITS, a)

    @staticmethod
    def expm1(a: Bounded) -> Bounded:
        r""":math:`e^a - 1`, within :data:`LIBM_UNITS` roundings."""
        return _function(torch.expm1, propagate.exp, LIBM_UNITS, a)


def _function(function: Any, propagated: Any, units: int, a: Bounded) -> Bounded:
    if not isinstance(a, Bounded):
        raise TypeError(f"expected a Bounded, got {type(a).__name__}; wrap the tensor as Bounded(tensor)")
    value = function(a.value)
    local = torch.where(value == 0, 0.0, rounded(value.double(), a.format, units))
    return Bounded(value, finish(propagated(a.num) + local, value))
