r"""DEIS rhoRK: classical Runge-Kutta methods on :math:`dx/d\rho = \epsilon`.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\rho = \kappa`. All stages lie at
fractions of the step in :math:`\rho`; where a method has a stage at the end, the network is called there.

References
----------
[ZC22] Zhang, Chen, DEIS, arXiv:2204.13902; the authors' code, qsh-zh/deis, ``th_deis/rk.py``: ``rk2_heun``,
    ``rk3_kutta``, ``rk3_ral``, ``rk3_heun``, ``rk3_vdh``, ``rk3_ssprk``, ``rk4``; ``th_deis/sampler.py``:
    ``get_sampler_rho_rk``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def deis_rho_heun(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r""":math:`x + \tfrac h2(g_1 + g_2)` [ZC22, ``rk2_heun``]."""
    x, dt, grad_1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    grad_2 = net(x + grad_1 * dt, t)
    return x + dt / 2 * (grad_1 + grad_2)


def deis_rho_kutta3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Stages at 0, 1/2, 1; weights 1/6, 4/6, 1/6 [ZC22, ``rk3_kutta``]."""
    x, dt, k1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    k2 = net(x + dt * k1 / 2, mid)
    k3 = net(x - dt * k1 + dt * 2 * k2, t)
    return x + dt * (k1 / 6 + 4 * k2 / 6 + k3 / 6)


def deis_rho_ralston3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point, late: Point) -> Any:
    r"""Stages at 0, 1/2, 3/4; weights 2/9, 1/3, 4/9 [ZC22, ``rk3_ral``]."""
    x, dt, k1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    k2 = net(x + dt * k1 / 2, mid)
    k3 = net(x + dt * 3 * k2 / 4, late)
    return x + dt * (2 * k1 / 9 + k2 / 3 + 4 * k3 / 9)


def deis_rho_heun3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, third: Point, thirds: Point) -> Any:
    r"""Stages at 0, 1/3, 2/3; weights 1/4, 0, 3/4 [ZC22, ``rk3_heun``]."""
    x, dt, k1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    k2 = net(x + dt * k1 / 3, third)
    k3 = net(x + dt * 2 * k2 / 3, thirds)
    return x + dt * (k1 / 4 + 3 * k3 / 4)


def deis_rho_houwen3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, early: Point, late: Point) -> Any:
    r"""Van der Houwen's: stages at 0, 8/15, 2/3; weights 1/4, 0, 3/4 [ZC22, ``rk3_vdh``]."""
    x, dt, k1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    k2 = net(x + dt * 8 * k1 / 15, early)
    k3 = net(x + dt * k1 / 4 + dt * 5 * k2 / 12, late)
    return x + dt * (k1 / 4 + 3 * k3 / 4)


def deis_rho_ssprk3(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Strong-stability-preserving: stages at 0, 1, 1/2; weights 1/6, 1/6, 2/3 [ZC22, ``rk3_ssprk``]."""
    x, dt, k1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    k2 = net(x + dt * k1, t)
    k3 = net(x + dt * k1 / 4 + dt * k2 / 4, mid)
    return x + dt * (k1 / 6 + k2 / 6 + 2 * k3 / 3)


def deis_rho_rk4(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r""":math:`x + \tfrac h6(g_1 + 2g_2 + 2g_3 + g_4)` [ZC22, ``rk4``]."""
    x, dt, grad_1 = past[0].z, t.sigma - past[0].at.sigma, past[0].pred
    x_2 = x + grad_1 * dt / 2
    grad_2 = net(x_2, mid)
    x_3 = x + grad_2 * dt / 2
    grad_3 = net(x_3, mid)
    x_4 = x + grad_3 * dt
    grad_4 = net(x_4, t)
    return x + dt / 6 * (grad_1 + 2 * grad_2 + 2 * grad_3 + grad_4)


_F = Fraction

SOLVERS = tuple(
    Solver(
        f"deis_rho_{name}",
        "eps",
        (Inner(form, nodes),),
        order=order,
        source=f"qsh-zh/deis th_deis/rk.py {function}",
        state="z/alpha",
        clock="kappa",
        aliases={"th_deis": f"get_sampler(method='rho_rk', rk_method='{method}')"},
    )
    for name, form, nodes, order, function, method in (
        ("heun", deis_rho_heun, (), 2, "rk2_heun", "2heun"),
        ("kutta3", deis_rho_kutta3, (_F(1, 2),), 3, "rk3_kutta", "3kutta"),
        ("ralston3", deis_rho_ralston3, (_F(1, 2), _F(3, 4)), 3, "rk3_ral", "3ral"),
        ("heun3", deis_rho_heun3, (_F(1, 3), _F(2, 3)), 3, "rk3_heun", "3heun"),
        ("houwen3", deis_rho_houwen3, (_F(8, 15), _F(2, 3)), 3, "rk3_vdh", "3vdh"),
        ("ssprk3", deis_rho_ssprk3, (_F(1, 2),), 3, "rk3_ssprk", "3ssprk"),
        ("rk4", deis_rho_rk4, (_F(1, 2),), 4, "rk4", "4rk"),
    )
)
