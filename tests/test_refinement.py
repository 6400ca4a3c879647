"""The grids that orders are measured on: their ends, their direction, and which of them is no smooth image."""

import pytest
import torch

from cfg_equiv.refinement import GRIDS
from cfg_equiv.rounding import assert_within, calibrated_spread

ENDS = torch.tensor([10.0, 0.5], dtype=torch.float64)
VARIABLES = {
    "uniform log-SNR": torch.log,
    "karras": lambda kappa: kappa ** (1 / 7),
    "vp_cosine": torch.atan,
    "ve": lambda kappa: kappa,
    "flow": lambda kappa: kappa / (1 + kappa),
}


def kappas(name, n, ends=ENDS, before=0):
    return GRIDS[name](torch.arange(-before, n + 1, dtype=torch.float64), n, *ends.tolist())


def even(name, variable, n=16, stride=1):
    """Whether the grid is uniform in a variable, as far as one ulp in its levels and in the variable lets see."""

    def turns(nudge, levels):
        return nudge(variable(levels))[::stride].diff().diff()

    found = calibrated_spread(turns, [kappas(name, n)])
    return bool((found.result.abs() <= found.bound).all())


def sharpest_turn(name, n):
    """How far the ratio of neighbouring steps in log-SNR is from 1, at most."""
    steps = kappas(name, n).log().diff()
    return (steps[1:] / steps[:-1]).log().abs().max().item()


@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_falls_from_one_end_to_the_other_and_goes_on_before_its_start(name):
    levels = kappas(name, 40, before=3)
    assert (levels > 0).all()
    assert (levels.diff() < 0).all()
    allowed = calibrated_spread(lambda _, ends: kappas(name, 40, ends), [ENDS])
    assert_within(ENDS, allowed.result[[0, -1]], allowed.bound[[0, -1]])


@pytest.mark.parametrize("name", VARIABLES)
def test_each_name_is_uniform_in_its_own_variable_alone(name):
    assert [other for other, variable in VARIABLES.items() if even(name, variable)] == [name]


def test_the_alternating_one_is_uniform_in_log_snr_over_pairs_of_steps():
    assert even("alternating", torch.log, stride=2)
    assert not even("alternating", torch.log)
    long, short = kappas("alternating", 16).log().diff().abs().reshape(-1, 2).sum(0).sort(descending=True).values
    assert round((long / short).item(), 9) == 2


@pytest.mark.parametrize("name", GRIDS)
def test_steps_of_a_smooth_image_become_alike_and_those_of_the_alternating_one_do_not(name):
    smooth = even(name, torch.log) or sharpest_turn(name, 320) < sharpest_turn(name, 40) / 4
    assert smooth == (name != "alternating")
