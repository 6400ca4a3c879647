"""SDE-DPM-Solver in both forms: e^-h = 1/2, r = 2."""

from fractions import Fraction as F

import pytest
import torch

from cfg_equiv import schedules
from cfg_equiv.algebra.stochastic import STOCHASTIC
from cfg_equiv.exact.surds import sqrt
from cfg_equiv.solving import solve
from tests.algebra.solvers.anchors import PAST, T, by_hand, numbers
from tests.algebra.stochastic.anchors import FURTHER, multistep
from tests.algebra.stochastic.test_k_diffusion_sde import BENT, HALF, LINE

DATA_NOISE, NOISE = 5 * sqrt(F(3)) / 2, 5 * sqrt(F(3))


@pytest.mark.parametrize(
    ("name", "points", "weights"),
    [
        ("sde_dpmpp_2m", 1, {"m0": F(15, 4)}),
        ("sde_dpmpp_2m", 2, HALF[1]),
        ("cogvideox_dpm", 1, {"m0": F(15, 4)}),
        ("sde_dpmpp_2m_heun", 1, {"m0": F(15, 4)}),
        ("sde_dpmpp_2m_heun", 2, LINE[1]),
        ("sde_dpmpp_3m", 2, HALF[1]),
        ("sde_dpmpp_3m", 3, BENT[1]),
        ("sde_dpmpp_3m_heun", 2, LINE[1]),
        ("sde_dpmpp_3m_heun", 3, BENT[1]),
    ],
)
def test_one_step_in_the_data_form(name, points, weights):
    moved = numbers(multistep(name, PAST[:points]))
    assert moved.pop("n0") == DATA_NOISE
    assert moved == by_hand(z=F(5, 12), **weights)


@pytest.mark.parametrize(
    ("name", "points", "weights"),
    [
        ("sde_dpm_solver_2m", 1, {"m0": -10}),
        ("sde_dpm_solver_2m", 2, {"m0": F(-25, 2), "m1": F(5, 2)}),
        ("sde_dpm_solver_2m_heun", 2, {"m0": (-5, -5), "m1": (-5, 5)}),
    ],
)
def test_one_step_in_the_noise_form(name, points, weights):
    moved = numbers(multistep(name, PAST[:points]))
    assert moved.pop("n0") == NOISE
    assert moved == by_hand(z=F(5, 3), **weights)


def test_cogvideox_draws_twice_and_adds_the_second():
    for t in (T, FURTHER):
        ours, theirs = (numbers(multistep(name, PAST[:2], t)) for name in ("sde_dpmpp_2m", "cogvideox_dpm"))
        assert ours.pop("n0") == theirs.pop("n1")
        assert ours == theirs


@pytest.mark.parametrize("name", ["sde_dpmpp_2m", "sde_dpmpp_2m_heun", "sde_dpmpp_3m", "sde_dpmpp_3m_heun"])
def test_the_last_step_gives_the_data_prediction(name):
    points = schedules.levels(torch.tensor([3.0, 2.0, 1.0, 0.5], dtype=torch.float64), "flow")
    x0 = [torch.tensor([1.0, -2.0]) * k for k in range(1, 5)]
    answers = iter(x0)
    solver = STOCHASTIC[name].given(lambda: torch.tensor([5.0, 7.0]))
    end = solve(solver, lambda z, at: next(answers), torch.ones(2), points, source="x0")
    assert torch.equal(end, points[-1].alpha * x0[-1])


@pytest.mark.parametrize(
    ("name", "latent", "noise", "weights"),
    [
        ("sde_dpmpp_2m", F(5, 48), F(5, 8), {"m0": F(225, 32), "m1": F(-75, 32)}),
        ("sde_dpmpp_2m_heun", F(5, 48), F(5, 8), {"m0": (F(155, 16), F(-75, 64)), "m1": (-5, F(75, 64))}),
        ("sde_dpm_solver_2m", F(5, 3), F(5, 2), {"m0": F(-45, 2), "m1": F(15, 2)}),
        ("sde_dpm_solver_2m_heun", F(5, 3), F(5, 2), {"m0": (-10, F(-15, 2)), "m1": (-5, F(15, 2))}),
    ],
)
def test_a_step_twice_as_long(name, latent, noise, weights):
    moved = numbers(multistep(name, PAST[:2], FURTHER))
    assert moved.pop("n0") == noise * sqrt(F(15))
    assert moved == by_hand(z=latent, **weights)
