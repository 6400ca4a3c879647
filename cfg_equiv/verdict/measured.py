r"""Torch code that we did not write, as a formula on enclosures: each result with the bound of its own roundings.

The code runs unmodified, in floats, under :class:`~cfg_equiv.rounding.BoundMode`. What comes back encloses the exact
result of the same operations on the exact inputs, so that two results which are :func:`apart` differ for certain. Where
an operation has no rounding rule, or a number leaves torch, the calibrated rerun takes the bound's place and the
enclosure is statistical; :attr:`Measured.reruns` counts that.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cfg_equiv.errors import MismatchError, sentence
from cfg_equiv.exact.interval_vectors import Enclosed
from cfg_equiv.exact.intervals import around, midpoint_and_radius
from cfg_equiv.exact.rational import Vector
from cfg_equiv.rounding.dispatch import BoundMode
from cfg_equiv.rounding.rerun import calibrated_spread
from cfg_equiv.testing.guard import guarded

LEAVES = frozenset({"numpy", "__array__", "tolist", "item", "__float__", "__int__", "apply_", "map_"})


class NoValueError(ArithmeticError):
    """The code raises, or gives NaN or an infinity, on these data."""


class Measured:
    """``function(cond, uncond, ..., w, **numbers)`` on tensors as a formula on vectors of enclosures.

    Attributes
    ----------
    shapes
        The shape of the tensors that stand for a vector, by its number of elements.
    reruns, calls
        How many results had to be judged by the calibrated rerun, of how many.
    """

    def __init__(
        self, function: Callable[..., Any], shapes: Mapping[int, Sequence[int]], dtype: torch.dtype = torch.float64
    ) -> None:
        self.function = function
        self.shapes = shapes
        self.dtype = dtype
        self.reruns = self.calls = 0

    def __call__(self, xp: Any, *branches: Vector, w: Any, z: Vector | None = None, **numbers: Any) -> Vector:
        """The enclosure of the result; ``w`` and the numbers reach the code as Python floats."""
        given = [*branches, *([] if z is None else [z])]
        shape = self.shapes[len(branches[0].items)]
        parts = [self._tensors(vector, shape) for vector in given]
        weight, named = _float(w), {name: _float(x) for name, x in numbers.items()}

        def run(*tensors: Tensor) -> Any:
            latent = {} if z is None else {"z": tensors[-1]}
            return self.function(*tensors[: len(branches)], weight, **named, **latent)

        self.calls += 1
        try:
            value, bound = self._bounded(run, parts)
        except Exception as error:  # whatever the code raises: it has no value here
            raise NoValueError(f"{type(error).__name__}: {error}") from error
        pairs = zip(value.flatten().tolist(), bound.flatten().tolist(), strict=True)
        return Vector(Enclosed(around(Fraction(v), Fraction(e))) for v, e in pairs)

    def _tensors(self, vector: Vector, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The numbers rounded to the dtype, and what that left out."""
        middles = [midpoint_and_radius((x if isinstance(x, Enclosed) else Enclosed(x)).interval)[0] for x in vector]
        exact = torch.tensor(middles, dtype=torch.float64).reshape(tuple(shape))
        high = exact.to(self.dtype)
        low = exact - high.double()
        # The double itself may be rounded, by half an ulp at most: any residue that is not zero says so.
        rounded = [_inexact(x, middle) for x, middle in zip(vector, middles, strict=True)]
        residue = torch.tensor(rounded, dtype=torch.float64).reshape(tuple(shape)) * torch.finfo(self.dtype).tiny
        return high, torch.where(low == 0, residue, low).to(self.dtype)

    def _bounded(self, run: Callable[..., Any], parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        with quiet(), _Watched() as mode, escapes() as left:
            # The sum rounds back to the first term, and the mode takes note of the rounding.
            result = required(run(*(high + low for high, low in parts)), parts[0][0])
        bound = mode.error(result)
        value = result.detach().double()
        if not bool(value.isfinite().all()):
            raise NoValueError("the result is NaN or infinite")
        if left or mode.unknown or not bool(bound.isfinite().all()):
            self.reruns += 1
            with quiet():
                spread = calibrated_spread(lambda nudge, *tensors: run(*tensors), [high for high, _ in parts])
            bound = spread.bound.reshape(bound.shape)
            if spread.vacuous:
                raise NoValueError("a change of one ulp of the inputs makes the result NaN or infinite")
        return value, bound


def _float(x: Any) -> float:
    return midpoint_and_radius(x.interval)[0]


def _inexact(x: Any, middle: float) -> float:
    """1 where the number is not the double that stands for it, else 0."""
    return 0.0 if x.interval == middle else 1.0


def required(result: Any, like: Tensor) -> Tensor:
    """The result if it is a tensor of floats of the predictions' shape."""
    if not isinstance(result, Tensor) or not result.is_floating_point():
        came = f"a {result.dtype} tensor" if isinstance(result, Tensor) else f"a {type(result).__name__}"
        raise MismatchError(sentence("the rule to give a tensor of floats", came, "return the guided prediction alone"))
    if result.shape != like.shape:
        came = f"shape {tuple(result.shape)} for predictions of shape {tuple(like.shape)}"
        raise MismatchError(sentence("the rule to keep the shape of cond", came, "reduce with keepdim=True"))
    return result


class _Watched(BoundMode):  # type: ignore[no-untyped-call]
    """The bound's own calls are none of the code's."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunction():
            return super().__torch_dispatch__(func, types, args, kwargs)


class _Escapes(TorchFunctionMode):
    """Notes calls by which numbers leave torch, where no rounding is followed."""

    def __init__(self, left: set[str]) -> None:
        super().__init__()
        self.left = left

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in LEAVES:
            self.left.add(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def escapes() -> Iterator[set[str]]:
    """The names of the calls by which numbers left torch inside."""
    left: set[str] = set()
    with _Escapes(left):
        yield left


@contextmanager
def quiet() -> Iterator[None]:
    """Around somebody's code: guarded, and what it warns of (a deviation of one element) is not shown."""
    with guarded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def answer_on(function: Callable[..., Any], tensors: Sequence[Tensor], w: float, z: Tensor | None = None) -> Tensor:
    """What the code gives on these data, guarded; what it raises is passed on."""
    latent = {} if z is None else {"z": z.clone()}
    with quiet():
        result = function(*(x.clone() for x in tensors), w, **latent)
    return required(result, tensors[0]).detach().clone()
