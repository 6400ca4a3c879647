"""Rules of sums, products, quotients and their fused forms."""

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import Format
from cfg_equiv.rounding.propagate import Num, finish
from cfg_equiv.rounding.rules.base import Call, Rule, Unknown, rounding, with_op_math


def _weighted_sum(call: Call, first: str, second: str) -> Tensor:
    """``first +- alpha * second``: a scalar alpha other than one is a product more, fused or not."""
    a, b = call.num(first), call.num(second)
    if call.given.get("alpha", 1) != 1:
        b = _product(call, call.num("alpha"), b)
    if call.format is None:
        return a.e + b.e
    return a.e + b.e + with_op_math(call, propagate.add_rounding(a, b, call.v, call.format), call.v)


def _product(call: Call, a: Num, b: Num) -> Num:
    """An intermediate product, rounded in the computing format."""
    x = a.x * b.x
    return Num(x, finish(propagate.mul(a, b) + rounding(call, x, 2), x))


def _plus(call: Call, a: Num, b: Num, sign: int = 1) -> Num:
    """An intermediate sum, rounded in the computing format."""
    x = a.x + sign * b.x
    return Num(x, finish(a.e + b.e + rounding(call, x.abs() + a.e + b.e), x))


def add(call: Call) -> Tensor:
    """Sums and differences."""
    return _weighted_sum(call, "self", "other")


def rsub(call: Call) -> Tensor:
    """``other - alpha * self``."""
    return _weighted_sum(call, "other", "self")


def mul(call: Call) -> Tensor:
    """Products."""
    a, b = call.num("self"), call.num("other", op_math=True)
    if call.format is None:
        return propagate.mul(a, b)
    return propagate.mul(a, b) + with_op_math(call, propagate.mul_rounding(a, b, call.v, call.format), call.v)


def div(call: Call) -> Tensor:
    """Quotients; rounding modes are not covered."""
    if call.given.get("rounding_mode") is not None or call.format is None:
        raise Unknown
    a, b = call.num("self"), call.num("other", op_math=True)
    local = propagate.div_rounding(a, b, call.v, call.format)
    return propagate.div(a, b, call.v, _coarsest(call)) + with_op_math(call, local, call.v)


def _coarsest(call: Call) -> Format:
    f, out = call.format, call.out_format
    if f is None or out is None:
        raise Unknown
    return max(f, out, key=lambda g: g.u)


def reciprocal(call: Call) -> Tensor:
    """``1 / self``."""
    b = call.num("self")
    return propagate.reciprocal(b, call.v, _coarsest(call)) + rounding(call, call.v)


def addcmul(call: Call) -> Tensor:
    """``self + value * tensor1 * tensor2``, in any order, fused or not."""
    product = _product(call, _product(call, call.num("tensor1"), call.num("tensor2")), call.num("value", op_math=True))
    a = call.num("self")
    return a.e + product.e + rounding(call, call.v)


def addcdiv(call: Call) -> Tensor:
    """``self + value * (tensor1 / tensor2)``, in either order."""
    a, b = _product(call, call.num("tensor1"), call.num("value", op_math=True)), call.num("tensor2")
    x = a.x / b.x
    e = propagate.div(a, b, x, _coarsest(call)) + rounding(call, x, 2)
    return call.num("self").e + e + rounding(call, call.v)


def lerp(call: Call) -> Tensor:
    """``start + weight * (end - start)``, or from the other end where ``weight >= 1/2``: the larger of the bounds."""
    a, b, w = call.num("self"), call.num("end"), call.num("weight", op_math=True)
    difference = _plus(call, b, a, -1)
    forward = a.e + _product(call, w, difference).e
    one = Num(torch.ones_like(w.x), torch.zeros_like(w.x))
    backward = b.e + _product(call, _plus(call, one, w, -1), difference).e
    return torch.maximum(forward, backward) + rounding(call, call.v)


RULES: dict[str, Rule] = {
    "add": add,
    "sub": add,
    "rsub": rsub,
    "mul": mul,
    "div": div,
    "reciprocal": reciprocal,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
}
