"""Spacings against closed forms, k-diffusion and each other; bounds count roundings as in test_vp."""

import math
from fractions import Fraction

import pytest
import torch
from mpmath import mpf

from cfg_equiv.errors import LevelError, ParameterError, UnknownNameError
from cfg_equiv.rounding import assert_within
from cfg_equiv.schedules import exponential, karras, levels, on_path, uniform_log_snr
from cfg_equiv.schedules.spacings import exponential_level, karras_level
from tests.schedules.reference import TIMES, U32, U, exact, relative

LOW, HIGH, RHO = 0.002, 80.0, 7.0
LOG = abs(math.log(LOW))  # the larger of the two


@pytest.fixture(scope="module")
def released():
    pytest.importorskip("torchsde")
    from cfg_equiv.peers.k_diffusion import released as released_modules

    with released_modules() as (_, sampling):
        yield sampling


def test_karras_is_its_formula():
    low, high = mpf(LOW), mpf(HIGH)
    values = exact(lambda t: ((1 - t) * low ** (1 / mpf(7)) + t * high ** (1 / mpf(7))) ** 7, TIMES)
    # the roots: 4 roundings and 1 of their exponent; 1 - t, a product, a sum; all that to the power 7, and its 4
    units = RHO * (4 + LOG / RHO + 3) + 4
    got = karras_level(torch.tensor(TIMES, dtype=torch.float64), LOW, HIGH, RHO)
    assert_within(got, values, torch.tensor(relative(values, units), dtype=torch.float64))
    other = karras_level(torch.tensor(TIMES, dtype=torch.float64), LOW, HIGH, 7.0 + 2.0**-40)
    with pytest.raises(AssertionError, match="outside"):
        assert_within(other, values, torch.tensor(relative(values, units), dtype=torch.float64))


def test_exponential_is_its_formula():
    values = exact(lambda t: mpf(LOW) ** (1 - t) * mpf(HIGH) ** t, TIMES)
    units = 5 * LOG + 4  # the exponent: a log (2), 1 - t, a product, a sum; then exp
    got = exponential_level(torch.tensor(TIMES, dtype=torch.float64), LOW, HIGH)
    assert_within(got, values, torch.tensor(relative(values, units), dtype=torch.float64))


@pytest.mark.parametrize("n", [2, 5, 40])
def test_k_diffusion_karras(n, released):
    theirs, ours = released.get_sigmas_karras(n, LOW, HIGH, RHO), karras(n, LOW, HIGH, RHO)
    # float32: at most 6 roundings of the largest root in the base (ramp 2, scalars 2, product, sum), then the power
    top = HIGH ** (1 / RHO)
    bound = ours * (RHO * 6 * U32 * top / ours ** (1 / RHO) + 4 * U32)
    assert_within(theirs[:-1], ours, bound)
    assert theirs[-1] == levels(ours)[-1].sigma == 0
    with pytest.raises(AssertionError, match="outside"):
        assert_within(theirs[:-1], karras(n, LOW, HIGH, 7.01) if n > 2 else ours * (1 + 2.0**-10), bound)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_k_diffusion_exponential(n, released):
    theirs, ours = released.get_sigmas_exponential(n, LOW, HIGH), exponential(n, LOW, HIGH)
    assert_within(theirs[:-1], ours, ours * (6 * LOG + 4) * U32)  # at most 6 roundings of the exponent, then exp
    if n > 2:
        with pytest.raises(AssertionError, match="outside"):
            assert_within(theirs[:-1], karras(n, LOW, HIGH), ours * (6 * LOG + 4) * U32)


def test_uniform_log_snr_is_exponential_in_kappa():
    got, same = uniform_log_snr(9, -math.log(HIGH), -math.log(LOW)), exponential(9, LOW, HIGH)
    assert_within(got, same, same * 2 * (5 * LOG + 4) * U)


def test_levels_run_from_noise_to_data():
    for spaced in (karras(6), exponential(6), uniform_log_snr(6, -3, 3)):
        assert bool((spaced.diff() < 0).all())
    points = levels(karras(3), "flow")
    assert len(points) == 4
    assert tuple(x.item() for x in points[-1]) == (1.0, 0.0, math.inf)
    assert karras(1).tolist() == karras(2)[:1].tolist()


@pytest.mark.parametrize("path", ["vp", "ve", "flow"])
def test_one_level_on_three_paths(path):
    kappa = torch.tensor([0.0, 1e-200, 0.75, 1.0, 80.0, 1e200], dtype=torch.float64)
    at = on_path(kappa, path)
    assert_within(at.sigma / at.alpha, kappa, kappa * 4 * U)
    relation = {"vp": at.alpha**2 + at.sigma**2, "ve": at.alpha, "flow": at.alpha + at.sigma}[path]
    assert_within(relation, torch.ones_like(kappa), 12 * U)  # hypot 4 and a quotient, squared; two squares and a sum
    assert at.lam[0] == math.inf


def test_by_hand():
    assert_within(on_path(0.75, "vp").alpha, Fraction(4, 5), 5 * U)
    assert [x.item() for x in on_path(1.0, "flow")] == [0.5, 0.5, 0.0]
    assert [x.item() for x in on_path(1.0, "ve")] == [1.0, 1.0, 0.0]


def test_bad_input():
    with pytest.raises(ParameterError, match=r"two finite bounds of sigma, 0 < low < high, got 80\.0 and 1\.0: swap"):
        karras(3, 80.0, 1.0)
    with pytest.raises(ParameterError, match=r"expected 0 < rho < inf, got 0: the paper uses 7"):
        karras(3, rho=0)
    with pytest.raises(ParameterError, match="a whole number n >= 1 of steps, got 0: ask for at least one"):
        exponential(0)
    with pytest.raises(ParameterError, match=r"finite lam_min < lam_max \(half-log-SNR\), got 1 and 1"):
        uniform_log_snr(3, 1, 1)
    with pytest.raises(LevelError, match=r"a finite kappa = sigma/alpha >= 0, got -1\.0: take the noise end from"):
        on_path(-1.0)
    with pytest.raises(UnknownNameError, match=r"a path with a point at every kappa out of flow, ve, vp, got 'vpp'"):
        on_path(1.0, "vpp")
