r"""Rules of reductions.

A sum of n terms in any order is off by at most :math:`(n-1)\,u\sum|a_i|` [JR13]. The variance is granted twice the
bound of the textbook formula, :math:`(n+4)\,u\sum a_i^2/(n-c)`, which covers two passes and Welford's updates as well
[CGL83]. Norms and the standard deviation are seminorms: :math:`|\,\|a\|-\|A\|\,|\le\|a-A\|`.

References
----------
[JR13] Jeannerod, Rump, Improved Error Bounds for Inner Products, SIAM J. Matrix Anal. Appl. 34(2).
[CGL83] Chan, Golub, LeVeque, Algorithms for Computing the Sample Variance, The American Statistician 37(3), table 1.
"""

import torch
from torch import Tensor

from cfg_equiv.rounding import propagate
from cfg_equiv.rounding.constants import FORMATS, Format
from cfg_equiv.rounding.propagate import INF, Num, finish
from cfg_equiv.rounding.rules.base import Call, Errors, Rule, Unknown, rounding


def _dims(call: Call, x: Tensor) -> tuple[list[int], bool]:
    dim = call.given.get("dim")
    listed = [] if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return listed or list(range(x.ndim)), bool(call.given.get("keepdim", False))


def _count(x: Tensor, dims: list[int]) -> int:
    n = 1
    for d in dims:
        n *= x.shape[d] if x.ndim else 1
    return n


def _operand(call: Call) -> tuple[Num, list[int], bool, int]:
    t = call.given["self"]
    a = Num(call.raw(t).x, call.errors(t))
    if t.dtype != call.out.dtype and call.given.get("dtype") is not None and t.dtype.is_floating_point:
        converted = a.x.to(call.out.dtype).double()
        a = Num(a.x, a.e + (converted - a.x).abs())
    dims, keepdim = _dims(call, a.x)
    return a, dims, keepdim, _count(a.x, dims)


def _total(x: Tensor, dims: list[int], keepdim: bool) -> Tensor:
    return x.sum(dims, keepdim=keepdim) if x.ndim else x


def _accumulator(call: Call) -> Format:
    f = call.out_format
    return FORMATS["float64"] if f is None else f.op_math


def sum_(call: Call) -> Tensor:
    """Sums, accumulated in op-math."""
    a, dims, keepdim, n = _operand(call)
    propagated = _total(a.e, dims, keepdim)
    if call.out_format is None:
        return propagated
    size = _total(a.x.abs(), dims, keepdim)
    return propagated + (n - 1) * _accumulator(call).u * size + _final(call)


def _final(call: Call) -> Tensor:
    """The rounding from the accumulator to the result."""
    f = call.out_format
    if f is None or f.op == f.name:
        return torch.zeros_like(call.v)
    return propagate.rounded(call.v, f)


def mean(call: Call) -> Tensor:
    """The sum, rounded to the result's format, and its division by the count."""
    a, dims, keepdim, n = _operand(call)
    if call.out_format is None or n == 0:
        raise Unknown
    size = _total(a.x.abs(), dims, keepdim) / n
    return _total(a.e, dims, keepdim) / n + (n - 1) * _accumulator(call).u * size + rounding(call, call.v, 3)


def _deviation(call: Call, v: Tensor) -> tuple[Tensor, Tensor]:
    """The error of the standard deviation ``v`` that the operand's errors cause, and the rounding of its square."""
    a, dims, keepdim, n = _operand(call)
    correction = call.given.get("correction", 1 if call.given.get("unbiased", True) else 0)
    free = n - (1 if correction is None else correction)
    if free <= 0:
        return torch.full_like(v, INF), torch.full_like(v, INF)
    f = _accumulator(call)
    propagated = (_total(a.e * a.e, dims, keepdim) / free).sqrt()
    squares = _total(a.x * a.x, dims, keepdim)
    return propagated, 2 * ((n + 4) * f.u * squares + n * f.eta) / free


def std(call: Call) -> Tensor:
    """Standard deviations."""
    v = call.v
    propagated, square = _deviation(call, v)
    local = propagate.sqrt(Num(v * v, finish(square + rounding(call, v * v, 4), v)))
    bound: Tensor = propagated + local + rounding(call, v, 2)
    return bound


def var(call: Call) -> Tensor:
    """Variances."""
    v = call.v
    propagated, square = _deviation(call, v)
    deviation = (v + square).sqrt()
    return propagated * (2 * deviation + propagated) + square + rounding(call, v, 1)


def norm(call: Call) -> Tensor:
    """Vector norms of order 1, 2 and infinity."""
    a, dims, keepdim, n = _operand(call)
    order = call.given.get("ord", call.given.get("p", 2))
    f, v = _accumulator(call), call.v
    if order is None or float(order) == 2:
        local = (n + 4) * f.u * v + (n * f.eta) ** 0.5 + rounding(call, v, 2)
        bound: Tensor = _total(a.e * a.e, dims, keepdim).sqrt() + local
        return bound
    if float(order) == 1:
        return _total(a.e, dims, keepdim) + n * f.u * v + _final(call)
    if float(order) == INF:
        return a.e.amax(dims, keepdim=keepdim)
    raise Unknown


def extreme(call: Call) -> Errors | tuple[Errors, ...]:
    """The largest or smallest element is off by no more than the worst of them; its index may be another one."""
    t = call.given["self"]
    if isinstance(call.given.get("other"), Tensor):
        return torch.maximum(call.errors(t), call.errors(call.given["other"]))
    dims, keepdim = _dims(call, t)
    e = call.errors(t).amax(dims, keepdim=keepdim) if t.ndim else call.errors(t)
    if isinstance(call.result, (tuple, list)):
        return e, torch.where(e > 0, INF, 0.0)
    return e


def cumsum(call: Call) -> Tensor:
    """Running sums."""
    t, dim = call.given["self"], call.given["dim"]
    if t.ndim == 0 or call.out_format is None:
        raise Unknown
    a = Num(call.raw(t).x, call.errors(t))
    grown = t.shape[dim] * _accumulator(call).u * a.x.abs().cumsum(dim)
    bound: Tensor = a.e.cumsum(dim) + grown + rounding(call, call.v)
    return bound


def cumprod(call: Call) -> Tensor:
    r"""Running products: :math:`\prod(|a_i|+e_i) - \prod|a_i|`, and a rounding for each factor."""
    t, dim = call.given["self"], call.given["dim"]
    if t.ndim == 0 or call.out_format is None:
        raise Unknown
    a = Num(call.raw(t).x, call.errors(t))
    n, f = t.shape[dim], _accumulator(call)
    most = (a.x.abs() + a.e).cumprod(dim)
    lost = torch.where((a.x.abs() + a.e <= 1).all(), n * f.eta, INF)  # what underflowed stays small
    grown = n * (f.u + 2.0**-50) * most
    moved = (most - a.x.abs().cumprod(dim)).clamp_min(0) * propagate.SLACK
    bound: Tensor = moved + grown + lost + rounding(call, call.v)
    return bound


RULES: dict[str, Rule] = {
    "sum": sum_,
    "mean": mean,
    "std": std,
    "var": var,
    "linalg_vector_norm": norm,
    "norm": norm,
    **{name: extreme for name in ("amax", "amin", "max", "min")},
    "cumsum": cumsum,
    "cumprod": cumprod,
}
