r"""skrample's ``Adams`` and ``DPM``: one combination of outputs, in any of four spaces, then that space's own step.

A model of prediction has a first-order step :math:`z' = \Gamma z + \Delta\,p`; ``Adams`` and ``DPM`` replace the output
:math:`p` by a combination of the last ones, taken in the space of ``derivative_transform``. The combination does not
know the space: ``Adams`` takes the coefficients of equal steps, ``DPM`` those of the data form. In the data space
``DPM`` is DPM-Solver++, multistep; elsewhere its third order is another map. In the v space the step turns the latent
by the whole angle, as it must for a v at ``s``; a v extrapolated to the middle of the step has turned already.

With :math:`h = \lambda_t - \lambda_s` and the steps before it :math:`rh` and :math:`r_2h`; ``past[0]`` is at ``s``.

References
----------
[Beinsezii] skrample, ``sampling/structured.py``: ``Adams``, ``DPM``; ``sampling/models.py``: the four models;
    ``common.py``: ``bashforth``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Past, Solver

Combine = Callable[[Any, tuple[Past, ...], Point], Any]
Space = Callable[[Any, Any, Point, Point], Any]


def _data(z: Any, x0: Any, s: Point, t: Point) -> Any:
    r"""``DataModel``: :math:`\Gamma = \sigma_t/\sigma_s`, :math:`\Delta = \alpha_t - \alpha_s\sigma_t/\sigma_s`."""
    return t.sigma / s.sigma * z + (t.alpha - s.alpha * t.sigma / s.sigma) * x0


def _noise(z: Any, eps: Any, s: Point, t: Point) -> Any:
    r"""``NoiseModel``: :math:`\Gamma = \alpha_t/\alpha_s`, :math:`\Delta = \sigma_t - \alpha_t\sigma_s/\alpha_s`."""
    return t.alpha / s.alpha * z + (t.sigma - (t.alpha * s.sigma) / s.alpha) * eps


def _flow(z: Any, u: Any, s: Point, t: Point) -> Any:
    r"""``FlowModel``, on any path.

    .. math::
        \Gamma = \frac{\sigma_t+\alpha_t}{\sigma_s+\alpha_s},\qquad
        \Delta = \frac{\alpha_s\sigma_t-\alpha_t\sigma_s}{\alpha_s+\sigma_s}
    """
    delta = (s.alpha * t.sigma - t.alpha * s.sigma) / (s.alpha + s.sigma)
    return (t.sigma + t.alpha) / (s.sigma + s.alpha) * z + delta * u


def _velocity(z: Any, v: Any, s: Point, t: Point) -> Any:
    r"""``VelocityModel``, VP only.

    .. math::
        \Gamma = \frac{\sigma_t}{\sigma_s}(1-\alpha_s^2) + \alpha_t\alpha_s,\qquad
        \Delta = \alpha_s\sigma_t - \alpha_t\sigma_s
    """
    gamma = t.sigma / s.sigma * (1 - s.alpha * s.alpha) + t.alpha * s.alpha
    return gamma * z + (s.alpha * t.sigma - t.alpha * s.sigma) * v


def _latest(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The output itself: the first step, and the last."""
    return past[0].pred


def _adams_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`\tfrac32 p_0 - \tfrac12 p_1`."""
    return (3 * past[0].pred - past[1].pred) / 2


def _adams_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`\tfrac{1}{12}(23 p_0 - 16 p_1 + 5 p_2)`."""
    return (23 * past[0].pred - 16 * past[1].pred + 5 * past[2].pred) / 12


def _dpm_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`p_0 + \tfrac12 D_{1,0}` with :math:`D_{1,0} = \frac1r(p_0-p_1)`."""
    h = t.lam - past[0].at.lam
    r = (past[0].at.lam - past[1].at.lam) / h
    return past[0].pred + 1 / r * (past[0].pred - past[1].pred) / 2


def _dpm_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The third-order combination of the data form.

    .. math::
        D_{1,1} = \frac{p_1-p_2}{r_2},\quad D_1 = D_{1,0} + \frac{r}{r+r_2}(D_{1,0}-D_{1,1}),\quad
        D_2 = \frac{D_{1,0}-D_{1,1}}{r+r_2}

    .. math::
        p_0 + \frac{E/(-h) - 1}{E} D_1 + \frac{(E+h)/h^2 - \tfrac12}{E} D_2,\qquad E = e^{-h}-1
    """
    h = t.lam - past[0].at.lam
    r = (past[0].at.lam - past[1].at.lam) / h
    r_prev2 = (past[1].at.lam - past[2].at.lam) / h
    d1_0 = 1 / r * (past[0].pred - past[1].pred)
    d1_1 = 1 / r_prev2 * (past[1].pred - past[2].pred)
    d1 = d1_0 + r / (r + r_prev2) * (d1_0 - d1_1)
    d2 = 1 / (r + r_prev2) * (d1_0 - d1_1)
    hh = -h
    exp2 = xp.expm1(hh)
    c1 = (exp2 / hh - 1) / exp2
    c2 = (2 * (exp2 - hh) / (hh * hh) - 1) / (2 * exp2)
    return past[0].pred + c1 * d1 + c2 * d2


def _step_of(space: Space, combine: Combine, xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The space's step of the combined outputs."""
    return space(past[0].z, combine(xp, past, t), past[0].at, t)


_SPACES: tuple[tuple[str, Space, str], ...] = (
    ("x0", _data, "DataModel"),
    ("eps", _noise, "NoiseModel"),
    ("flow", _flow, "FlowModel"),
    ("v", _velocity, "VelocityModel"),
)

_COMBINATIONS: tuple[tuple[str, str, tuple[Combine, ...]], ...] = (
    ("adams", "Adams", (_latest, _adams_2, _adams_3)),
    ("dpm", "DPM", (_latest, _dpm_2, _dpm_3)),
)

SOLVERS = tuple(
    Solver(
        f"{name}_{order}_{space}",
        space,
        tuple(partial(_step_of, step, combine) for combine in combinations[:order]),
        order=order,
        source=f"skrample sampling/structured.py, {sampler}, with {model}",
        last=partial(_step_of, step, _latest),
        path="vp" if space == "v" else "any",
        aliases={"skrample": f"{sampler}(order={order}, derivative_transform={model}())"},
    )
    for name, sampler, combinations in _COMBINATIONS
    for space, step, model in _SPACES
    for order in (2, 3)
)
