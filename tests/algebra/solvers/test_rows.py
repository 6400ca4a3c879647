"""The linear multistep and Runge-Kutta families take one trajectory, whatever the network predicts."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import (
    SOLVERS,
    deis,
    deis_rho_rk,
    dpm_2,
    edm_ablation,
    flow_runge_kutta,
    gradient_estimation,
    ipndm,
    ipndm_v,
    lms,
    pndm,
    v_diffusion_rk,
)
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.exact.rational import RATIONAL

FAMILIES = (
    deis,
    deis_rho_rk,
    dpm_2,
    edm_ablation,
    flow_runge_kutta,
    gradient_estimation,
    ipndm,
    ipndm_v,
    lms,
    pndm,
    v_diffusion_rk,
)
NAMES = [solver.name for family in FAMILIES for solver in family.SOLVERS]


def on_path(path, u):
    """A rational curve of the path: what is compared does not depend on where the nodes lie."""
    alpha, sigma = {
        "any": (2 - u * u, u * (1 + u)),
        "vp": ((1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)),
        "flow": (1 - u, u),
    }[path]
    return point(RATIONAL, alpha, sigma)


def latents(solver, row, wrong=1):
    """Four steps with a network of the row that knows ``x0`` as a function of the latent and the level."""
    levels = {on_path(solver.path, u): u for u in (F(9, 10), F(4, 5), F(3, 5), F(1, 2), F(1, 3))}

    def network(z, at):
        x0 = z / (2 + at.sigma) + at.sigma / 3
        return wrong * emit(RATIONAL, x0, (z - at.alpha * x0) / at.sigma, at, row)

    def place(s, t, fraction):
        return on_path(solver.path, levels[s] + (levels[t] - levels[s]) * fraction)

    return list(trajectory(RATIONAL, solver, native_network(RATIONAL, solver, row, network), F(7, 4), [*levels], place))


@pytest.mark.parametrize("name", NAMES)
def test_one_trajectory_from_every_parameterization(name):
    solver = SOLVERS[name]
    native = latents(solver, solver.space)
    assert [row for row in ("eps", "x0", "v", "flow") if latents(solver, row) != native] == []
    assert latents(solver, "v", wrong=-1) != native


def test_the_families_are_in_the_catalogue_under_names_of_their_own():
    assert len(NAMES) == len(set(NAMES)) == 39
