r"""The rounding constants of each floating-point format, and their check on this machine.

One correctly rounded operation returns :math:`\mathrm{fl}(x) = x(1+\delta)` with :math:`|\delta|\le u`, or, where the
result of a product or quotient is subnormal, :math:`\mathrm{fl}(x) = x + \epsilon` with :math:`|\epsilon|\le\eta`, half
the distance of two subnormal numbers. Sums are exact there. In ``float64`` that half is :math:`2^{-1075}`, which no
double holds, so :math:`\eta = 2^{-1074}`.

Square roots are *not* correctly rounded by every vectorised kernel (1.5u was seen in float32), hence
:data:`SQRT_UNITS`; logarithms, exponentials and circular functions are granted :data:`LIBM_UNITS`. Nothing here imports
torch until :func:`self_check` runs.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 2.8.
[IEEE754] IEEE Standard for Floating-Point Arithmetic, 754-2019.
[SLEEF] Shibata, Petrogalli, doi:10.1109/TPDS.2019.2960333.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

SQRT_UNITS = 2
LIBM_UNITS = 4


@dataclass(frozen=True)
class Format:
    """A format: unit roundoff ``u``, smallest normal number, underflow constant ``eta``, and its op-math format."""

    name: str
    u: float
    smallest_normal: float
    eta: float
    op: str

    @property
    def op_math(self) -> "Format":
        """The format in which torch's kernels compute, and to which a Python factor is rounded."""
        return FORMATS[self.op]


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("float64", 2.0**-53, 2.0**-1022, 2.0**-1074, "float64"),
        Format("float32", 2.0**-24, 2.0**-126, 2.0**-150, "float32"),
        Format("bfloat16", 2.0**-8, 2.0**-126, 2.0**-134, "float32"),
        Format("float16", 2.0**-11, 2.0**-14, 2.0**-25, "float32"),
    )
}


def format_of(dtype: Any) -> Format:
    """The constants of a torch dtype (or of its name)."""
    name = str(dtype).removeprefix("torch.")
    if name not in FORMATS:
        raise ValueError(
            f"expected a dtype with rounding constants ({', '.join(FORMATS)}), got {name}; convert the tensor first"
        )
    return FORMATS[name]


class RoundingAssumptionError(RuntimeError):
    """The arithmetic of this machine is not what the rounding bounds assume."""


@cache
def self_check() -> None:
    """Check every constant on this machine, once; the bounds call it before they are first used."""
    for name in FORMATS:
        _check_format(name)


def _check_format(name: str) -> None:
    import torch

    f = FORMATS[name]
    dtype = getattr(torch, name)
    _check_subnormals(f, dtype)
    generator = torch.Generator().manual_seed(0)
    # 67 elements: vector lanes and the scalar tail of a kernel both take part.
    a, b = ((torch.randn(67, generator=generator, dtype=torch.float64) * 4).to(dtype) for _ in range(2))
    operations = {"+": a + b, "-": a - b, "*": a * b, "/": a / b}
    for symbol, result in operations.items():
        for x, y, got in zip(a.tolist(), b.tolist(), result.tolist(), strict=True):
            p, q = Fraction(x), Fraction(y)
            exact = {"+": p + q, "-": p - q, "*": p * q}[symbol] if symbol != "/" else p / q
            _require(abs(Fraction(got) - exact) <= Fraction(f.u) * abs(Fraction(got)), f, f"a {symbol} b", (x, y), got)
    _check_functions(f, dtype, a)


def _check_subnormals(f: Format, dtype: Any) -> None:
    import torch

    normal = torch.full((67,), f.smallest_normal, dtype=dtype)
    halved = (normal / 2, normal * 0.5, (normal + normal / 2) - normal)
    for result in halved:
        if not torch.equal(result.double(), torch.full((67,), f.smallest_normal / 2, dtype=torch.float64)):
            raise RoundingAssumptionError(
                f"expected gradual underflow in {f.name}, but a subnormal result became {result[0].item()!r}; "
                "call torch.set_flush_denormal(False) before using rounding bounds"
            )


def _check_functions(f: Format, dtype: Any, a: Any) -> None:
    import torch

    from cfg_equiv.exact.intervals import INTERVAL, endpoints, number

    for name in ("sqrt", "log", "exp", "expm1", "sin", "cos"):
        units = SQRT_UNITS if name == "sqrt" else LIBM_UNITS
        argument = a.abs() if name in ("sqrt", "log") else a
        for x, got in zip(argument.tolist(), getattr(torch, name)(argument).tolist(), strict=True):
            worst = max(abs(Fraction(got) - end) for end in endpoints(getattr(INTERVAL, name)(number(x))))
            _require(worst <= units * max(Fraction(f.u) * abs(Fraction(got)), Fraction(f.eta)), f, name, (x,), got)


def _require(holds: bool, f: Format, operation: str, arguments: tuple[float, ...], got: float) -> None:
    if not holds:
        values = ", ".join(map(repr, arguments))
        raise RoundingAssumptionError(
            f"expected {operation} in {f.name} to round within its constant (u = {f.u!r}), but at {values} it returned "
            f"{got!r} here; the rounding bounds do not hold here: use another device or torch build"
        )
