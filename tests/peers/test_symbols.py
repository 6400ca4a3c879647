import math

import pytest
import torch

from cfg_equiv.exact.field import ExactError, Field
from cfg_equiv.peers.symbols import Levels, Opaque, Symbolic, assert_differ, assert_equal, symbols


@pytest.fixture
def field():
    made = Field(["a", "b", "randn"])
    for name in "ab":
        made.declare_positive(made.gens[name])
    return made


def test_floats_are_the_rationals_they_are(field):
    (a,) = symbols(field, "a")
    assert_equal(1.0 * a + 0.5 - a, (a - a + 1) / 2, "a half")
    assert_differ(0.1 * a, a / 10, "a tenth is not a float")


def test_half_a_power_is_the_exact_root(field):
    a, b = symbols(field, "a", "b")
    assert_equal((a**2) ** 0.5, a, "the root of a square")
    assert_equal(((a + b) ** 0.5) ** 2, a + b, "the square of a root")
    assert_equal((a - a) ** 0.5, a - a, "the root of zero")
    with pytest.raises(ExactError, match=r"expected an integer power or 0.5, got 0.25"):
        a**0.25


def test_comparisons_follow_the_declared_signs(field):
    a, b = symbols(field, "a", "b")
    assert a > 0
    assert a <= math.inf
    assert a >= 0.0
    assert not a < 0
    assert -a < 0
    assert a >= a
    with pytest.raises(ExactError, match="declare the sign of their difference"):
        _ = a < b
    field.declare_positive((b - a).sym)
    assert a < b
    assert min(b, a) is a


def test_logarithms_are_formal(field):
    a, b = symbols(field, "a", "b")
    assert_equal((a.log() - b.log()).exp(), a / b, "exp of a difference")
    assert_equal(Symbolic.expm1(Symbolic.log(a) * 2), a**2 - 1, "expm1 of a multiple")


def test_random_numbers_are_a_generator_of_their_own(field):
    a, randn = symbols(field, "a", "randn")
    assert_equal(torch.randn_like(a), randn, "the noise")
    assert_equal(torch.ones_like(a), a / a, "one")
    with pytest.raises(TypeError, match="zeros_like"):
        torch.zeros_like(a)


def test_a_time_can_be_passed_on_but_not_read(field):
    (a,) = symbols(field, "a")
    assert isinstance(a.atan() / math.pi * 2, Opaque)
    with pytest.raises(TypeError):
        a.atan() + 1


def test_a_weight_is_no_special_one(field):
    (a,) = symbols(field, "a")
    assert not math.isclose(a, 0.0)
    assert not math.isclose(a, 1.0)


def test_levels_are_positive_and_ordered(field):
    a, b = symbols(field, "a", "b")
    levels = Levels(a, b)
    assert (len(levels), levels[0], levels[1]) == (2, a, b)
    positive = levels[levels > 0]
    assert (positive.min(), positive.max()) == (b, a)
    with pytest.raises(ExactError, match="expected levels above 0"):
        _ = Levels(a, -b) > 0


def test_the_assertions_name_the_claim(field):
    a, b = symbols(field, "a", "b")
    with pytest.raises(AssertionError, match=r"the claim: the released code gives a, expected b"):
        assert_equal(a, b, "the claim")
    with pytest.raises(AssertionError, match="the claim: expected a difference, found none"):
        assert_differ(a, a, "the claim")
