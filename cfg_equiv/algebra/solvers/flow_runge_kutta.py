r"""Runge-Kutta methods on the flow ODE :math:`\dot z = u`, :math:`u = \epsilon - x_0`, with ``sigma`` as time.

All of them call the network at the ends of a step as they are: at :math:`\sigma = 0` too, where only ``x0``, ``v`` and
the velocity itself are defined by the latent. diffusers' Heun takes Euler's step there.

References
----------
[Chen] torchdiffeq, ``_impl/fixed_grid.py`` and ``_impl/rk_common.py``: ``midpoint``, ``heun2``, ``heun3``, and ``rk4``,
    which is the rule with nodes in thirds (``rk4_alt_step_func``), not the classic one. flow_matching's ``ODESolver``
    calls them by these names.
[SAT] stable-audio-tools, ``inference/sampling.py``: ``sample_rk4``, the classic one.
[HF] diffusers, ``FlowMatchHeunDiscreteScheduler``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.rectified_flow import euler_flow
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def flow_midpoint(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r""":math:`z' = z + h\,u\bigl(z + \tfrac h2 u_s,\ \sigma_s + \tfrac h2\bigr)` [Chen, ``Midpoint``]."""
    now = past[0]
    dt = t.sigma - now.at.sigma
    half_dt = dt / 2
    y_mid = now.z + now.pred * half_dt
    return now.z + dt * net(y_mid, mid)


def flow_heun(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""Both slopes by way of the denoised sample, then their mean [HF].

    .. math::
        d = \frac{z - (z - \sigma_s u)}{\sigma_s},\quad z_2 = z + d\,(\sigma_t-\sigma_s),\quad
        d_2 = \frac{z_2 - (z_2 - \sigma_t u_2)}{\sigma_t},\quad z' = z + \tfrac12(d + d_2)(\sigma_t - \sigma_s)
    """
    now = past[0]
    denoised = now.z - now.pred * now.at.sigma
    derivative = (now.z - denoised) / now.at.sigma
    dt = t.sigma - now.at.sigma
    z_2 = now.z + derivative * dt
    denoised_2 = z_2 - net(z_2, t) * t.sigma
    derivative_2 = (z_2 - denoised_2) / t.sigma
    return now.z + (derivative + derivative_2) / 2 * dt


def flow_heun2(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r""":math:`z' = z + h(\tfrac12 k_1 + \tfrac12 k_2)`, :math:`k_2` at :math:`z + h k_1` [Chen, ``Heun2``]."""
    now = past[0]
    dt = t.sigma - now.at.sigma
    k1 = now.pred
    k2 = net(now.z + dt * k1, t)
    return now.z + dt * (k1 / 2 + k2 / 2)


def flow_heun3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, third: Point, thirds: Point) -> Any:
    r"""Nodes at 1/3 and 2/3, weights 1/4, 0, 3/4 [Chen, ``Heun3``]."""
    now = past[0]
    dt = t.sigma - now.at.sigma
    k1 = now.pred
    k2 = net(now.z + dt * k1 / 3, third)
    k3 = net(now.z + dt * (2 * k2) / 3, thirds)
    return now.z + dt * (k1 / 4 + 3 * k3 / 4)


def flow_rk4(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""The classic rule, :math:`z' = z + \tfrac h6(k_1 + 2k_2 + 2k_3 + k_4)` [SAT, ``sample_rk4``]."""
    now = past[0]
    dt = t.sigma - now.at.sigma
    k1 = now.pred
    k2 = net(now.z + dt / 2 * k1, mid)
    k3 = net(now.z + dt / 2 * k2, mid)
    k4 = net(now.z + dt * k3, t)
    return now.z + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def flow_rk4_38(xp: Any, past: tuple[Past, ...], t: Point, net: Network, third: Point, thirds: Point) -> Any:
    r"""The 3/8 rule, :math:`z' = z + \tfrac h8(k_1 + 3k_2 + 3k_3 + k_4)` [Chen, ``rk4_alt_step_func``]."""
    now = past[0]
    dt = t.sigma - now.at.sigma
    k1 = now.pred
    k2 = net(now.z + dt * k1 / 3, third)
    k3 = net(now.z + dt * (k2 - k1 / 3), thirds)
    k4 = net(now.z + dt * (k1 - k2 + k3), t)
    return now.z + (k1 + 3 * (k2 + k3) + k4) * dt / 8


_HALF = (Fraction(1, 2),)
_THIRDS = (Fraction(1, 3), Fraction(2, 3))


def _entry(name: str, form: Inner, order: int, source: str, aliases: dict[str, str], last: Any = None) -> Solver:
    """A solver of the flow ODE."""
    return Solver(
        name, "flow", (form,), order=order, source=source, last=last, path="flow", clock="sigma", aliases=aliases
    )


SOLVERS = (
    _entry(
        "flow_midpoint",
        Inner(flow_midpoint, _HALF),
        2,
        "torchdiffeq Midpoint",
        {"torchdiffeq": "midpoint", "flow_matching": "ODESolver(method='midpoint')"},
    ),
    _entry(
        "flow_heun",
        Inner(flow_heun),
        2,
        "diffusers FlowMatchHeunDiscreteScheduler",
        {"diffusers": "FlowMatchHeunDiscreteScheduler"},
        last=lift(euler_flow),
    ),
    _entry("flow_heun2", Inner(flow_heun2), 2, "torchdiffeq Heun2", {"torchdiffeq": "heun2"}),
    _entry("flow_heun3", Inner(flow_heun3, _THIRDS), 3, "torchdiffeq Heun3", {"torchdiffeq": "heun3"}),
    _entry(
        "flow_rk4",
        Inner(flow_rk4, _HALF),
        4,
        "stable-audio-tools sample_rk4",
        {"stable_audio_tools": "sample_rk4"},
    ),
    _entry("flow_rk4_38", Inner(flow_rk4_38, _THIRDS), 4, "torchdiffeq rk4_alt_step_func", {"torchdiffeq": "rk4"}),
)
