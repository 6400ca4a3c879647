r"""SA-Solver without noise, :math:`\tau = 0`: exponential Adams-Bashforth and Adams-Moulton steps, and their pairs.

The polynomial through :math:`n` outputs :math:`m_i` at :math:`\lambda_i` is put under the integral,

.. math::
    z' = \frac{\sigma_t}{\sigma_s}z + \sigma_t\sum_i m_i\int_{\lambda_s}^{\lambda_t} e^\lambda\ell_i(\lambda)\,d\lambda
    \quad\text{(data)},\qquad
    z' = \frac{\alpha_t}{\alpha_s}z - \alpha_t\sum_i m_i\int_{\lambda_s}^{\lambda_t} e^{-\lambda}\ell_i(\lambda)\,
    d\lambda\quad\text{(noise)}.

The predictor of order ``n`` reads the outputs up to ``s``, the corrector of order ``n`` the one at ``t`` and
:math:`n - 1` earlier ones. Integrals of :math:`e^{\pm\lambda}\lambda^k` have closed forms, the coefficients of
:math:`\ell_i` are those of :mod:`cfg_equiv.algebra.moments`. Of a pair, PEC keeps the output made on the predicted
latent, PECE asks again on the corrected one.

Few-step sampling has a rescaled order 2, of the data form alone: the weights of the divided difference are
:math:`\frac{h^2}{2}` instead of :math:`h - 1 + e^{-h}` (predictor) and :math:`\frac h2` instead of
:math:`(h - 1 + e^{-h})/h` (corrector), each times :math:`e^{\lambda_t}`.

The orders in hand grow by one a step; released code lowers them again at the end, down to 1 at the last step, which
few-step sampling does not correct.

References
----------
[Xue23] Xue et al., SA-Solver, arXiv:2309.05019; the authors' ``sa_solver.py``: ``adams_bashforth_update``,
    ``adams_moulton_update`` and their ``_few_steps`` forms, ``get_coefficients_fn``.
[Diffusers] ``SASolverScheduler``: the few-step forms, PEC. [ComfyUI] ``k_diffusion/sampling.py``: ``sample_sa_solver``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cfg_equiv.algebra.moments import quadrature_weights
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Form, Past, Solver, lift

Corrector = Callable[[Any, tuple[Past, ...], Past], Any]
Step = Callable[[Any, Past, Point, Sequence[Past]], Any]


def _powers(x: Any, count: int, sign: int) -> list[Any]:
    r"""The polynomials of :math:`\int e^{\mp x}x^k\,dx`: 1, x+-1, x^2+-2x+2, x^3+-3x^2+6x+-6."""
    x = 0 + x
    found = [
        1 + 0 * x,
        x + sign,
        x * x + sign * 2 * x + 2,
        x * x * x + sign * 3 * (x * x) + 6 * x + sign * 6,
    ]
    return found[:count]


def _exponential_positive(xp: Any, start: Any, end: Any, count: int) -> list[Any]:
    r""":math:`\int e^x x^k\,dx = e^b\,(p_k(b) - p_k(a)\,e^{-(b-a)})` for :math:`k` below the count."""
    grown, decay = 1 + xp.expm1(end), 1 + xp.expm1(-(end - start))
    pairs = zip(_powers(end, count, -1), _powers(start, count, -1), strict=True)
    return [grown * (at_end - at_start * decay) for at_end, at_start in pairs]


def _exponential_negative(xp: Any, start: Any, end: Any, count: int) -> list[Any]:
    r""":math:`\int e^{-x} x^k\,dx = e^{-b}\,(p_k(a)\,e^{b-a} - p_k(b))` for :math:`k` below the count."""
    shrunk, growth = 1 + xp.expm1(-end), 1 + xp.expm1(end - start)
    pairs = zip(_powers(end, count, 1), _powers(start, count, 1), strict=True)
    return [shrunk * (at_start * growth - at_end) for at_end, at_start in pairs]


def _gradient(coefficients: Sequence[Any], scale: Any, outputs: Sequence[Past]) -> Any:
    weighted = [scale * c * one.pred for c, one in zip(coefficients, outputs, strict=True)]
    return sum(weighted[1:], weighted[0])


def _data(xp: Any, now: Past, t: Point, outputs: Sequence[Past]) -> Any:
    """The step of the data form from ``now``, with the polynomial through these outputs."""
    nodes = [0 + one.at.lam for one in outputs]
    coefficients = quadrature_weights(nodes, _exponential_positive(xp, now.at.lam, t.lam, len(outputs)))
    return t.sigma / now.at.sigma * now.z + _gradient(coefficients, t.sigma, outputs)


def _noise(xp: Any, now: Past, t: Point, outputs: Sequence[Past]) -> Any:
    """The step of the noise form from ``now``, with the polynomial through these outputs."""
    nodes = [0 + one.at.lam for one in outputs]
    coefficients = quadrature_weights(nodes, _exponential_negative(xp, now.at.lam, t.lam, len(outputs)))
    return t.alpha / now.at.alpha * now.z + _gradient(coefficients, -t.alpha, outputs)


def _rescaled(xp: Any, now: Past, t: Point, outputs: Sequence[Past], added: Any) -> Any:
    """The data form of order 2 with the coefficients moved by what few-step sampling adds."""
    nodes = [0 + one.at.lam for one in outputs]
    first, second = quadrature_weights(nodes, _exponential_positive(xp, now.at.lam, t.lam, 2))
    moved = (1 + xp.expm1(t.lam)) * added
    return t.sigma / now.at.sigma * now.z + _gradient((first + moved, second - moved), t.sigma, outputs)


_STEPS: dict[str, Step] = {"x0": _data, "eps": _noise}
_FIRST = {"x0": lift(dpm_solver_pp_1), "eps": lift(dpm_solver_1)}


def _bashforth(space: str, order: int) -> Form:
    step = _STEPS[space]

    def predictor(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
        return step(xp, past[0], t, past[:order])

    return predictor


def _moulton(space: str, order: int) -> Corrector:
    step = _STEPS[space]

    def corrector(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
        return step(xp, past[0], now.at, (now, *past)[:order])

    return corrector


def _bashforth_few_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Order 2 of few-step sampling: :math:`e^{\lambda_t}\frac{h^2/2 - (h-1+e^{-h})}{\lambda_s-\lambda_{-1}}` added."""
    h = t.lam - past[0].at.lam
    added = (h * h / 2 - (h + xp.expm1(-h))) / (past[0].at.lam - past[1].at.lam)
    return _rescaled(xp, past[0], t, past[:2], added)


def _moulton_few_2(xp: Any, past: tuple[Past, ...], now: Past) -> Any:
    r"""The corrector of few-step sampling: :math:`e^{\lambda_t}\bigl(\frac h2 - \frac{h-1+e^{-h}}{h}\bigr)` added."""
    h = now.at.lam - past[0].at.lam
    added = h / 2 - (h + xp.expm1(-h)) / h
    return _rescaled(xp, past[0], now.at, (now, past[0]), added)


def _predictors(space: str, order: int) -> tuple[Form, ...]:
    return (_FIRST[space], *(_bashforth(space, p) for p in range(2, order + 1)))


def _correctors(space: str, order: int) -> tuple[Corrector, ...]:
    return tuple(_moulton(space, p) for p in range(2, order + 1))


def _few(order: int) -> tuple[Form, ...]:
    return (_FIRST["x0"], _bashforth_few_2, *_predictors("x0", order)[2:])


_COMFYUI = "tau_func=lambda sigma: 0"


def _comfyui(predictor: int, corrector: int, space: str, reevaluate: bool, few: bool) -> dict[str, str]:
    name = {False: "sample_sa_solver", True: "sample_sa_solver_pece"}[reevaluate]
    orders = f"predictor_order={predictor}, corrector_order={corrector}"
    simple = {False: "", True: ", simple_order_2=True"}[few]
    return {"x0": {"comfyui": f"{name}({_COMFYUI}, {orders}{simple})"}}.get(space, {})


def _diffusers(predictor: int, corrector: int, algorithm: str) -> dict[str, str]:
    orders = f"predictor_order={predictor}, corrector_order={corrector}"
    return {"diffusers": f"SASolverScheduler({orders}, tau_func=lambda t: 0, algorithm_type='{algorithm}')"}


_MODES = {"x0": "data_prediction", "eps": "noise_prediction"}


def _predictor(order: int, space: str) -> Solver:
    return Solver(
        f"sa_predictor_{order}_{space}",
        space,
        _predictors(space, order),
        order=order,
        source=f"sa_solver.py SASolver.adams_bashforth_update, {_MODES[space]}, tau=0",
        last=_FIRST[space],
        aliases=_comfyui(order, 0, space, reevaluate=False, few=False),
    )


def _pair(predictor: int, corrector: int, space: str, reevaluate: bool) -> Solver:
    mode, pc = {False: ("pc", "PEC"), True: ("pece", "PECE")}[reevaluate]
    in_diffusers = {("eps", False): _diffusers(predictor, corrector, _MODES[space])}
    return Solver(
        f"sa_{mode}_{predictor}{corrector}_{space}",
        space,
        _predictors(space, predictor),
        order=corrector,
        source=f"sa_solver.py SASolver.sample_more_steps, {_MODES[space]}, pc_mode='{pc}', tau=0",
        correct=_correctors(space, corrector),
        reevaluate=reevaluate,
        last=_FIRST[space],
        aliases=_comfyui(predictor, corrector, space, reevaluate, few=False)
        | in_diffusers.get((space, reevaluate), {}),
    )


def _few_steps(predictor: int, corrector: int, reevaluate: bool) -> Solver:
    mode, pc = {False: ("pc", "PEC"), True: ("pece", "PECE")}[reevaluate]
    in_diffusers = {False: _diffusers(predictor, corrector, _MODES["x0"])}
    return Solver(
        f"sa_{mode}_{predictor}{corrector}_few_x0",
        "x0",
        _few(predictor),
        order=corrector,
        source=f"sa_solver.py SASolver.sample_few_steps, pc_mode='{pc}', tau=0",
        correct=(_moulton_few_2, *_correctors("x0", corrector)[1:]),
        reevaluate=reevaluate,
        last=_FIRST["x0"],
        aliases=_comfyui(predictor, corrector, "x0", reevaluate, few=True) | in_diffusers.get(reevaluate, {}),
    )


def _few_steps_predictor(order: int) -> Solver:
    return Solver(
        f"sa_predictor_{order}_few_x0",
        "x0",
        _few(order),
        order=order,
        source="sa_solver.py SASolver.adams_bashforth_update_few_steps, tau=0",
        last=_FIRST["x0"],
        aliases=_comfyui(order, 0, "x0", reevaluate=False, few=True),
    )


def _first(space: str) -> Solver:
    """Order 1, by the closed form of the integrals."""
    one = _predictor(1, space)
    return replace(one, predict=(_bashforth(space, 1),), aliases={})


# Predictor and corrector of the pairs: the orders that the authors recommend, and the corrector one order above.
_PAIRS = ((1, 2), (2, 2), (2, 3), (3, 4))

SOLVERS = (
    *(_first(space) for space in _STEPS),
    *(_predictor(order, space) for order in (2, 3) for space in _STEPS),
    *(_few_steps_predictor(order) for order in (2, 3)),
    *(_pair(p, c, space, reevaluate) for reevaluate in (False, True) for p, c in _PAIRS for space in _STEPS),
    *(_few_steps(p, c, reevaluate) for reevaluate in (False, True) for p, c in ((2, 2), (3, 4))),
)
