r"""UniP and UniPC with a function ``B(h)``: ``bh1`` and ``bh2``, in the data and in the noise form.

With :math:`h = \lambda_t - \lambda_s`, :math:`r_m = (\lambda_{-m} - \lambda_s)/h` and
:math:`D_m = m_{-m} - m_0` for outputs :math:`m`, the predictor of order ``p`` is

.. math::
    z' = \frac{\sigma_t}{\sigma_s}z - \alpha_t(e^{-h}-1)\,m_0 - \alpha_t B\sum_{m<p}\rho_m\frac{D_m}{r_m}
    \quad\text{(data)},\qquad
    z' = \frac{\alpha_t}{\alpha_s}z - \sigma_t(e^{h}-1)\,m_0 - \sigma_t B\sum_{m<p}\rho_m\frac{D_m}{r_m}
    \quad\text{(noise)},

with :math:`\hbar = -h` (data) or :math:`h` (noise), :math:`B = \hbar` (``bh1``) or :math:`e^\hbar - 1` (``bh2``), and

.. math:: \sum_m \rho_m r_m^{k-1} = \frac{k!\,\hbar\varphi_{k+1}(\hbar)}{B},\qquad
    \hbar\varphi_1 = e^\hbar - 1,\quad \hbar\varphi_{k+1} = \varphi_k - \frac{1}{k!}.

The corrector of order ``p`` is the same formula with the output at ``t`` as one more, at :math:`r = 1`. The product
:math:`B\rho` does not depend on ``B``: the variants differ only where the source does not solve the system but takes
:math:`\rho = \frac12`, in the predictor of order 2 and the corrector of order 1. Predictor and corrector of a step have
one order, which grows by one a step from 1.

The claim is order ``p`` of UniP-p and ``p + 1`` of UniPC-p. Released code lowers the order of the last steps, down to 1
at the last, which is not corrected.

References
----------
[Zhao23] Zhao et al., UniPC, arXiv:2302.04867; the authors' ``uni_pc.py``: ``multistep_uni_pc_bh_update``.
[Diffusers] ``UniPCMultistepScheduler``: ``multistep_uni_p_bh_update`` and ``multistep_uni_c_bh_update``; orders to 3.
[ComfyUI] ``extra_samplers/uni_pc.py``: ``sample_unipc``; the data form, of order 3.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cfg_equiv.algebra.linear import solve
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Form, Past, Solver, lift

Corrector = Callable[[Any, tuple[Past, ...], Past], Any]


class _Base(NamedTuple):
    """What a space makes of a step: its signed length, the step with one output, the scale of what is added."""

    hh: Any
    first: Any
    scale: Any


def _data(xp: Any, now: Past, t: Point) -> _Base:
    hh = -(t.lam - now.at.lam)
    return _Base(hh, t.sigma / now.at.sigma * now.z - t.alpha * xp.expm1(hh) * now.pred, t.alpha)


def _noise(xp: Any, now: Past, t: Point) -> _Base:
    hh = t.lam - now.at.lam
    return _Base(hh, t.alpha / now.at.alpha * now.z - t.sigma * xp.expm1(hh) * now.pred, t.sigma)


def _bh1(xp: Any, hh: Any) -> Any:
    return 0 + hh  # the number, where a logarithm is more than that


def _bh2(xp: Any, hh: Any) -> Any:
    return xp.expm1(hh)


_SPACES = {"x0": _data, "eps": _noise}
_VARIANTS = {"bh1": _bh1, "bh2": _bh2}
_FIRST = {"x0": lift(dpm_solver_pp_1), "eps": lift(dpm_solver_1)}


def _differences(past: tuple[Past, ...], t: Point) -> tuple[list[Any], list[Any]]:
    r"""The nodes :math:`r_m` and the quotients :math:`D_m/r_m`, newest first."""
    now = past[0]
    h = t.lam - now.at.lam
    rks = [(one.at.lam - now.at.lam) / h for one in past[1:]]
    return rks, [(one.pred - now.pred) / rk for one, rk in zip(past[1:], rks, strict=True)]


def _half(xp: Any, hh: Any, b_h: Any, rks: Sequence[Any], d1s: Sequence[Any]) -> Any:
    r"""One difference, with the source's :math:`\rho = \frac12`."""
    return d1s[0] / 2


def _solved(xp: Any, hh: Any, b_h: Any, rks: Sequence[Any], d1s: Sequence[Any]) -> Any:
    r"""The differences combined with the solution of :math:`R\rho = b`."""
    h_phi_k = xp.expm1(hh) / hh - 1
    row, factorial = [1 + 0 * rk for rk in rks], 1
    matrix, b = [], []
    for k in range(1, len(rks) + 1):
        matrix.append(row)
        b.append(h_phi_k * factorial / b_h)
        row = [power * rk for power, rk in zip(row, rks, strict=True)]
        factorial = factorial * (k + 1)
        h_phi_k = (h_phi_k / hh * factorial - 1) / factorial
    weighted = [rho * d1 for rho, d1 in zip(solve(matrix, b), d1s, strict=True)]
    return sum(weighted[1:], weighted[0])


def _predictor(variant: str, order: int, space: str) -> Form:
    base, b_of, combine = _SPACES[space], _VARIANTS[variant], {2: _half}.get(order, _solved)

    def unip(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
        hh, first, scale = base(xp, past[0], t)
        b_h = b_of(xp, hh)
        rks, d1s = _differences(past[:order], t)
        return first - scale * b_h * combine(xp, hh, b_h, rks, d1s)

    return unip


def _corrector(variant: str, order: int, space: str) -> Corrector:
    base, b_of, combine = _SPACES[space], _VARIANTS[variant], {1: _half}.get(order, _solved)

    def unic(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
        hh, first, scale = base(xp, past[0], now.at)
        b_h = b_of(xp, hh)
        rks, d1s = _differences(past[:order], now.at)
        ones = [1 + 0 * rk for rk in rks[:1]]
        return first - scale * b_h * combine(xp, hh, b_h, [*rks, *ones], [*d1s, now.pred - past[0].pred])

    return unic


def _predictors(variant: str, order: int, space: str) -> tuple[Form, ...]:
    return (_FIRST[space], *(_predictor(variant, p, space) for p in range(2, order + 1)))


_MODES = {"x0": "predict_x0=True", "eps": "predict_x0=False"}
_IN_DIFFUSERS = (1, 2, 3)  # what its documentation allows
_COMFYUI = {"unipc_bh1_3_x0": {"comfyui": "uni_pc"}, "unipc_bh2_3_x0": {"comfyui": "uni_pc_bh2"}}


def _diffusers(order: int, options: str) -> dict[str, str]:
    named = {n: {"diffusers": f"UniPCMultistepScheduler(solver_order={n}, {options})"} for n in _IN_DIFFUSERS}
    return named.get(order, {})


def _skrample(sampler: str, variant: str, order: int, space: str) -> dict[str, str]:
    text = f"{sampler}(order={order}, fast_solve=True, derivative_transform=DataModel())"
    return {("bh2", "x0"): {"skrample": text}}.get((variant, space), {})


def _unip(variant: str, order: int, space: str) -> Solver:
    options = f"solver_type='{variant}', {_MODES[space]}"
    return Solver(
        f"unip_{variant}_{order}_{space}",
        space,
        _predictors(variant, order, space),
        order=order,
        source=f"uni_pc.py multistep_uni_pc_bh_update(use_corrector=False), variant='{variant}', {_MODES[space]}",
        last=_FIRST[space],
        aliases=_diffusers(order, f"{options}, disable_corrector=[0, 1, ...]")
        | _skrample("UniP", variant, order, space),
    )


def _unipc(variant: str, order: int, space: str) -> Solver:
    name = f"unipc_{variant}_{order}_{space}"
    return Solver(
        name,
        space,
        _predictors(variant, order, space),
        order=order + 1,
        source=f"uni_pc.py multistep_uni_pc_bh_update, variant='{variant}', {_MODES[space]}",
        correct=tuple(_corrector(variant, p, space) for p in range(1, order + 1)),
        last=_FIRST[space],
        aliases=_diffusers(order, f"solver_type='{variant}', {_MODES[space]}")
        | _COMFYUI.get(name, {})
        | _skrample("UniPC", variant, order, space),
    )


# At order 4 the variants differ in the warm-up alone: one of them is enough.
_ORDERS = {"bh1": (1, 2, 3), "bh2": (1, 2, 3, 4)}

SOLVERS = (
    *(_unip(variant, p, space) for variant in _VARIANTS for p in _ORDERS[variant][1:] for space in _SPACES),
    *(_unipc(variant, p, space) for variant in _VARIANTS for p in _ORDERS[variant] for space in _SPACES),
)
