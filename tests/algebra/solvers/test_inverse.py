"""Inverse steps: the coefficients by hand, where the network is asked, and that the branches differ."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import SOLVERS, Past
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, T, multistep, numbers, past


def test_v_reverse():
    # (alpha, sigma) is (3, 6) at s and (5, 5) at t
    assert numbers(multistep("v_reverse", PAST[:1])) == {"z": 3 * 5 + 6 * 5, "m0": -6 * 5 + 3 * 5}


@pytest.mark.parametrize(
    ("name", "coefficients"),
    [
        ("ddim_inverse_eps", {"z": F(5, 3), "a": 5 - F(5, 3) * 6}),
        ("ddim_inverse_x0", {"z": F(5, 6), "a": 5 - F(5, 6) * 3}),
        ("ddim_inverse_v", {"z": 3 * 5 + 6 * 5, "a": -6 * 5 + 3 * 5}),
    ],
)
def test_diffusers_asks_about_the_latent_at_the_level_to_be_reached(name, coefficients):
    asked = []

    def net(z, here):
        asked.append((numbers(z), here))
        return unknown("a", F(1))

    assert numbers(SOLVERS[name].step(RATIONAL, past(PAST[0]), T, net)) == coefficients
    assert asked == [({"z": 1}, T)]


# Rising noise on the VP circle.
CLEAN, NOISY = point(RATIONAL, F(4, 5), F(3, 5)), point(RATIONAL, F(3, 5), F(4, 5))


def reached(name, row):
    def network(z, at):
        x0 = z / 3 + at.sigma
        return emit(RATIONAL, x0, (z - at.alpha * x0) / at.sigma, at, row)

    solver = SOLVERS[name]
    (z,) = trajectory(RATIONAL, solver, native_network(RATIONAL, solver, row, network), F(2), (CLEAN, NOISY))
    return z


def test_its_three_branches_are_three_maps_and_none_is_the_inverse_of_ddim():
    ends = {
        name: reached(name, "x0") for name in ("ddim_inverse_eps", "ddim_inverse_x0", "ddim_inverse_v", "v_reverse")
    }
    assert len(set(ends.values())) == 4


def test_v_reverse_undoes_the_step_back_with_the_data_and_the_noise_held():
    x0, eps = F(5, 7), F(-2, 3)
    latents = [at.alpha * x0 + at.sigma * eps for at in (CLEAN, NOISY)]
    v = [emit(RATIONAL, x0, eps, at, "v") for at in (CLEAN, NOISY)]
    there = SOLVERS["v_reverse"].step(RATIONAL, (Past(CLEAN, latents[0], v[0]),), NOISY)
    back = SOLVERS["ddim_v"].step(RATIONAL, (Past(NOISY, latents[1], v[1]),), CLEAN)
    assert (back, there) == tuple(latents)
