"""CFG++ of first order: the coefficients by hand, and the plain step where the branches agree."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS, Guided, Past
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, T, multistep, numbers
from tests.algebra.solvers.guided import guided_step

# (alpha, sigma) is (3, 6) at s and (5, 5) at t.
BY_HAND = {
    "ddim_cfg_pp": {"z": F(5, 3), "g": -10, "u": 5},
    "euler_cfg_pp": {"z": F(5, 6), "g": 5, "u": F(-5, 2)},
    "euler_cfg_pp_any": {"z": F(5, 6), "g": 5, "u": F(-5, 2)},
    "v_ddim_cfg_pp": {"z": 3 * 5 + 6 * 5, "g": -6 * 5, "u": 3 * 5},
}
PLAIN = {
    "ddim_cfg_pp": "ddim_eps",
    "euler_cfg_pp": "euler_ve",
    "euler_cfg_pp_any": "ddim_x0",
    "v_ddim_cfg_pp": "ddim_v",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_coefficients(name):
    assert numbers(*guided_step(name, PAST[:1], T)) == BY_HAND[name]


@pytest.mark.parametrize("name", PLAIN)
def test_equal_branches_are_the_plain_step(name):
    plain = numbers(multistep(PLAIN[name], PAST[:1]))
    assert numbers(*guided_step(name, PAST[:1], T, equal=True)) == {"z": plain["z"], "g": plain["m0"]}


def test_the_inverse_asks_at_the_level_to_be_reached_and_exchanges_the_roles():
    asked, end = guided_step("ddim_inverse_cfg_pp", PAST[:1], T)
    assert numbers(asked) == {"z": 1}
    assert numbers(end) == {"z": F(5, 3), "ua": -10, "ga": 5}


def test_the_inverse_undoes_the_step_with_the_same_noises():
    noises = Guided(F(2, 3), F(-5, 7))
    s = PAST[0]
    there = SOLVERS["ddim_cfg_pp"].step(RATIONAL, (Past(s, F(11), noises),), T)
    assert SOLVERS["ddim_inverse_cfg_pp"].step(RATIONAL, (Past(T, there, None),), s, lambda z, at: noises) == 11
