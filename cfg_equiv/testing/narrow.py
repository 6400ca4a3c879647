"""Whether a subject rounds to a narrower format on the way: a loss that its own rounding bound would allow it."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

_ATEN = torch.ops.aten


class Narrowing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every cast; ``lost`` is the narrower dtype to which some value did not fit, or ``None``.

    With ``shape``, casts of tensors of that shape alone: tables and levels may be kept as they are.
    """

    def __init__(self, dtype: torch.dtype, shape: tuple[int, ...] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.shape = dtype, shape
        self.lost: torch.dtype | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operator; compare what a cast returns with what it was given."""
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in (_ATEN._to_copy, _ATEN.copy_):
            given = args[0] if func.overloadpacket is _ATEN._to_copy else args[1]
            if isinstance(given, Tensor) and self._narrower(result) and given.is_floating_point():
                with _disable_current_modes():
                    if not bool((result.double() == given.double()).all()):
                        self.lost = result.dtype
        return result

    def _narrower(self, x: Tensor) -> bool:
        if self.shape is not None and tuple(x.shape) != self.shape:
            return False
        return x.is_floating_point() and torch.finfo(x.dtype).eps > torch.finfo(self.dtype).eps
