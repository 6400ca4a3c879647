"""k-diffusion's two-stage samplers with noise, in the state z, from kappa = 4 to 1 with a call at 2."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.driving import advance
from cfg_equiv.algebra.nodes import by_lam
from cfg_equiv.algebra.points import Point
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.exact.surds import sqrt
from tests.algebra.solvers.anchors import HALVES, T, at, by_hand, numbers, past
from tests.algebra.stochastic.anchors import given, singlestep

# sigma_up = eta*sqrt(15)/4, sigma_down = 1/4 with eta = 1 and 7/8 with eta = 1/2
UP = {F(1): 5 * sqrt(F(15)) / 4, F(1, 2): 5 * sqrt(F(15)) / 8}


@pytest.mark.parametrize(
    ("name", "eta", "end"),
    [
        ("dpmpp_2s_ancestral", F(1), {"z": F(5, 48), "a": F(75, 16)}),
        ("dpmpp_2s_ancestral", F(1, 2), {"z": F(35, 96), "a": F(125, 32)}),
        ("dpm_2_ancestral", F(1), {"z": F(5, 48), "m0": F(-75, 16), "a": F(75, 8)}),
        ("dpm_2_ancestral", F(1, 2), {"z": F(35, 96), "m0": F(-125, 32), "a": F(125, 16)}),
    ],
)
def test_ancestral_steps(name, eta, end):
    called, moved = (numbers(form) for form in singlestep(name, *HALVES, eta=eta))
    assert called == by_hand(z=F(7, 6), m0=F(7, 2))
    assert moved.pop("n0") == UP[eta]
    assert moved == by_hand(**end)


@pytest.mark.parametrize(("eta", "end"), [(F(1), (F(5, 48), F(75, 16))), (F(1, 2), (F(35, 96), F(125, 32)))])
def test_noise_at_the_inner_call_too(eta, end):
    called, moved = (numbers(form) for form in singlestep("dpmpp_sde", *HALVES, eta=eta))
    down = sqrt(4 - 3 * eta * eta)  # of the step to kappa = 2
    assert called == {"z": 7 * down / 12, "m0": 7 * (1 - down / 4), "n0": 7 * eta * sqrt(F(3))}
    assert moved.pop("n1") == UP[eta]
    assert moved == by_hand(z=end[0], a=end[1])


@pytest.mark.parametrize(
    ("name", "squared"), [("dpm_2_ancestral", F(7, 2)), ("dpmpp_2s_ancestral", F(7, 2)), ("dpmpp_sde", F(4))]
)
def test_the_inner_call_lies_half_way_to_sigma_down_or_to_the_end(name, squared):
    seen: list[Point] = []

    def net(z, here):
        seen.append(here)
        return unknown("a", 1)

    def place(s, t, fraction):
        return by_lam(RATIONAL, "ve", s, t, fraction)

    advance(RATIONAL, given(name, eta=F(1, 2)), past(HALVES[0]), T, net, place)
    (node,) = seen
    assert (node.sigma / node.alpha) * (node.sigma / node.alpha) == squared


@pytest.mark.parametrize("name", ["dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde"])
def test_ends(name):
    end = given(name).step(RATIONAL, past(at(2, 3)), Point(F(3), F(0)), end=True)
    assert numbers(end) == by_hand(m0=3)
