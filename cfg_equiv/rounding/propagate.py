r"""How an error in the operands becomes an error in the result: the propagation rules, in float64.

An operand is a :class:`Num`: the value ``x`` a kernel used and a bound ``e`` with :math:`|x - X| \le e` for the exact
value :math:`X`. Each rule bounds :math:`|f(x) - f(X)|` and leaves out the rounding of :math:`f` itself, which
:func:`rounded` adds. All terms are non-negative, so the rules' own float64 rounding is a few units of :math:`2^{-53}`:
:func:`finish` covers it by :math:`1 + 2^{-30}`, and the underflow of the rules by ``FLOOR``.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error analysis).
[CGL83] Chan, Golub, LeVeque, Algorithms for Computing the Sample Variance, The American Statistician 37(3), table 1.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

from cfg_equiv.rounding.constants import Format

SLACK = 1 + 2.0**-30
FLOOR = 2.0**-1070

INF = math.inf


class Num(NamedTuple):
    """A float64 copy ``x`` of the value used, and the bound ``e`` of its distance to the exact value."""

    x: Tensor
    e: Tensor


def scalar(value: int | float, f: Format, like: Tensor) -> Num:
    """A Python scalar as a kernel sees it: rounded to the format ``f``, the error of that rounding with it."""
    used = torch.tensor(value, dtype=torch.float64).to(getattr(torch, f.name)).double()
    rounded_to = used.item()
    if not (math.isfinite(rounded_to) and math.isfinite(value)):
        off = 0.0 if rounded_to == value else INF
    else:
        off = float(abs(Fraction(rounded_to) - Fraction(value))) * SLACK
    return Num(used.to(like.device), torch.tensor(off, dtype=torch.float64, device=like.device))


def rounded(v: Tensor, f: Format, units: float = 1) -> Tensor:
    """The rounding of a product, a quotient or a function: ``units * u * |v|``, at least ``units * eta``."""
    relative = v.abs() * (units * f.u)
    if f.name == "float64":  # u*|v| may itself be subnormal here, and rounded down
        return relative + units * f.eta
    return relative.clamp_min(units * f.eta)


def _power_of_two(a: Num) -> Tensor:
    return a.x.frexp().mantissa.abs() == 0.5


def _unless(exact: Tensor, local: Tensor, v: Tensor, f: Format) -> Tensor:
    """No rounding where the operation is exact; an underflow can still hide in a subnormal result."""
    underflow = (v.abs() < f.smallest_normal).double() * f.eta
    return torch.where(exact, underflow, local)


def mul_rounding(a: Num, b: Num, v: Tensor, f: Format) -> Tensor:
    """The rounding of a product ``v``; none where a factor is zero or a power of two and ``f`` holds the other one."""
    product = a.x * b.x
    exact = (_power_of_two(a) | _power_of_two(b)) & (product == v)
    return torch.where((a.x == 0) | (b.x == 0), 0.0, _unless(exact, rounded(v, f), v, f))


def div_rounding(a: Num, b: Num, v: Tensor, f: Format) -> Tensor:
    """The rounding of a quotient; devices other than the CPU may multiply by a rounded reciprocal: two roundings."""
    exact = _power_of_two(b) & (a.x / b.x == v)
    local = rounded(v, f, 1 if v.device.type == "cpu" else 2)
    return torch.where(a.x == 0, 0.0, _unless(exact, local, v, f))


def add_rounding(a: Num, b: Num, v: Tensor, f: Format) -> Tensor:
    """The rounding of a sum or difference: none where one term is zero and ``f`` holds the other; no underflow."""
    exact = ((a.x == 0) | (b.x == 0)) & (a.x.abs() + b.x.abs() == v.abs())
    return torch.where(exact, 0.0, v.abs() * f.u)


def finish(e: Tensor, v: Tensor) -> Tensor:
    """Cover the float64 arithmetic of the bound; no finite value or no number at all means no bound: infinity."""
    e = torch.where(e > 0, e * SLACK + FLOOR, e)
    return torch.where(v.isfinite() & ~e.isnan(), e, INF)


def mul(a: Num, b: Num) -> Tensor:
    r""":math:`|ab - AB| \le |a|e_b + |b|e_a + e_a e_b`."""
    return _times(a.x, b.e) + _times(b.x, a.e) + _times(a.e, b.e)


def _times(size: Tensor, e: Tensor) -> Tensor:
    # an exact operand contributes nothing, however large the other one is
    return torch.where(e == 0, 0.0, size.abs() * e)


def div(a: Num, b: Num, v: Tensor, f: Format) -> Tensor:
    r""":math:`|a/b - A/B| \le (|a/b| e_b + e_a)/(|b| - e_b)`; infinite where :math:`B` may be zero.

    ``v`` is the quotient as rounded in ``f``: :math:`|a/b| \le (1 + 4u)|v| + 4\eta` also covers one more rounding.
    """
    least = b.x.abs() - b.e
    quotient = v.abs() * (1 + 4 * f.u) + 4 * f.eta
    return torch.where(least > 0, (_times(quotient, b.e) + a.e) / least, INF)


def reciprocal(b: Num, v: Tensor, f: Format) -> Tensor:
    """``div`` with an exact numerator."""
    return div(Num(torch.ones_like(b.x), torch.zeros_like(b.e)), b, v, f)


def sqrt(a: Num) -> Tensor:
    r""":math:`|\sqrt a - \sqrt A| = |a - A|/(\sqrt a + \sqrt A)`, and at most :math:`\sqrt{|a-A|}`."""
    roots = a.x.sqrt() + (a.x - a.e).clamp_min(0).sqrt()
    return torch.where(a.e == 0, 0.0, torch.minimum(a.e / roots, a.e.sqrt()))


def reciprocal_sqrt(a: Num) -> Tensor:
    r""":math:`|a^{-1/2} - A^{-1/2}| = |\sqrt A - \sqrt a|/\sqrt{aA}`; infinite where :math:`A` may be zero."""
    least = a.x - a.e
    return torch.where(a.e == 0, 0.0, torch.where(least > 0, sqrt(a) / (a.x.sqrt() * least.sqrt()), INF))


def log(a: Num) -> Tensor:
    r""":math:`|\log a - \log A| \le -\log(1 - e_a/a)`; infinite where :math:`A` may be zero."""
    ratio = a.e / a.x.abs()
    return torch.where(a.e == 0, 0.0, torch.where(ratio < 1, -torch.log1p(-ratio), INF))


def log1p(a: Num) -> Tensor:
    """``log`` of ``1 + a``."""
    return log(Num(1 + a.x, a.e))


def exp(a: Num) -> Tensor:
    r""":math:`|e^a - e^A| \le e^{a + e_a}(1 - e^{-e_a})`; the same for ``expm1``."""
    return torch.where(a.e == 0, 0.0, torch.exp(a.x + a.e) * -torch.expm1(-a.e))


def lipschitz(a: Num, constant: float, oscillation: float) -> Tensor:
    """A function with this Lipschitz constant whose values are never further apart than ``oscillation``."""
    return (a.e * constant).clamp_max(oscillation)


def power(a: Num, n: float, v: Tensor, f: Format) -> Tensor:
    r""":math:`|a^n - A^N|`: by the mean value theorem for integers n > 0, else :math:`|a^n|(e^{\delta} - 1)`.

    :math:`\delta = |n|\,|\log a - \log A| + |n - N|\,|\log A|`, for the exponent n that ``f`` holds; infinite where
    :math:`A` may be zero.
    """
    if n == 0:
        return torch.zeros_like(a.e)
    if n == 0.5:
        return sqrt(a)
    off = scalar(n, f, v).e
    if n > 0 and float(n).is_integer() and not bool(off):
        return torch.where(a.e == 0, 0.0, n * a.e * (a.x.abs() + a.e) ** (n - 1))
    size = v.abs() * (1 + 16 * f.u) + 16 * f.eta
    shift = log(a)
    delta = abs(n) * shift + _times(a.x.log().abs() + shift, off)
    return torch.where(delta == 0, 0.0, size * torch.expm1(delta))
