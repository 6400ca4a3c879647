"""Hand-computed anchors of the guidance theorems that rest on helpers of their own."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.cfg_pp_weight import cfg_pp_as_cfg
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.exact.rational import vector
from cfg_equiv.theorems.guidance_pairs import blind_to, valuation
from cfg_equiv.theorems.guidance_rigidity import commutes, half_turn, is_cfg, knows_no_coordinates


def test_the_weight_of_cfg_pp():
    # lambda = 0.6 from kappa 3 to 1 is w = 0.9; to 0 it is lambda itself
    assert cfg_pp_as_cfg(F(3, 5), 3, 1) == F(9, 10)
    assert cfg_pp_as_cfg(F(3, 5), 3, 0) == F(3, 5)


@pytest.mark.parametrize(("x", "prime", "expected"), [(F(12), 2, 2), (F(5, 18), 3, -2), (F(-7), 7, 1), (F(3), 5, 0)])
def test_the_valuation(x, prime, expected):
    assert valuation(x, prime) == expected


def test_the_rule_that_is_blind_to_other_primes():
    h = blind_to(7)
    assert h(vector(3, -7, 0)) == vector(3, -14, 0)
    assert h(vector(3, -7, 0) * F(-15, 2)) == h(vector(3, -7, 0)) * F(-15, 2)
    assert h(vector(3) * 7) != h(vector(3)) * 7


def test_a_half_turn():
    assert half_turn(vector(1, 2, 3), vector(0, 0, 5)) == vector(-1, -2, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CFG", (True, True, True)),
        ("VideoLinearCFG", (False, False, True)),
        ("APG projection", (True, False, False)),
        ("max", (False, False, False)),
    ],
)
def test_what_rigidity_asks_of_a_rule(name, expected):
    rule = RULES[name]
    assert (knows_no_coordinates(rule), is_cfg(rule), commutes(rule)) == expected
