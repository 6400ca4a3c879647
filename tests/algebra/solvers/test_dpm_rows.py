"""The DPM families over three steps, the latents of all network calls included.

One trajectory whatever the network emits; and a network that always says the same is integrated exactly.
"""

from fractions import Fraction as F
from functools import partial
from typing import Any

import pytest

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.nodes import by_lam
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import (
    Solver,
    dpm_solver_2m,
    dpm_solver_3m,
    dpm_solver_diffusers,
    dpm_solver_pp_3m,
    dpm_solver_pp_diffusers,
    dpm_solver_pp_singlestep,
    dpm_solver_singlestep,
    dpm_solver_v3,
    k_diffusion_dpm_solver,
    k_diffusion_dpmpp,
    res,
    seeds,
)
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.exact.rational import RATIONAL

FAMILIES = (
    dpm_solver_2m,
    dpm_solver_3m,
    dpm_solver_diffusers,
    dpm_solver_pp_3m,
    dpm_solver_pp_diffusers,
    dpm_solver_pp_singlestep,
    dpm_solver_singlestep,
    dpm_solver_v3,
    k_diffusion_dpm_solver,
    k_diffusion_dpmpp,
    res,
    seeds,
)
ALL = [solver for family in FAMILIES for solver in family.SOLVERS]
# Sixth powers of kappa: the middle and the thirds of a step are rational.
LEVELS = tuple(point(RATIONAL, 1 / (1 + k), k / (1 + k)) for k in (F(3) ** 6, F(2) ** 6, F(3, 2) ** 6, F(1, 2) ** 6))
between = partial(by_lam, RATIONAL, "flow")


def trace(solver: Solver, row: str, wrong: int = 0) -> list[Any]:
    """Where the network is called and what comes of it; ``wrong`` is added to what it should emit."""
    visited: list[Any] = []

    def network(z: Any, at: Point) -> Any:
        visited.append(z)
        x0 = z / 3 + F(len(visited), 5)
        return emit(RATIONAL, x0, eps_from_x0(z, x0, at), at, row) + wrong

    net = native_network(RATIONAL, solver, row, network)
    latents = list(trajectory(RATIONAL, solver, net, F(7, 4), LEVELS, between))
    return [*visited, *latents]


@pytest.mark.parametrize("solver", ALL, ids=lambda solver: solver.name)
def test_one_trajectory_from_every_parameterization(solver):
    native = trace(solver, solver.space)
    assert len(native) >= 2 * (len(LEVELS) - 1)
    assert all(trace(solver, row) == native for row in ("eps", "x0", "v", "flow"))
    assert trace(solver, "v", wrong=1) != native


@pytest.mark.parametrize("solver", ALL, ids=lambda solver: solver.name)
def test_a_constant_prediction_is_integrated_exactly(solver):
    x0, eps = F(2, 3), F(-5, 7)
    visited: list[tuple[Any, Point]] = []

    def network(z: Any, at: Point) -> Any:
        visited.append((z, at))
        return {"x0": x0, "eps": eps}[solver.space]

    start = LEVELS[0].alpha * x0 + LEVELS[0].sigma * eps
    latents = list(trajectory(RATIONAL, solver, network, start, LEVELS, between))
    assert len(visited) >= len(latents) == 3
    for z, at in (*visited, *zip(latents, LEVELS[1:], strict=True)):
        assert z == at.alpha * x0 + at.sigma * eps
