r"""DPM-Solver-v3 without statistics: the authors' ``degenerated`` mode, :math:`l = 1, s = 0, b = 0`.

The method integrates :math:`g`, made from the noise prediction by coefficients :math:`l, s, b` estimated on data. With
the values above :math:`g = (\sigma\epsilon - z)/\alpha = -D`, the negative data prediction, and the integrals that the
code takes by the trapezoidal rule over its table of statistics are

.. math:: E_0 = e^h - 1,\qquad E_n = \int_0^h e^\tau\frac{\tau^n}{n!}\,d\tau = \frac{h^n}{n!}e^h - E_{n-1}

in the limit of a fine table, with :math:`h = \lambda_t - \lambda_s`. Predictor and corrector are one formula,

.. math::
    z' = \frac{\alpha_t}{\alpha_s}e^{-h} z - \alpha_t(1-e^{-h})\,g_0 - \alpha_t e^{-h}\sum_n E_n\,g^{(n)},

with the derivatives from the outputs before ``s``, or those and the one at the end. They are fitted (a Vandermonde
system), or, in *pseudo* order, divided differences taken for derivatives. The corrector keeps :math:`g`, here the data
prediction, and moves the latent alone. There is no limit at :math:`\sigma_t = 0`: the code ends at a positive time.

References
----------
[Zheng23] Zheng et al., DPM-Solver-v3, arXiv:2310.13268; the authors' ``dpm_solver_v3.py``:
    ``multistep_predictor_update``, ``multistep_corrector_update``, ``compute_high_order_derivatives`` and ``sample``
    (``p_pseudo``, ``c_pseudo``), with ``degenerated=True``.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Past, Solver

Form = Callable[..., Any]


def _update(xp: Any, now: Past, t: Point, *derivatives: Any) -> Any:
    """The update from ``now`` to ``t`` with these derivatives of g."""
    h = t.lam - now.at.lam
    shrunk = 1 + xp.expm1(-h)
    z = t.alpha / now.at.alpha * shrunk * now.z - t.alpha * (1 - shrunk) * -now.pred
    integral, power = xp.expm1(h), 1 + xp.expm1(h)
    for n, g_n in enumerate(derivatives, 1):
        power = power * h / n
        integral = power - integral
        z = z - t.alpha * shrunk * integral * g_n
    return z


def _line(outputs: Sequence[Past]) -> tuple[Any, ...]:
    """The derivative of g at the first of two outputs, fitted."""
    (s, _, m0), (one, _, m1) = outputs
    return ((m0 - m1) / (one.lam - s.lam),)


def _quadratic(outputs: Sequence[Past]) -> tuple[Any, ...]:
    r"""Two derivatives of g at the first of three outputs, fitted: :math:`R c = g - g_0`, :math:`g^{(n)} = n!\,c_n`."""
    (s, _, m0), (one, _, m1), (two, _, m2) = outputs
    r1, r2 = one.lam - s.lam, two.lam - s.lam
    b1, b2 = m0 - m1, m0 - m2
    determinant = r1 * r2 * (r2 - r1)
    first = (r2 * r2 * b1 - r1 * r1 * b2) / determinant
    second = (r1 * b2 - r2 * b1) / determinant
    return first, 2 * second


def _pseudo(outputs: Sequence[Past]) -> tuple[Any, ...]:
    r"""Divided differences in the place of derivatives, :math:`g^{(n)} = n!\,g[\lambda_0,\dots,\lambda_n]`."""
    lam, row = [one.at.lam for one in outputs], [-one.pred for one in outputs]
    found, factorial = [], 1
    for i in range(1, len(outputs)):
        row = [(a - b) / (lam[j] - lam[i + j]) for j, (a, b) in enumerate(pairwise(row))]
        factorial = factorial * i
        found.append(factorial * row[0])
    return tuple(found)


def dpm_solver_v3_1(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The predictor of order 1."""
    return _update(xp, past[0], t)


def dpm_solver_v3_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The predictor of order 2; its pseudo order is the same."""
    return _update(xp, past[0], t, *_line(past[:2]))


def dpm_solver_v3_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The predictor of order 3."""
    return _update(xp, past[0], t, *_quadratic(past[:3]))


def dpm_solver_v3_3_pseudo(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The predictor of pseudo order 3."""
    return _update(xp, past[0], t, *_pseudo(past[:3]))


def no_correction(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    """The corrector of order 1: none."""
    return now.z


def corrector_2(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    """The corrector of order 2; its pseudo order is the same."""
    return _update(xp, past[0], now.at, *_line((past[0], now)))


def corrector_3(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    """The corrector of order 3."""
    return _update(xp, past[0], now.at, *_quadratic((past[0], now, past[1])))


def corrector_3_pseudo(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    """The corrector of pseudo order 3."""
    return _update(xp, past[0], now.at, *_pseudo((past[0], now, past[1])))


def corrector_4_pseudo(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    """The corrector of pseudo order 4."""
    return _update(xp, past[0], now.at, *_pseudo((past[0], now, past[1], past[2])))


def _entry(name: str, order: int, options: str, predict: tuple[Form, ...], correct: tuple[Form, ...] = ()) -> Solver:
    source = f"dpm_solver_v3.py DPM_Solver_v3(degenerated=True).sample, order={order}{options}"
    return Solver(name, "x0", predict, order=order, source=source, correct=correct)


_TWO = (dpm_solver_v3_1, dpm_solver_v3_2)
_THREE = (*_TWO, dpm_solver_v3_3)
_PC, _PC_PSEUDO = ", use_corrector=True", ", use_corrector=True, c_pseudo=True"

SOLVERS = (
    _entry("dpm_solver_v3_2", 2, "", _TWO),
    _entry("dpm_solver_v3_3", 3, "", _THREE),
    _entry("dpm_solver_v3_3_pseudo", 3, ", p_pseudo=True", (*_TWO, dpm_solver_v3_3_pseudo)),
    _entry("dpm_solver_v3_2_pc", 2, _PC, _TWO, (no_correction, corrector_2)),
    _entry("dpm_solver_v3_2_pc_pseudo", 2, _PC_PSEUDO, _TWO, (corrector_2, corrector_3_pseudo)),
    _entry("dpm_solver_v3_3_pc", 3, _PC, _THREE, (no_correction, corrector_2, corrector_3)),
    _entry("dpm_solver_v3_3_pc_pseudo", 3, _PC_PSEUDO, _THREE, (corrector_2, corrector_3_pseudo, corrector_4_pseudo)),
)
