r"""The noise a sampler draws, replaced: its end is then a known function of numbers that we choose.

:class:`Injected` sees every normal draw below autograd (``torch.randn``, ``randn_like``, ``normal_`` and their like,
with a generator or without) and puts other numbers in its place. Draws are told apart by the state of their generator:
two draws from one state are the same noise, as a Brownian tree that looks an interval up again needs, and as a
generator that is seeded anew in every step gives by mistake. The generator itself moves on as it would have.

Noise from elsewhere (NumPy, a table) and draws that are not normal are not replaced; the latter are counted.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
_UNIT = (_ATEN.randn, _ATEN.randn_like)
_SCALED = (_ATEN.normal_, _ATEN.normal, _ATEN.normal_functional)
_OTHER = (
    _ATEN.rand,
    _ATEN.rand_like,
    _ATEN.uniform_,
    _ATEN.bernoulli,
    _ATEN.bernoulli_,
    _ATEN.exponential_,
    _ATEN.multinomial,
)
Draw = Callable[[int, torch.Size], Tensor]


def no_noise(index: int, shape: torch.Size) -> Tensor:
    """Zero for every draw."""
    return torch.zeros(shape, dtype=torch.float64)


class Injected(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """``with Injected(draw) as mode``: the k-th distinct draw, counted from 0, is ``draw(k, shape)``.

    Attributes
    ----------
    shapes
        The shapes of the distinct draws, in order.
    strange
        How many draws were not normal.
    """

    def __init__(self, draw: Draw = no_noise) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draw = draw
        self.shapes: list[torch.Size] = []
        self.strange = 0
        self._known: dict[tuple[bytes, torch.Size], int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operator; what a normal draw returned is overwritten."""
        kwargs = kwargs or {}
        packet = func.overloadpacket
        self.strange += packet in _OTHER
        if packet not in _UNIT and packet not in _SCALED:
            return func(*args, **kwargs)
        given = kwargs.get("generator") or next((x for x in args if isinstance(x, torch.Generator)), None)
        state = (given or torch.default_generator).get_state().numpy().tobytes()
        result = func(*args, **kwargs)
        index = self._known.setdefault((state, result.shape), len(self._known))
        if index == len(self.shapes):
            self.shapes.append(result.shape)
        noise = self.draw(index, result.shape).to(result)
        if packet in _SCALED:
            mean, std = _moments(func, args, kwargs)
            noise = mean + std * noise
        return result.copy_(noise)


def _moments(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """The mean and the standard deviation that a call of ``normal`` asks for."""
    declared = func._schema.arguments
    named = {a.name: a.default_value for a in declared if a.has_default_value()}
    named |= {a.name: value for a, value in zip(declared, args, strict=False)} | kwargs
    return named["mean"], named["std"]
