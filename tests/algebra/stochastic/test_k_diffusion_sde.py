"""k-diffusion's multistep SDE samplers, in the state z: x moves by alpha at both ends."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import Point
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.exact.surds import sqrt
from tests.algebra.solvers.anchors import PAST, T, by_hand, numbers, past
from tests.algebra.stochastic.anchors import FURTHER, given, multistep

# e^-h = 1/2, r = 2: with eta = 1 the latent shrinks by 1/4 and three quarters of the data are new; 1/8 with eta = 2.
NOISE = {1: 5 * sqrt(F(3)) / 2, 2: 5 * sqrt(F(15)) / 4}
LATENT = {1: F(5, 12), 2: F(5, 24)}
LINE = {1: {"m0": (F(25, 4), F(-15, 16)), "m1": (F(-5, 2), F(15, 16))}}
LINE[2] = {"m0": (F(55, 8), F(-35, 48)), "m1": (F(-5, 2), F(35, 48))}
BENT = {
    1: {
        "m0": (F(25, 3), F(-95, 48), F(5, 32)),
        "m1": (F(-35, 4), F(65, 16), F(-15, 32)),
        "m2": (F(25, 6), F(-25, 12), F(5, 16)),
    },
    2: {
        "m0": (F(215, 24), F(-215, 144), F(35, 432)),
        "m1": (F(-35, 4), F(145, 48), F(-35, 144)),
        "m2": (F(25, 6), F(-55, 36), F(35, 216)),
    },
}
HALF = {1: {"m0": F(75, 16), "m1": F(-15, 16)}, 2: {"m0": F(175, 32), "m1": F(-35, 32)}}


@pytest.mark.parametrize("eta", [1, 2])
@pytest.mark.parametrize(
    ("name", "points", "weights"),
    [
        ("dpmpp_2m_sde", 2, HALF),
        ("dpmpp_2m_sde_heun", 2, LINE),
        ("dpmpp_3m_sde", 2, LINE),
        ("dpmpp_3m_sde", 3, BENT),
        ("dpmpp_2m_sde", 1, {1: {"m0": F(15, 4)}, 2: {"m0": F(35, 8)}}),
    ],
)
def test_one_step(name, points, weights, eta):
    moved = numbers(multistep(name, PAST[:points], eta=eta))
    assert moved.pop("n0") == NOISE[eta]
    assert moved == by_hand(z=LATENT[eta], **weights[eta])


def test_eta_is_one_by_default():
    assert numbers(multistep("dpmpp_3m_sde", PAST)) == numbers(multistep("dpmpp_3m_sde", PAST, eta=1))


@pytest.mark.parametrize("name", ["dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"])
def test_ends(name):
    end = given(name).step(RATIONAL, past(*PAST), Point(F(1), F(0)), end=True)
    assert numbers(end) == by_hand(m0=1)


@pytest.mark.parametrize("t", [T, FURTHER], ids=["T", "further"])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("sde_dpmpp_2m", "dpmpp_2m_sde"), ("sde_dpmpp_2m_heun", "dpmpp_2m_sde_heun"), ("sde_dpmpp_3m", "dpmpp_3m_sde")],
)
def test_with_eta_one_they_are_sde_dpm_solver_pp_with_full_history(theirs, ours, t):
    assert numbers(multistep(theirs, PAST, t)) == numbers(multistep(ours, PAST, t, eta=1))
    assert numbers(multistep(theirs, PAST, t)) != numbers(multistep(ours, PAST, t, eta=2))
