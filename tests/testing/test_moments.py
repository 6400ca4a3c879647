"""The response of a run to its noise: one unit at a time, and one row of the batch for each draw."""

import torch

from cfg_equiv.faults.solvers import Ancestral, Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.moments import all_units, by_rows
from cfg_equiv.testing.subjects import Sampler

CASE = RunCase(shape=(2, 2), steps=3, weight=1)
NOISY = Sampler(Ancestral().run, Ancestral().level, ("eps",), state="vp", stochastic=True)


def test_both_ways_find_the_same_response():
    single, rows = all_units(NOISY, CASE), by_rows(NOISY, CASE)
    assert single.start.shape == (4, 4, 4)
    assert rows.drawn.shape[0] == 2 * 3 + 2  # as many as the rows that were made for them
    diagonal = torch.stack([single.start[j, :, j] for j in range(2)], 1)
    u = torch.finfo(torch.float64).eps
    assert float((rows.start[0] - diagonal).abs().max()) <= 64 * u  # differences of a few roundings of numbers near 1
    assert float((rows.drawn[0] - torch.stack([single.drawn[j, :, j] for j in range(2)], 1)).abs().max()) <= 64 * u
    assert not rows.drawn[3:].any()


def test_without_draws_there_is_the_start_alone():
    quiet = Sampler(Euler().run, Euler().level, ("eps",), state="vp")
    found = all_units(quiet, CASE)
    assert found.drawn.shape == (0, 4, 4)
    assert bool(found.start[:, 0].diagonal().all())
