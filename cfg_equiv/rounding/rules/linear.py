r"""Rules of matrix products and linear systems.

An inner product of n terms in any order, fused or not, is off by at most :math:`n\,u\,|a|^\top|b|` to first order
[JR13]; :math:`2n` covers the factor, and the underflow of a term is added. The solution ``x`` of ``A x = b`` is judged
afterwards [Rump10]: with any ``C`` near :math:`A^{-1}` and :math:`g = \|\,|I - CA| + |C|\,e_A\|_\infty < 1`,

.. math::
    \|x - A_*^{-1} b_*\|_\infty \le \frac{\|\,|C(b - Ax)| + |C|(e_A|x| + e_b)\,\|_\infty}{1 - g}

for every :math:`A_*` and :math:`b_*` within the operands' errors. It does not matter how ``x`` was found.

References
----------
[JR13] Jeannerod, Rump, Improved Error Bounds for Inner Products, SIAM J. Matrix Anal. Appl. 34(2).
[Rump10] Rump, Verification Methods: Rigorous Results Using Floating-Point Arithmetic, Acta Numerica 19, section 10.
"""

import torch
from torch import Tensor

from cfg_equiv.rounding.constants import FORMATS
from cfg_equiv.rounding.propagate import INF, SLACK, Num
from cfg_equiv.rounding.rules.base import Call, Rule, Unknown

_U, _ETA = FORMATS["float64"].u, FORMATS["float64"].eta


def _absolute(call: Call, name: str) -> tuple[Num, Tensor]:
    """An operand with its error in full shape, and its absolute value."""
    n = call.num(name)
    x = n.x.expand(call.given[name].shape)
    return Num(x, n.e.expand(x.shape)), x.abs()


def matmul(call: Call) -> Tensor:
    """Products of matrices, batches of them and vectors."""
    f = call.format
    if f is None or f.op != f.name:  # how a half is accumulated depends on the machine
        raise Unknown
    second = next(name for name in ("mat2", "vec", "tensor", "other") if name in call.given)
    (a, abs_a), (b, abs_b) = _absolute(call, "self"), _absolute(call, second)
    terms = a.x.shape[-1]
    size = abs_a @ abs_b
    propagated = abs_a @ b.e + a.e @ abs_b + a.e @ b.e
    bound: Tensor = (propagated + 2 * terms * (f.u * size + f.eta)) * SLACK
    return bound


def solve(call: Call) -> tuple[Tensor | float, ...]:
    """``linalg.solve``: the solution is bounded, the factors that come with it are not."""
    if not call.given.get("left", True) or call.format is None:
        raise Unknown
    (a, abs_a), (b, abs_b) = _absolute(call, "A"), _absolute(call, "B")
    x = call.v
    vector = b.x.ndim == a.x.ndim - 1
    columns = [t.unsqueeze(-1) if vector else t for t in (b.x, b.e, abs_b, x)]
    bx, be, abs_b, x = columns
    n, inverse = a.x.shape[-1], torch.linalg.inv_ex(a.x).inverse
    abs_c, gap = inverse.abs(), 2 * (n + 2)
    identity = torch.eye(n, dtype=torch.float64, device=x.device)
    contraction = (identity - inverse @ a.x).abs() + gap * (_U * (identity + abs_c @ abs_a) + _ETA) + abs_c @ a.e
    residual = (bx - a.x @ x).abs() + gap * (_U * (abs_b + abs_a @ x.abs()) + _ETA) + a.e @ x.abs() + be
    moved = (abs_c @ residual).amax(-2, keepdim=True)
    g = contraction.sum(-1).amax(-1)[..., None, None] * SLACK
    bound = torch.where(g < 1, moved / (1 - g) * SLACK, INF).expand(x.shape)
    outside = (INF,) * (len(call.result) - 2)
    return bound.squeeze(-1) if vector else bound, *outside, 0.0


RULES: dict[str, Rule] = {
    **{name: matmul for name in ("mm", "bmm", "mv", "dot")},
    "_linalg_solve_ex": solve,
}
