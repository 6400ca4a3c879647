"""The exact grid is clean, and notices a wrong row, a wrong conversion and a wrong place of the network call."""

import dataclasses

import pytest

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.theorems import grid


def test_the_grid_is_clean_and_covers_every_sampler_row_and_step():
    seen = list(grid.cases())
    assert {(case.sampler.name, case.row, case.steps) for case in seen} == {
        (sampler, row, steps) for sampler in SAMPLERS for row in PARAMETERIZATIONS for steps in grid.STEPS
    }
    messages = []
    result = grid.run_grid(messages.append)
    assert (result.cases, result.failed) == (len(seen), 0)
    assert messages


def test_the_grid_notices_a_wrong_conversion(monkeypatch):
    right = grid.step_from
    monkeypatch.setattr(
        grid, "step_from", lambda xp, sampler, row, z, pred, *rest, **given: right(
            xp, sampler, row, z, pred + (1 if row == "v" else 0), *rest, **given
        )
    )  # fmt: skip
    result = grid.run_grid()
    assert result.failed
    assert all(" from v " in text or text.startswith(("ddim_v", "v_diffusion")) for text in result.failures)


def test_the_grid_notices_a_network_called_elsewhere(monkeypatch):
    right = grid.network
    monkeypatch.setattr(grid, "network", lambda row, z, at, call: right(row, z + (row == "flow"), at, call))
    failures = grid.run_grid().failures
    assert failures
    assert all(" from flow " in text or text.startswith("euler_flow") for text in failures)


@pytest.mark.parametrize("name", SAMPLERS)
def test_traces_move(name):
    """Nothing is compared with itself standing still: every step changes the latent."""
    case = next(case for case in grid.cases() if case.sampler.name == name and case.steps == 3)
    visited = grid.trace(case, case.row)
    assert len(visited) == 4
    assert len({repr(z) for z in visited}) == 4
    assert dataclasses.replace(case, steps=1) != case
