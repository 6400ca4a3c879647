"""UniPC and SA-Solver: one trajectory whatever the network predicts, and powers of the time integrated exactly."""

from fractions import Fraction as F
from math import factorial
from typing import Any

import pytest

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import SOLVERS, Past, Solver, sa_solver, unipc, unipc_vary
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import LOG_2, at

ALL = [solver for family in (unipc, unipc_vary, sa_solver) for solver in family.SOLVERS]
LEVELS = tuple(point(RATIONAL, 2 - u * u, u * (1 + u)) for u in (F(9, 10), F(4, 5), F(3, 5), F(1, 2), F(1, 3)))


def trace(solver: Solver, row: str, wrong: int = 0) -> list[Any]:
    """Where the network is called over four steps and what comes of it; ``wrong`` is added to what it should emit."""
    visited: list[Any] = []

    def network(z: Any, at: Any) -> Any:
        visited.append(z)
        x0 = z / 3 + F(len(visited), 5)
        return emit(RATIONAL, x0, (z - at.alpha * x0) / at.sigma, at, row) + wrong

    latents = list(trajectory(RATIONAL, solver, native_network(RATIONAL, solver, row, network), F(7, 4), LEVELS))
    return [*visited, *latents]


@pytest.mark.parametrize("solver", ALL, ids=lambda solver: solver.name)
def test_one_trajectory_from_every_parameterization(solver):
    native = trace(solver, solver.space)
    assert [row for row in ("eps", "x0", "v", "flow") if trace(solver, row) != native] == []
    assert trace(solver, "v", wrong=1) != native
    # four steps; PECE asks once more on each latent but the first
    assert len(native) - 4 == 4 + 3 * solver.reevaluate


# h = log 4, the outputs at 0, -1, -3 and -4 steps, and scales that differ from each other and from 1.
TARGET = at(2, 5)
OUTPUTS = ((at(8, 3), 0), (at(32, 2), -1), (at(512, 7), -3), (at(2048, 4), -4))
PREDICTORS = ("unip_bh1_3", "unip_bh2_4", "unip_vary_3", "sa_predictor_1", "sa_predictor_2", "sa_predictor_3")
CORRECTORS = ("unipc_bh1_3", "unipc_bh2_4", "unipc_vary_1", "unipc_vary_3", "sa_pc_22", "sa_pece_34")


def moment(solver: Solver, k: int, correct: bool = False) -> Any:
    """A step for outputs that are the k-th power of the time from s in steps, at z = 0."""
    outputs = [Past(level, F(0), F(tau) ** k) for level, tau in OUTPUTS]
    if correct:
        return solver.corrected(RATIONAL, tuple(outputs[: len(solver.correct)]), Past(TARGET, F(0), F(1)))
    return solver.step(RATIONAL, tuple(outputs[: len(solver.predict)]), TARGET)


def exact_moment(space: str, k: int) -> Any:
    r"""The integral: :math:`-k!\,h\varphi_{k+1}` times the scale, from :math:`\varphi_{k+1} = \varphi_k/h - 1/k!`."""
    hh, h_phi, scale = {"x0": (-2 * LOG_2, F(-3, 4), 5), "eps": (2 * LOG_2, F(3), 10)}[space]
    for j in range(1, k + 1):
        h_phi = h_phi / hh - F(1, factorial(j))
    return -scale * factorial(k) * h_phi


@pytest.mark.parametrize("space", ["x0", "eps"])
@pytest.mark.parametrize(("name", "correct"), [*((n, False) for n in PREDICTORS), *((n, True) for n in CORRECTORS)])
def test_powers_below_the_order_are_integrated_exactly(name, correct, space):
    solver = SOLVERS[f"{name}_{space}"]
    exact = [moment(solver, k, correct) == exact_moment(space, k) for k in range(solver.order + 1)]
    assert exact == [True] * solver.order + [False]


@pytest.mark.parametrize("space", ["x0", "eps"])
def test_of_the_corrector_as_released_only_the_constant_is(space):
    solver = SOLVERS[f"unipc_vary_3_{space}_released"]
    assert [moment(solver, k, correct=True) == exact_moment(space, k) for k in (0, 1)] == [True, False]


@pytest.mark.parametrize("k", [0, 1, 2])
def test_few_steps_are_bh1(k):
    few, bh1 = SOLVERS["sa_pc_22_few_x0"], (SOLVERS["unip_bh1_2_x0"], SOLVERS["unipc_bh1_1_x0"])
    assert moment(few, k) == moment(bh1[0], k)
    assert moment(few, k, correct=True) == moment(bh1[1], k, correct=True)
    assert (moment(few, k) == moment(SOLVERS["unip_bh2_2_x0"], k)) == (k == 0)


def test_the_families_are_in_the_catalogue_under_names_of_their_own():
    assert len(ALL) == len({solver.name for solver in ALL}) == 66
    assert {solver.name for solver in ALL} <= SOLVERS.keys()
