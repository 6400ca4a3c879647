"""Rules of operators that move numbers, convert them or make new ones."""

from typing import Any

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import FORMATS, format_of
from cfg_equiv.rounding.rules.base import Call, Errors, Rule, Unknown


def move(call: Call) -> Errors | tuple[Errors, ...]:
    """The same movement, done with the errors; a constant moved in brings the error of its own rounding."""
    given = {name: value for name, value in call.given.items() if name != "memory_format"}
    if isinstance(given.get("value"), (int, float)):
        given["value"] = 0.0 if call.out_format is None else _constant(call, given["value"]).item()
    if call.exact and not given.get("value"):
        return 0.0
    if not call.out.dtype.is_floating_point:
        raise Unknown
    result: Tensor = call.func(**{name: _errors(call, value) for name, value in given.items()})
    return result


def _errors(call: Call, value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.dtype.is_floating_point:
            return call.errors(value).clone()
        if bool((call.errors(value) > 0).any()):  # an index or a mask in doubt
            raise Unknown
        return value
    if isinstance(value, (list, tuple)):
        return [_errors(call, item) for item in value]
    return value


def _constant(call: Call, value: float) -> Tensor:
    f = call.out_format
    return call.v.new_zeros(()) if f is None else propagate.scalar(value, f, call.out).e


def convert(call: Call) -> Tensor:
    """A change of dtype: exact where the number survives, else one rounding; to integers, a step."""
    source = call.given["src"] if "src" in call.given else call.given["self"]
    a, v = call.raw(source), call.v
    a = propagate.Num(a.x.expand(v.shape), a.e.expand(v.shape))
    if call.out.dtype.is_floating_point:
        return a.e + torch.where(a.x == v, 0.0, propagate.rounded(v, format_of(call.out.dtype)))
    if call.out.dtype == torch.bool:
        return torch.where((a.e > 0) & (a.x.abs() <= a.e), propagate.INF, 0.0)
    if not source.dtype.is_floating_point:
        return a.e
    low, high = ((a.x + s * a.e * propagate.SLACK).trunc() for s in (-1, 1))
    return torch.where((a.e == 0) | (low == high), 0.0, a.e + 1)


def fill(call: Call) -> Errors:
    """A constant: its rounding to the format."""
    value = call.given.get("value", call.given.get("fill_value", call.given.get("s")))
    if isinstance(value, Tensor):
        return call.num("value").e
    if not isinstance(value, (bool, int, float)):
        raise Unknown
    return _constant(call, value)


def exact(call: Call) -> float:
    """Zeros, ones, uninitialised or random numbers: whatever was stored is the input."""
    return 0.0


def spaced(call: Call) -> Tensor | float:
    """``arange`` and ``linspace``: compared with the same progression in float64, and that one's own rounding."""
    if call.out_format is None:
        return 0.0
    start, end = call.given.get("start", 0), call.given["end"]
    n = call.out.numel()
    i = torch.arange(n, dtype=torch.float64, device=call.out.device)
    last = max(n - 1, 1)
    step = call.given.get("step", 1) if "steps" not in call.given else (end - start) / last
    ideal = start + i * step
    size = abs(start) + i * abs(step) + (abs(end) if "steps" in call.given else 0)
    bound: Tensor = (call.v - ideal).abs() + 8 * FORMATS["float64"].u * size
    return bound


RULES: dict[str, Rule] = {
    **{
        name: move
        for name in (
            *("cat", "stack", "clone", "index", "index_select", "gather", "take", "flip", "roll", "repeat"),
            *("constant_pad_nd", "tril", "triu", "masked_select", "select_scatter", "slice_scatter", "scatter"),
            *("index_put", "index_copy", "masked_scatter"),
            *("pixel_shuffle", "pixel_unshuffle", "view_copy", "expand_copy", "permute_copy", "contiguous"),
        )
    },
    "_to_copy": convert,
    "copy": convert,
    "full": fill,
    "full_like": fill,
    "new_full": fill,
    "fill": fill,
    "scalar_tensor": fill,
    **{
        name: exact
        for name in (
            *(
                "zeros",
                "ones",
                "zeros_like",
                "ones_like",
                "new_zeros",
                "new_ones",
                "zero",
                "eye",
                "empty",
                "empty_like",
            ),
            *("new_empty", "new_empty_strided", "empty_strided", "rand", "rand_like", "randn", "randn_like"),
            *("randint", "randint_like", "randperm", "uniform", "random", "isnan", "isinf", "isfinite"),
        )
    },
    "arange": spaced,
    "linspace": spaced,
}
