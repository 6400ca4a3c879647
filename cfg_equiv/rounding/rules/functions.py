"""Rules of elementwise functions: smooth ones, selections, comparisons and steps."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import LIBM_UNITS, SQRT_UNITS
from cfg_equiv.rounding.propagate import INF, Num
from cfg_equiv.rounding.rules.base import Call, Rule, Unknown, rounding


def _smooth(propagated: Callable[[Num], Tensor], units: int = LIBM_UNITS) -> Rule:
    def rule(call: Call) -> Tensor:
        return propagated(call.num("self")) + rounding(call, call.v, units)

    return rule


def _bounded(constant: float, oscillation: float) -> Rule:
    return _smooth(lambda a: propagate.lipschitz(a, constant, oscillation))


def power(call: Call) -> Tensor:
    """A tensor to a Python power."""
    n, f = call.given.get("exponent"), call.out_format
    if not isinstance(n, (int, float)) or f is None:
        raise Unknown
    units = _POWERS.get(n, LIBM_UNITS)
    return propagate.power(call.num("self"), n, call.v, f) + rounding(call, call.v, units)


# powers that torch computes as products, reciprocals and roots
_POWERS: dict[float, int] = {2: 1, 3: 2, -1: 1, -2: 2, 0.5: SQRT_UNITS}


def keep(call: Call) -> Tensor:
    """Negation and absolute value: no rounding, the error stays."""
    return call.num("self").e


def clamp(call: Call) -> Tensor:
    """Clamping moves no two numbers further apart, and the limits carry their own error."""
    e = call.num("self").e
    for name in ("min", "max"):
        if call.given.get(name) is not None:
            e = torch.maximum(e, call.num(name).e)
    return e


def larger_error(call: Call) -> Tensor:
    """Elementwise maximum and minimum."""
    return torch.maximum(call.num("self").e, call.num("other").e)


def where(call: Call) -> Tensor:
    """The chosen operand's error; where the condition itself is uncertain, it could have been the other one."""
    condition = call.given["condition"]
    doubt = call.errors(condition) > 0
    a, b = call.num("self"), call.num("other")
    chosen = torch.where(condition, a.e, b.e)
    return torch.where(doubt, (a.x - b.x).abs() + torch.maximum(a.e, b.e), chosen)


def masked_fill(call: Call) -> Tensor:
    """``where(mask, value, self)``."""
    mask = call.given["mask"]
    a, b = call.num("value"), call.num("self")
    chosen = torch.where(mask, a.e, b.e)
    return torch.where(call.errors(mask) > 0, (a.x - b.x).abs() + torch.maximum(a.e, b.e), chosen)


def compare(call: Call) -> Tensor:
    """A comparison is in doubt, its error infinite, where the operands' errors reach each other."""
    a, b = call.num("self"), call.num("other")
    e = a.e + b.e
    return torch.where((e > 0) & ((a.x - b.x).abs() <= e * propagate.SLACK), INF, 0.0)


def logical(call: Call) -> Tensor:
    """Truth values from truth values in doubt are in doubt."""
    return torch.full((), 0.0 if call.exact else INF, dtype=torch.float64)


def step(function: Callable[[Tensor], Tensor], height: float) -> Rule:
    """A staircase: exact where the whole interval lies on one step, else off by what the interval spans."""

    def rule(call: Call) -> Tensor:
        a = call.num("self")
        same = function(a.x - a.e * propagate.SLACK) == function(a.x + a.e * propagate.SLACK)
        return torch.where((a.e == 0) | same, 0.0, a.e * (0.0 if height == 2 else 1.0) + height)

    return rule


RULES: dict[str, Rule] = {
    "sqrt": _smooth(propagate.sqrt, SQRT_UNITS),
    "rsqrt": _smooth(lambda a: propagate.reciprocal_sqrt(a)),
    "exp": _smooth(propagate.exp),
    "expm1": _smooth(propagate.exp),
    "log": _smooth(propagate.log),
    "log1p": _smooth(propagate.log1p),
    "log2": _smooth(lambda a: propagate.log(a) / math.log(2)),
    "log10": _smooth(lambda a: propagate.log(a) / math.log(10)),
    "sin": _bounded(1, 2),
    "cos": _bounded(1, 2),
    "tanh": _bounded(1, 2),
    "sigmoid": _bounded(0.25, 1),
    "atan": _bounded(1, 4),
    "pow": power,
    "neg": keep,
    "abs": keep,
    "relu": keep,
    "clamp": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "maximum": larger_error,
    "minimum": larger_error,
    "where": where,
    "masked_fill": masked_fill,
    **{name: compare for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: logical for name in ("logical_and", "logical_or", "logical_xor", "logical_not", "any", "all")},
    **{name: logical for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")},
    "sign": step(torch.sign, 2),
    "floor": step(torch.floor, 1),
    "ceil": step(torch.ceil, 1),
    "trunc": step(torch.trunc, 1),
}
