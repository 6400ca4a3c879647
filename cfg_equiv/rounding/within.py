"""The comparison every rounding check ends in: is each element within its own bound?"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor


def assert_within(got: Tensor, exact: Any, bound: Any) -> int:
    """Raise ``AssertionError`` unless ``|got - exact| <= bound`` in every element; name the worst one.

    Parameters
    ----------
    got
        What the code under test computed.
    exact
        A tensor (compared in float64), a number, or nested sequences of ``Fraction`` or numbers (compared exactly).
    bound
        A tensor of the same shape, or one number for all elements. An infinite or NaN bound says nothing.

    Returns
    -------
    int
        The number of vacuous elements, those with an infinite or NaN bound: nothing was checked there.
    """
    _require_shape(got, exact, "exact")
    limits = torch.as_tensor(bound, dtype=torch.float64).detach().cpu()
    if limits.ndim:
        _require_shape(got, limits, "bound")
    limits = limits.expand(got.shape)
    if bool((limits < 0).any()):
        raise ValueError(f"expected bounds >= 0, got {limits.min().item()!r}; pass an absolute error bound")
    vacuous = ~limits.isfinite()
    flat = zip(_flat(got), _flat(exact), limits.reshape(-1).tolist(), vacuous.reshape(-1).tolist(), strict=True)
    if isinstance(exact, Tensor):
        # subtraction rounds monotonically: a difference within a float64 bound stays within it
        distance = (got.detach().cpu().double() - exact.detach().cpu().double()).abs()
        if bool(((distance <= limits) | vacuous).all()):
            return int(vacuous.sum())
    outside = [
        (_ratio(g, e, b), index, g, e, b) for index, (g, e, b, skip) in enumerate(flat) if not skip and _off(g, e, b)
    ]
    if outside:
        ratio, index, g, e, b = max(outside, key=lambda item: (math.isnan(item[0]), item[0]))
        raise AssertionError(_message(ratio, _unravel(index, got.shape), g, e, b, len(outside), got.numel()))
    return int(vacuous.sum())


def _off(got: float, exact: Any, bound: float) -> bool:
    if not (math.isfinite(got) and _finite(exact)):
        return True
    return abs(Fraction(got) - Fraction(exact)) > Fraction(bound)


def _ratio(got: float, exact: Any, bound: float) -> float:
    if not (math.isfinite(got) and _finite(exact)):
        return math.nan
    if bound == 0:
        return math.inf
    ratio = abs(Fraction(got) - Fraction(exact)) / Fraction(bound)
    return float(ratio) if ratio < 2**1000 else math.inf


def _finite(value: Any) -> bool:
    return isinstance(value, (int, Fraction)) or math.isfinite(value)


def _message(ratio: float, index: tuple[int, ...], got: float, exact: Any, bound: float, n: int, total: int) -> str:
    place = f"at index {index}: got {got!r}, exact {_show(exact)}"
    count = f"{n} of {total} elements"
    if math.isnan(ratio):
        what = "the result" if not math.isfinite(got) else "the reference"
        return f"{what} is not finite {place}, bound {bound!r}; {count} are outside their bound"
    difference = abs(Fraction(got) - Fraction(exact))
    return (
        f"outside the rounding bound {place}, |difference| {_show(difference)} > bound {bound!r} "
        f"(ratio {ratio:.4g}); {count} are outside"
    )


def _show(value: Any) -> str:
    if not isinstance(value, Fraction):
        return repr(value)
    short = str(value)
    if len(short) <= 24:
        return short if value.denominator == 1 else f"{short} = {float(value):.17g}"
    return f"{float(value):.17g}"


def _require_shape(got: Tensor, other: Any, name: str) -> None:
    shape = _shape(other)
    if tuple(got.shape) != shape:
        raise AssertionError(
            f"expected got and {name} of one shape, got {tuple(got.shape)} and {shape}; broadcast before comparing"
        )


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if not isinstance(value, Sequence):
        return ()
    inner = {_shape(item) for item in value}
    if len(inner) > 1:
        raise AssertionError(f"expected a rectangular nested sequence, got rows of shapes {sorted(inner)}")
    return (len(value), *(inner.pop() if inner else ()))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Tensor):
        yield from value.detach().cpu().double().reshape(-1).tolist()
    elif isinstance(value, Sequence):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _unravel(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    place: list[int] = []
    for size in reversed(shape):
        index, rest = divmod(index, size)
        place.insert(0, rest)
    return tuple(place)
