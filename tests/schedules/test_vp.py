r"""Bounds are counted in roundings u: 4 for a library function, 2 for a root, 1 for each operation and constant.

An error of the argument counts by the condition number of the function: at most 1 for the sine between 0 and pi/2,
x for exp(x), 1/2 for sqrt(1 - exp(-x)).
"""

import mpmath
import pytest
import torch
from mpmath import mpf

from cfg_equiv.errors import ParameterError, SingularEndError
from cfg_equiv.rounding import assert_within
from cfg_equiv.schedules import SquaredCosine, VPCosine, VPLinear, VPScaledLinear
from tests.schedules.reference import TIMES, U, exact, off_circle, relative


def linear_integral(t: mpf) -> mpf:
    low, high = mpf(0.1), mpf(20.0)
    return low * t + (high - low) * t**2 / 2


def scaled_integral(t: mpf) -> mpf:
    low, high = mpmath.sqrt(mpf(0.85)), mpmath.sqrt(mpf(12.0))
    return mpmath.quad(lambda x: (low + x * (high - low)) ** 2, [0, t])


def squared_cosine(t: mpf) -> mpf:
    s = mpf(0.008)
    return mpmath.cos((t + s) / (1 + s) * mpmath.pi / 2) / mpmath.cos(s / (1 + s) * mpmath.pi / 2)


ALPHAS = {
    "cosine": (VPCosine(), lambda t: mpmath.cos(mpmath.pi * t / 2), lambda t: mpmath.sin(mpmath.pi * t / 2), 7, 6),
    # alpha: 7 roundings of an integral of at most 10.05, halved, then exp; sigma: half of 7, expm1 by the root, root
    "linear": (
        VPLinear(),
        lambda t: mpmath.exp(-linear_integral(t) / 2),
        lambda t: mpmath.sqrt(1 - mpmath.exp(-linear_integral(t))),
        7 * 10.05 / 2 + 4,
        7 / 2 + 4 / 2 + 2,
    ),
    "scaled linear": (
        VPScaledLinear(),
        lambda t: mpmath.exp(-scaled_integral(t) / 2),
        lambda t: mpmath.sqrt(1 - mpmath.exp(-scaled_integral(t))),
        12 * 5.3 / 2 + 4,
        12 / 2 + 4 / 2 + 2,
    ),
    "squared cosine": (SquaredCosine(), squared_cosine, lambda t: mpmath.sqrt(1 - squared_cosine(t) ** 2), 14, 17),
}


@pytest.mark.parametrize("name", ALPHAS)
def test_alpha_and_sigma_are_the_closed_forms(name):
    schedule, alpha, sigma, alpha_units, sigma_units = ALPHAS[name]
    at = schedule(torch.tensor(TIMES, dtype=torch.float64))
    for got, formula, units in ((at.alpha, alpha, alpha_units), (at.sigma, sigma, sigma_units)):
        values = exact(formula, TIMES[1:-1])
        assert_within(got[1:-1], values, torch.tensor(relative(values, units), dtype=torch.float64))


def test_the_bound_rejects_the_textbook_cosine_next_to_its_end():
    t = 1 - 2.0**-30
    values = exact(lambda x: mpmath.cos(mpmath.pi * x / 2), [t])
    bound = torch.tensor(relative(values, 7), dtype=torch.float64)
    assert_within(VPCosine()(torch.tensor([t], dtype=torch.float64)).alpha, values, bound)
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(torch.cos(torch.tensor([t], dtype=torch.float64) * (torch.pi / 2)), values, bound)


@pytest.mark.parametrize("name", ALPHAS)
def test_the_points_lie_on_the_circle_and_the_ends_are_exact(name):
    schedule, _, _, alpha_units, sigma_units = ALPHAS[name]
    at = schedule(torch.linspace(0, 1, 101, dtype=torch.float64))
    assert schedule.path == "vp"
    assert max(off_circle(at.alpha, at.sigma)) <= 2 * max(alpha_units, sigma_units) * U
    assert bool((at.lam.diff() < 0).all()), "lam falls towards noise"
    assert (at.alpha[0].item(), at.sigma[0].item(), at.lam[0].item()) == (1.0, 0.0, float("inf"))
    if name in ("cosine", "squared cosine"):
        assert (at.alpha[-1].item(), at.sigma[-1].item(), at.lam[-1].item()) == (0.0, 1.0, -float("inf"))
    else:
        assert at.alpha[-1] > 0


@pytest.mark.parametrize("name", ALPHAS)
def test_the_derivatives_are_those_of_the_closed_forms(name):
    schedule, alpha, sigma, *_ = ALPHAS[name]
    times = TIMES[1:-1]
    at = schedule(torch.tensor(times, dtype=torch.float64))
    slopes = schedule.derivative(torch.tensor(times, dtype=torch.float64))
    # Each is a product of at most 8 factors, each within 8 roundings, times a factor within the 60 units of alpha. The
    # slope of alpha vanishes with sigma and that of sigma with alpha, so that their condition is up to 1/x^2 there.
    for got, formula, other in zip(slopes, (alpha, sigma), (at.sigma, at.alpha), strict=True):
        values = exact(lambda t, formula=formula: mpmath.diff(formula, t), times)
        bound = torch.tensor(relative(values, 8 * 8 + 60), dtype=torch.float64) * (1 + 1 / other**2)
        assert_within(got, values, bound)
        with pytest.raises(AssertionError, match="outside"):
            assert_within(got * (1 + 2.0**-20), values, bound)


def test_an_infinite_derivative_is_a_named_error():
    with pytest.raises(SingularEndError, match=r"expected a time at which dsigma is finite, got t = 0\.0: stop short"):
        VPLinear().derivative(0.0)


def test_bad_parameters():
    with pytest.raises(ParameterError, match=r"two finite bounds of beta, 0 < low < high, got 20\.0 and 0\.1: swap"):
        VPLinear(20.0, 0.1)
    with pytest.raises(ParameterError, match="two finite bounds of beta"):
        VPScaledLinear(0.0, 12.0)
    with pytest.raises(ParameterError, match=r"expected s >= 0, got -1: the paper uses 0\.008"):
        SquaredCosine(-1)


def test_flow_matching_agrees_on_the_cosine_and_linear_paths():
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    t = torch.tensor([1 / 8, 0.25, 0.5, 0.75, 7 / 8], dtype=torch.float64)  # 1 - t is exact
    for ours, theirs in ((VPCosine(), scheduler.CosineScheduler()), (VPLinear(), scheduler.VPScheduler(0.1, 20.0))):
        out, at, slopes = theirs(1 - t), ours(t), ours.derivative(t)  # its time runs from noise to data
        # Two sides of at most 124 roundings each; theirs takes 1 - exp(-T), which loses 1/sigma^2 of its digits.
        bound = 2 * 124 * U * (1 + 1 / at.sigma**2)
        assert_within(at.alpha, out.alpha_t, at.alpha * bound)
        assert_within(at.sigma, out.sigma_t, at.sigma * bound)
        assert_within(slopes[0], -out.d_alpha_t, slopes[0].abs() * bound)
        assert_within(slopes[1], -out.d_sigma_t, slopes[1].abs() * bound)
