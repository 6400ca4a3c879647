"""First-order samplers at points computed by hand: the coefficients of the latent, the prediction and the noise."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import at, numbers


def step(name: str, s: Point, t: Point, **options: F) -> dict[str, F]:
    sampler = SAMPLERS[name]
    extras = {extra: options[extra] if extra in options else unknown("n", F(1)) for extra in sampler.extras}
    return numbers(sampler.step(RATIONAL, unknown("z", F(1)), unknown("m", F(1)), s, t, **extras))


def test_deterministic_on_any_path():
    # alpha 2 and 5, sigma 12 and 15, kappa 6 and 3: e^h = 2
    s, t = at(6, 2), at(3, 5)
    for name in ("ddim_eps", "dpm_solver_1"):
        assert step(name, s, t) == {"z": F(5, 2), "m": -15}
    for name in ("ddim_x0", "dpm_solver_pp_1", "euler_ve"):
        assert step(name, s, t) == {"z": F(5, 4), "m": F(5, 2)}


def test_by_the_angle():
    # cos 36/65 + 20/65, sin 48/65 - 15/65
    s, t = (point(RATIONAL, *map(F, ends)) for ends in (("3/5", "4/5"), ("12/13", "5/13")))
    assert step("ddim_v", s, t) == {"z": F(56, 65), "m": F(-33, 65)}


def test_on_the_flow_path():
    s, t = (point(RATIONAL, 1 - sigma, sigma) for sigma in (F(4, 5), F(1, 4)))
    assert step("euler_flow", s, t) == {"z": 1, "m": F(-11, 20)}


def test_with_noise_on_any_path():
    # alpha 2 and 3, sigma 10 and 12, e^-h = 4/5: 1 - e^-2h = (3/5)^2
    s, t = at(5, 2), at(4, 3)
    known = {"z": F(24, 25), "m": F(27, 25), "n": F(36, 5)}
    assert step("sde_dpm_solver_pp_1", s, t) == known
    assert step("dpmpp_sde_eta", s, t, eta=F(1)) == known
    assert step("euler_ancestral", s, t, eta=F(1)) == known
    assert step("sde_dpm_solver_1", s, t) == {"z": F(3, 2), "m": -6, "n": 9}
    assert step("renoise", s, t) == {"m": 3, "n": 12}


def test_with_some_of_the_noise():
    # up/sigma_t = 25/39*3/5 = 5/13, down/sigma_t = 12/13: x + (x - D)/5*(48/13 - 5), times 3
    assert step("euler_ancestral", at(5, 2), at(4, 3), eta=F(25, 39)) == {
        "z": F(72, 65),
        "m": F(51, 65),
        "n": F(60, 13),
    }
    # e^-h = 16/25, e^-h/2 = 4/5: 3*(64/125*z/2 + (1 - 64/125)*D + 16*3/5*n)
    assert step("dpmpp_sde_eta", at(25, 2), at(16, 3), eta=F(1, 2)) == {
        "z": F(96, 125),
        "m": F(183, 125),
        "n": F(144, 5),
    }


# On the circle, where the ratio of the scales is (533/925) = sqrt(1 - (756/925)^2).
S, NEXT = (point(RATIONAL, *map(F, ends)) for ends in (("104/185", "153/185"), ("40/41", "9/41")))
STD = F(9, 41) / F(153, 185) * F(756, 925)
# What is left of the noise: sigma_t^2 - STD^2 is its square, since sigma_s^2 - (756/925)^2 = (533/925*9/41)^2.
LEFT = F(9, 41) ** 2 * F(533, 925) / F(153, 185)


def test_the_ancestral_step_from_three_predictions():
    assert F(9, 41) ** 2 - STD**2 == LEFT**2
    assert step("ddpm_posterior", S, NEXT) == {
        "z": LEFT / F(153, 185),
        "m": F(40, 41) * F(756, 925) ** 2 / F(153, 185) ** 2,
        "n": STD,
    }
    assert step("ddim_eta", S, NEXT, eta=F(1)) == {
        "z": F(925, 533),
        "m": LEFT - F(925, 533) * F(153, 185),
        "n": STD,
    }
    assert step("v_diffusion", S, NEXT, eta=F(1)) == {
        "z": F(40, 41) * F(104, 185) + LEFT * F(153, 185),
        "m": LEFT * F(104, 185) - F(40, 41) * F(153, 185),
        "n": STD,
    }


def test_the_larger_variance_of_the_same_mean():
    found, posterior = step("ddpm_fixed_large", S, NEXT), step("ddpm_posterior", S, NEXT)
    assert found == posterior | {"n": F(756, 925)}


@pytest.mark.parametrize("name", ["ddim_eta", "v_diffusion"])
def test_without_noise_it_is_ddim(name):
    deterministic = {"ddim_eta": "ddim_eps", "v_diffusion": "ddim_v"}[name]
    assert step(name, S, NEXT, eta=F(0)) == step(deterministic, S, NEXT)
