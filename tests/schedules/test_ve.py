import mpmath
import pytest
import torch

from cfg_equiv.errors import ParameterError
from cfg_equiv.rounding import assert_within
from cfg_equiv.schedules import EDM, VEGeometric, exponential, karras
from tests.schedules.reference import TIMES, exact, relative


@pytest.mark.parametrize(("schedule", "spaced"), [(VEGeometric(0.01, 50.0), exponential), (EDM(0.01, 50.0), karras)])
def test_points_are_the_spacing_and_then_the_data_end(schedule, spaced):
    assert schedule.path == "ve"
    for n in (1, 2, 7):
        points = schedule.points(n)
        assert [p.sigma.item() for p in points] == [*spaced(n, 0.01, 50.0).tolist(), 0.0]
        assert {p.alpha.item() for p in points} == {1.0}
        assert points[-1].lam.item() == float("inf")


def test_the_last_level_is_not_zero():
    assert VEGeometric()(0.0).sigma > 0
    assert EDM()(0.0).sigma > 0


def test_derivatives():
    low, high = mpmath.mpf(0.01), mpmath.mpf(50.0)
    forms = {
        VEGeometric(0.01, 50.0): lambda t: low ** (1 - t) * high**t,
        EDM(0.01, 50.0, 7.0): lambda t: ((1 - t) * low ** (1 / mpmath.mpf(7)) + t * high ** (1 / mpmath.mpf(7))) ** 7,
    }
    for schedule, formula in forms.items():
        dalpha, dsigma = schedule.derivative(torch.tensor(TIMES, dtype=torch.float64))
        values = exact(lambda t, formula=formula: mpmath.diff(formula, t), TIMES)
        # at most 60 roundings in sigma or its power rho - 1, and two factors; the slope's difference of roots cancels
        # nothing, as 0.01 and 50 are far apart
        assert_within(dsigma, values, torch.tensor(relative(values, 60 + 20), dtype=torch.float64))
        assert dalpha.tolist() == [0.0] * len(TIMES)


def test_bad_input():
    with pytest.raises(ParameterError, match=r"two finite bounds of sigma, 0 < low < high, got 50\.0 and 0\.01: swap"):
        VEGeometric(50.0, 0.01)
    with pytest.raises(ParameterError, match=r"expected 0 < rho < inf, got -7: the paper uses 7"):
        EDM(rho=-7)
