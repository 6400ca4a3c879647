from fractions import Fraction

import pytest
import torch

from cfg_equiv.errors import ParameterError
from cfg_equiv.rounding import assert_within
from cfg_equiv.schedules import RectifiedFlow
from tests.schedules.reference import TIMES, U32, relative


@pytest.mark.parametrize("shift", [1.0, 3.0, 0.5])
def test_the_shifted_path_and_its_derivative(shift):
    schedule, s = RectifiedFlow(shift), Fraction(shift)
    times = [Fraction(t) for t in TIMES]
    at = schedule(torch.tensor(TIMES, dtype=torch.float64))
    slopes = schedule.derivative(torch.tensor(TIMES, dtype=torch.float64))
    exact = {
        "alpha": (at.alpha, [(1 - t) / (1 + (s - 1) * t) for t in times], 6),
        "sigma": (at.sigma, [s * t / (1 + (s - 1) * t) for t in times], 6),
        # a quotient rule: two terms of at most 15 roundings, which cancel by a factor of at most 4 at these shifts
        "dalpha": (slopes[0], [-s / (1 + (s - 1) * t) ** 2 for t in times], 60),
        "dsigma": (slopes[1], [s / (1 + (s - 1) * t) ** 2 for t in times], 60),
    }
    for got, values, units in exact.values():
        assert_within(got, values, torch.tensor(relative(values, units), dtype=torch.float64))
    assert schedule.path == "flow"
    assert (at.alpha[-1].item(), at.lam[-1].item()) == (0.0, -float("inf"))
    assert (at.sigma[0].item(), at.lam[0].item()) == (0.0, float("inf"))


def test_the_shift_multiplies_kappa():
    plain, shifted = RectifiedFlow()(0.25), RectifiedFlow(3.0)(0.25)
    assert_within(shifted.sigma / shifted.alpha, 3 * Fraction(1, 3), 15 * 2.0**-53)
    assert_within(plain.sigma / plain.alpha, Fraction(1, 3), 15 * 2.0**-53)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_released_shift(shift):
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift).sigmas
    times = torch.arange(1000, 0, -1, dtype=torch.float64) / 1000
    ours = RectifiedFlow(shift)(times).sigma
    assert_within(
        theirs, ours, ours * 6 * U32
    )  # a quotient, a product, a product, a sum, a quotient; t is counted twice
    with pytest.raises(AssertionError, match="outside"):
        assert_within(theirs, RectifiedFlow(shift + 0.01)(times).sigma, ours * 6 * U32)


def test_bad_input():
    with pytest.raises(ParameterError, match=r"expected 0 < shift < inf, got 0\.0: 1 is no shift, SD3 uses 3"):
        RectifiedFlow(0.0)
