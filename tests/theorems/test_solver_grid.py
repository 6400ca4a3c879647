"""The exact grid of the solvers is clean, has the whole catalogue in every row, and notices what it should."""

import dataclasses

import pytest

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.theorems import solver_grid
from cfg_equiv.theorems.grid import VALID
from cfg_equiv.theorems.solver_grid import SolverCase, run_solver_grid


@pytest.mark.slow
def test_the_grid_is_clean_and_covers_every_solver_row_and_path():
    seen = []
    result = run_solver_grid(seen.append)
    assert result.failures == ()
    assert result.cases == sum(len(VALID[solver.path]) for solver in SOLVERS.values()) * (len(PARAMETERIZATIONS) - 1)
    assert len(seen) == len(SOLVERS)


def test_it_notices_a_network_called_elsewhere(monkeypatch):
    monkeypatch.setattr(solver_grid, "SOLVERS", {"heun": SOLVERS["heun"]})
    right = solver_grid.network
    monkeypatch.setattr(solver_grid, "network", lambda row, z, at, call: right(row, z + (row == "flow"), at, call))
    failures = run_solver_grid().failures
    assert failures
    assert all(" from flow " in text for text in failures)


def test_it_notices_a_solver_that_reads_the_wrong_space():
    wrong = dataclasses.replace(SOLVERS["dpmpp_2m"], space="eps")
    assert SolverCase(wrong, "x0", "vp").trace() != SolverCase(SOLVERS["dpmpp_2m"], "x0", "vp").trace()


def test_the_trace_has_the_inner_calls_and_reaches_full_history():
    assert len(SolverCase(SOLVERS["heun"], "v", "vp").trace()) == 2 * 2 + 1
    case = SolverCase(SOLVERS["dpmpp_2m"], "v", "vp")
    assert case.steps >= SOLVERS["dpmpp_2m"].memory
    assert len(set(case.trace())) == case.steps + 1
