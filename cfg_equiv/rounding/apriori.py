r"""Theorem N1: a bound of convert + CFG + first-order step before any number is rounded.

A :class:`Majorant` holds a real number ``value``, a majorant ``size`` of the absolute sum of its terms, the number
``k`` of roundings on its longest path and a bound ``tiny`` of what underflow adds. The number computed in a format with
unit roundoff u then satisfies

.. math::
    |\mathrm{fl}(x) - x| \le \gamma_k\,\mathrm{size} + \mathrm{tiny},\qquad \gamma_k = \frac{ku}{1-ku}

Running a shipped formula on majorants gives k, the sum and the underflow terms by itself. For a conversion they are
:math:`\gamma_k ([S,T]_+\,|\mathrm{pred}| + [T,P]_+|z|)/|[S,P]|` with :math:`[U,V]_+ = |U_0V_1| + |U_1V_0|`. A
divisor must be free of cancellation, ``size = |value|``: that is N2 for :math:`[S,P]`; otherwise the bound is infinite.
A sum or difference of two exact numbers is rounded once, so its size is its own absolute value.

No torch: Python floats are IEEE doubles. ``value``, ``size`` and ``tiny`` are doubles too; a step is a few dozen
operations on them, each of a relative error :math:`2^{-53}`, and ``SLACK`` covers all of them at the end.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1, lemma 3.3 and section 2.8.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from
from cfg_equiv.rounding.constants import FORMATS, SQRT_UNITS, Format

SLACK = 1 + 2.0**-30
FLOAT64 = FORMATS["float64"]


@dataclass(frozen=True)
class Majorant:
    """A number with its a-priori error bound; see the module's docstring."""

    value: float
    size: float
    k: int = 0
    tiny: float = 0.0
    format: Format = FLOAT64

    @classmethod
    def exact(cls, value: float, format: Format = FLOAT64) -> "Majorant":
        """A number the format holds."""
        return cls(value, abs(value), format=format)

    def gamma(self) -> float:
        r""":math:`\gamma_k = ku/(1-ku)`; infinite where that says nothing."""
        ku = self.k * self.format.u
        return ku / (1 - ku) if ku < 1 else math.inf

    @property
    def bound(self) -> float:
        """The a-priori bound of ``|fl(x) - x|``."""
        if self.k == 0:
            return self.tiny
        total = (self.gamma() * self.size + self.tiny) * SLACK
        return math.inf if math.isnan(total) else total

    def _exact(self) -> bool:
        return self.k == 0 and self.tiny == 0

    def _scaled(self, n: float) -> "Majorant":
        """Times -1, 0 or 1: no rounding."""
        return self._like(self.value * n, self.size, self.k, self.tiny) if n else self._like(0.0, 0.0, 0, 0.0)

    def _free_of_cancellation(self) -> bool:
        return self.size <= abs(self.value) * (1 + 2.0**-40)

    def __neg__(self) -> "Majorant":
        return self._scaled(-1)

    def __add__(self, other: Any) -> "Majorant":
        b = self._lift(other)
        if b is None:
            return NotImplemented
        for one, two in ((self, b), (b, self)):
            if two._exact() and two.value == 0:  # adding zero does not round
                return one
        value, growth = self.value + b.value, 1 + self.format.u
        if self._exact() and b._exact():
            return self._like(value, abs(value), 1, 0.0)
        return self._like(value, self.size + b.size, max(self.k, b.k) + 1, growth * (self.tiny + b.tiny))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Majorant":
        b = self._lift(other)
        return NotImplemented if b is None else self + -b

    def __rsub__(self, other: Any) -> "Majorant":
        b = self._lift(other)
        return NotImplemented if b is None else b + -self

    def __mul__(self, other: Any) -> "Majorant":
        b = self._lift(other)
        if b is None:
            return NotImplemented
        for one, two in ((self, b), (b, self)):
            if two._exact() and two.value in (-1, 0, 1):
                return one._scaled(two.value)
        tiny = self.tiny * b.size * (1 + b.gamma()) + self.size * b.tiny * (1 + self.gamma()) + self.tiny * b.tiny
        tiny = tiny * (1 + self.format.u) + self.format.eta
        return self._like(self.value * b.value, self.size * b.size, self.k + b.k + 1, tiny)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Majorant":
        b = self._lift(other)
        if b is None:
            return NotImplemented
        least = abs(b.value) * (1 - b.gamma()) - b.tiny
        if not b._free_of_cancellation() or not least > 0:
            return self._like(math.nan, math.inf, self.k + 2 * b.k + 1, math.inf)
        if b._exact() and abs(b.value) == 1:
            return self * b
        k, lost = self.k + 2 * b.k + 1, b.tiny / least
        size = self.size / abs(b.value)
        tiny = (self.tiny + size * b.tiny) / least + self._like(0.0, 0.0, k, 0.0).gamma() * size * lost
        return self._like(self.value / b.value, size, k, tiny * (1 + self.format.u) + self.format.eta)

    def __rtruediv__(self, other: Any) -> "Majorant":
        a = self._lift(other)
        return NotImplemented if a is None else a / self

    def _lift(self, other: Any) -> "Majorant | None":
        if isinstance(other, Majorant):
            return other
        return Majorant.exact(float(other), self.format) if isinstance(other, (int, float)) else None

    def _like(self, value: float, size: float, k: int, tiny: float) -> "Majorant":
        return Majorant(value, size, k, tiny, self.format)


class MAJORANT:
    """The namespace ``xp`` for :class:`Majorant`."""

    @staticmethod
    def sqrt(a: Majorant) -> Majorant:
        r""":math:`\sqrt{a(1+\theta_k)} = \sqrt a(1+\theta_k)`: the radicand must be free of cancellation."""
        if not a._free_of_cancellation() or a.value <= 0:
            return Majorant(math.nan, math.inf, a.k + SQRT_UNITS, math.inf, a.format)
        root = math.sqrt(a.value)
        return Majorant(root, root, a.k + SQRT_UNITS, 2 * a.tiny / root, a.format)


class FLOATS:
    """The namespace ``xp`` of Python floats."""

    sqrt = staticmethod(math.sqrt)


class RATIONALS:
    """The namespace ``xp`` of fractions, for points whose roots are rational."""

    @staticmethod
    def sqrt(x: Fraction) -> Fraction:
        """The rational root."""
        root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
        if root * root != x:
            raise ValueError(f"expected the square of a rational number, got {x}; choose a Pythagorean point")
        return root


def guided_step(xp: Any, row: str, x: dict[str, Any], sampler: str = "ddim_x0", factor: Any = 1) -> Any:
    """CFG in a row, conversion and a first-order step; ``factor`` is the mutation of one coefficient."""
    s, t = Point(x["alpha_s"], x["sigma_s"]), Point(x["alpha_t"] * factor, x["sigma_t"])
    extras = {name: x[name] for name in ("dalpha", "dsigma", "sigma_data")}
    return step_from(xp, SAMPLERS[sampler], row, x["z"], cfg(x["cond"], x["uncond"], x["w"]), s, t, **extras)


def majorant(row: str, x: dict[str, float], sampler: str = "ddim_x0", format: Format = FLOAT64) -> Majorant:
    """The a-priori bound of :func:`guided_step` at the given numbers, which ``format`` must hold."""
    result = guided_step(MAJORANT, row, {name: Majorant.exact(v, format) for name, v in x.items()}, sampler)
    assert isinstance(result, Majorant)
    return result


# alpha, sigma and their root over 8: Pythagorean, so that F has a rational value at sigma_data = 1
_TRIPLES = ((3, 4), (5, 12), (15, 8), (20, 21), (63, 16), (7, 24))
_NUMERATORS = (1, 3, -5, 7, 11, -13, 17)
STORED = {
    **{"alpha_s": 0.6, "sigma_s": 0.8, "alpha_t": 0.75, "sigma_t": 0.625, "dalpha": -0.8, "dsigma": 0.6},
    **{"sigma_data": 1.0, "z": 0.7, "cond": 0.3, "uncond": -0.9, "w": 7.5},
}
MUTATION = 2.0**-40
SAMPLERS_OF_N1 = ("ddim_x0", "ddim_eps", "euler_ve")


def lattice() -> Iterator[dict[str, float]]:
    """Lattice points: every pair of Pythagorean points, predictions that are no short binary fractions."""
    for i, (alpha_s, sigma_s) in enumerate(_TRIPLES):
        for j, (alpha_t, sigma_t) in enumerate(_TRIPLES):
            z, cond, uncond = (_NUMERATORS[(i * m + j) % 7] / d for m, d in ((1, 3), (2, 7), (3, 11)))
            yield {
                **{"alpha_s": alpha_s / 64, "sigma_s": sigma_s / 64, "alpha_t": alpha_t / 64, "sigma_t": sigma_t / 64},
                **{"dalpha": -sigma_s / 64, "dsigma": alpha_s / 64, "sigma_data": 1.0},
                **{"z": z, "cond": cond, "uncond": uncond, "w": (1.0, 7.5, 30.0)[(i + j) % 3]},
            }


def shares(factor: float = 1) -> Iterator[tuple[str, float]]:
    """Every lattice step in floats: where, and its error over the a-priori bound (NaN if the bound is vacuous).

    ``factor`` mutates one coefficient of the float step alone; the bound must then be exceeded somewhere.
    """
    for sampler in SAMPLERS_OF_N1:
        for row in PARAMETERIZATIONS:
            for x in lattice():
                where = ", ".join(f"{name}={x[name]:g}" for name in ("alpha_s", "sigma_s", "alpha_t", "z", "w"))
                yield f"{sampler} from {row} at {where}", share(row, x, sampler, factor)


def share(row: str, x: dict[str, float], sampler: str = "ddim_x0", factor: float = 1) -> float:
    """The error of one float step over its a-priori bound; NaN if the bound is vacuous, as that is none that holds."""
    got = guided_step(FLOATS, row, x, sampler, factor)
    exact = guided_step(RATIONALS, row, {name: Fraction(v) for name, v in x.items()}, sampler)
    bound = majorant(row, x, sampler).bound
    if not math.isfinite(bound):
        return math.nan
    return float(abs(Fraction(got) - exact) / Fraction(bound))
