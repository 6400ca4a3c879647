r"""UniP and UniPC with varying coefficients, and the corrector as it is released.

With the nodes, differences and spaces of the ``B(h)`` form (:mod:`cfg_equiv.algebra.solvers.unipc`), of order ``p``,

.. math::
    z' = z_1 - \beta\sum_k \hbar\varphi_{k+1}(\hbar)\sum_m A_{km}\frac{D_m}{r_m},\qquad
    A = C^{-1},\quad C_{mk} = \frac{r_m^{k-1}}{k!},

where :math:`z_1` is the first-order step, :math:`\beta = \alpha_t` (data) or :math:`\sigma_t` (noise): row ``k`` of
``A`` makes of the differences :math:`h^k m^{(k)}`, for every polynomial. The predictor sums over :math:`p - 1` earlier
outputs; the corrector has the output at ``t`` as one more, at :math:`r = 1`, and ``p`` lines.

Released code of the corrector leaves that output out of all but one, and the earlier ones out of the last row; the
output at ``t`` is added with the weight of the last row and the entry of the row before,

.. math::
    \sum_{k<p}\hbar\varphi_{k+1}\sum_{m<p} A_{km}\frac{D_m}{r_m} + \hbar\varphi_{p+1}A_{p-1,p}(m_t - m_0).

From :math:`p = 2` on that is another formula, and its weights do not add up to those of :math:`h\,m'`: order 1.

References
----------
[Zhao23] Zhao et al., UniPC, arXiv:2302.04867, appendix C; the authors' ``uni_pc.py``: ``multistep_uni_pc_vary_update``,
    whose corrector is questioned in issue 10 of their repository.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cfg_equiv.algebra.linear import inverse
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Form, Past, Solver, lift

Corrector = Callable[[Any, tuple[Past, ...], Past], Any]


def _data(xp: Any, now: Past, t: Point) -> tuple[Any, Any, Any]:
    """The signed length, the first-order step, the scale of what is added."""
    hh = -(t.lam - now.at.lam)
    return hh, t.sigma / now.at.sigma * now.z - t.alpha * xp.expm1(hh) * now.pred, t.alpha


def _noise(xp: Any, now: Past, t: Point) -> tuple[Any, Any, Any]:
    """The signed length, the first-order step, the scale of what is added."""
    hh = t.lam - now.at.lam
    return hh, t.alpha / now.at.alpha * now.z - t.sigma * xp.expm1(hh) * now.pred, t.sigma


_SPACES = {"x0": _data, "eps": _noise}
_FIRST = {"x0": lift(dpm_solver_pp_1), "eps": lift(dpm_solver_1)}


def _differences(past: tuple[Past, ...], t: Point) -> tuple[list[Any], list[Any]]:
    """The nodes, and the differences of the outputs there divided by them, newest first."""
    now = past[0]
    h = t.lam - now.at.lam
    rks = [(one.at.lam - now.at.lam) / h for one in past[1:]]
    return rks, [(one.pred - now.pred) / rk for one, rk in zip(past[1:], rks, strict=True)]


def _inverse(rks: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
    r"""The inverse of :math:`C_{mk} = r_m^{k-1}/k!`."""
    one = 1 + 0 * rks[0]
    lines = []
    for rk in rks:
        row = [one]
        for k in range(1, len(rks)):
            row.append(row[-1] * rk / (k + 1))
        lines.append(row)
    return inverse(lines, one)


def _h_phi(xp: Any, hh: Any, count: int) -> list[Any]:
    r""":math:`\hbar\varphi_1,\ \hbar\varphi_2,\ \dots`."""
    found, factorial = [xp.expm1(hh)], 1
    for k in range(1, count):
        found.append((found[-1] / hh * factorial - 1) / factorial)
        factorial = factorial * (k + 1)
    return found


def _row(row: Sequence[Any], d1s: Sequence[Any]) -> Any:
    weighted = [a * d1 for a, d1 in zip(row, d1s, strict=True)]
    return sum(weighted[1:], weighted[0])


def _all_rows(xp: Any, hh: Any, rks: Sequence[Any], d1s: Sequence[Any]) -> Any:
    """The whole sum over the lines of the inverse."""
    h_phi_ks = _h_phi(xp, hh, len(rks) + 1)
    total = [phi * _row(row, d1s) for phi, row in zip(h_phi_ks[1:], _inverse(rks), strict=True)]
    return sum(total[1:], total[0])


def _released(xp: Any, hh: Any, rks: Sequence[Any], d1s: Sequence[Any]) -> Any:
    """What the authors' code makes of it; the last node is the one at ``t``."""
    h_phi_ks, a = _h_phi(xp, hh, len(rks) + 1), _inverse(rks)
    last = h_phi_ks[len(rks)] * (a[-2][-1] * d1s[-1])
    total = [phi * _row(row[:-1], d1s[:-1]) for phi, row in zip(h_phi_ks[1:-1], a[:-1], strict=True)]
    return sum(total, last)


def _predictor(order: int, space: str) -> Form:
    base = _SPACES[space]

    def unip(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
        hh, first, scale = base(xp, past[0], t)
        return first - scale * _all_rows(xp, hh, *_differences(past[:order], t))

    return unip


def _corrector(order: int, space: str, pick: Callable[..., Any]) -> Corrector:
    base = _SPACES[space]

    def unic(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
        hh, first, scale = base(xp, past[0], now.at)
        rks, d1s = _differences(past[:order], now.at)
        one = 1 + 0 * (hh / hh)
        return first - scale * pick(xp, hh, [*rks, one], [*d1s, now.pred - past[0].pred])

    return unic


def _predictors(order: int, space: str) -> tuple[Form, ...]:
    return (_FIRST[space], *(_predictor(p, space) for p in range(2, order + 1)))


_MODES = {"x0": "predict_x0=True", "eps": "predict_x0=False"}


def _skrample(sampler: str, order: int, space: str) -> dict[str, str]:
    text = f"{sampler}(order={order}, derivative_transform=DataModel())"
    return {"x0": {"skrample": text}}.get(space, {})


def _unip(order: int, space: str) -> Solver:
    return Solver(
        f"unip_vary_{order}_{space}",
        space,
        _predictors(order, space),
        order=order,
        source=f"uni_pc.py multistep_uni_pc_vary_update(use_corrector=False), {_MODES[space]}",
        last=_FIRST[space],
        aliases=_skrample("UniP", order, space),
    )


def _unipc(order: int, space: str) -> Solver:
    return Solver(
        f"unipc_vary_{order}_{space}",
        space,
        _predictors(order, space),
        order=order + 1,
        source="arXiv:2302.04867 appendix C",
        correct=tuple(_corrector(p, space, _all_rows) for p in range(1, order + 1)),
        last=_FIRST[space],
        aliases=_skrample("UniPC", order, space),
    )


def _unipc_released(order: int, space: str) -> Solver:
    correct = (_corrector(1, space, _all_rows), *(_corrector(p, space, _released) for p in range(2, order + 1)))
    return Solver(
        f"unipc_vary_{order}_{space}_released",
        space,
        _predictors(order, space),
        order=order + 1,
        source=f"uni_pc.py multistep_uni_pc_vary_update, {_MODES[space]}",
        correct=correct,
        last=_FIRST[space],
    )


SOLVERS = (
    *(_unip(p, space) for p in (2, 3) for space in _SPACES),
    *(_unipc(p, space) for p in (1, 2, 3) for space in _SPACES),
    *(_unipc_released(p, space) for p in (2, 3) for space in _SPACES),
)
