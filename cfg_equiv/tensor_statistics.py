"""The namespace of the guidance rules on tensors: the statistics they read, over chosen axes of every item.

The names are those of :data:`cfg_equiv.exact.rational.RATIONAL`, in the tensor's own dtype. Which of the statistics
that a rule may divide by came out zero is kept in :attr:`TensorStatistics.zeros`, for whoever has to say why a result
is not finite.
"""

from typing import Any

import torch
from torch import Tensor


def _pair(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two tensors of one dtype and device, one of which may come as a number."""
    like = a if isinstance(a, Tensor) else b
    x, y = (v if isinstance(v, Tensor) else torch.as_tensor(float(v), dtype=like.dtype) for v in (a, b))
    return x.to(like.device), y.to(like.device)


class TensorStatistics:
    """Statistics over ``axes`` (kept, with length one), and the elementwise functions."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes
        self.zeros: list[str] = []

    def _watched(self, name: str, value: Tensor) -> Tensor:
        if bool((value == 0).any()):
            self.zeros.append(name)
        return value

    log = staticmethod(torch.log)
    expm1 = staticmethod(torch.expm1)
    exp = staticmethod(torch.exp)
    cos = staticmethod(torch.cos)
    sign = staticmethod(torch.sign)

    def abs(self, x: Tensor) -> Tensor:
        """The absolute value."""
        return self._watched("absolute value", torch.abs(x))

    def sin(self, x: Tensor) -> Tensor:
        """The sine."""
        return self._watched("sine", torch.sin(x))

    def sqrt(self, x: Tensor) -> Tensor:
        """The root."""
        return self._watched("root", torch.sqrt(x))

    @staticmethod
    def acos(x: Tensor) -> Tensor:
        """The angle with this cosine, which rounding may have moved beyond 1."""
        return torch.acos(x.clamp(-1, 1))

    def sum(self, a: Tensor) -> Tensor:
        """The sum."""
        return a.sum(self.axes, keepdim=True)

    def mean(self, a: Tensor) -> Tensor:
        """The mean."""
        return a.mean(self.axes, keepdim=True)

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        """The inner product."""
        product = self.sum(a * b)
        return self._watched("norm", product) if a is b else product

    def norm(self, a: Tensor) -> Tensor:
        """The Euclidean norm."""
        norm: Tensor = torch.linalg.vector_norm(a, dim=self.axes, keepdim=True)
        return self._watched("norm", norm)

    def std(self, a: Tensor) -> Tensor:
        """The standard deviation, with Bessel's correction."""
        return self._watched("standard deviation", a.std(self.axes, keepdim=True))

    @staticmethod
    def minimum(a: Any, b: Any) -> Tensor:
        """The smaller of two, element by element."""
        return torch.minimum(*_pair(a, b))

    @staticmethod
    def maximum(a: Any, b: Any) -> Tensor:
        """The larger of two, element by element."""
        return torch.maximum(*_pair(a, b))

    @classmethod
    def clip(cls, a: Tensor, low: Any, high: Any) -> Tensor:
        """Element-wise clip."""
        return cls.maximum(cls.minimum(a, high), low)

    @staticmethod
    def greater_equal(a: Any, b: Any) -> Tensor:
        """The mask of ``a >= b`` as ones and zeros."""
        x, y = _pair(a, b)
        return (x >= y).to(x.dtype)

    def quantile(self, a: Tensor, q: Any) -> Tensor:
        """The quantile, interpolated linearly; half precision is ordered in single."""
        reduced = {axis % a.ndim for axis in self.axes}
        rest = [axis for axis in range(a.ndim) if axis not in reduced]
        wide = a if a.dtype in (torch.float32, torch.float64) else a.float()
        rows = wide.permute(*rest, *sorted(reduced)).reshape(*(a.shape[axis] for axis in rest), -1)
        found = torch.quantile(rows, float(q), dim=-1)
        shape = [1 if axis in reduced else a.shape[axis] for axis in range(a.ndim)]
        return self._watched("quantile", found.reshape(shape).to(a.dtype))
