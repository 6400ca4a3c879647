"""Enclosures as numbers: they contain the truth, compare only where that is decided, and tell vectors apart."""

import math
from fractions import Fraction as F

import pytest

from cfg_equiv.exact.interval_vectors import INTERVALS, Enclosed, UndecidedError, apart, enclosed
from cfg_equiv.exact.intervals import endpoints
from cfg_equiv.exact.rational import RATIONAL, vector


def contains(x, value):
    low, high = endpoints(x.interval)
    return low <= value <= high


def test_arithmetic_contains_the_exact_value():
    x, y = Enclosed(F(1, 3)), Enclosed(F(2, 7))
    assert contains(x + y, F(13, 21))
    assert contains(1 - x * y, 1 - F(2, 21))
    assert contains(2 / (x - y), F(42))
    assert contains(-x / 2, F(-1, 6))


def test_a_number_times_a_vector_is_a_vector():
    scaled = Enclosed(2) * enclosed(vector(1, 2))
    assert [contains(x, F(n)) for x, n in zip(scaled, (2, 4), strict=True)] == [True, True]
    assert enclosed((F(1), "text"))[1] == "text"


def test_functions():
    assert contains(INTERVALS.cos(INTERVALS.acos(Enclosed(F(1, 3)))), F(1, 3))
    assert str(INTERVALS.acos(Enclosed(F(-1)))) == str(math.pi)
    assert str(INTERVALS.exp(Enclosed(1))) == str(math.e)
    assert [str(x) for x in INTERVALS.exp(enclosed(vector(0, 1)))] == ["1.0", str(math.e)]


@pytest.mark.parametrize("name", ["minimum", "maximum", "greater_equal"])
def test_comparisons_are_those_of_the_exact_namespace(name):
    a, b = vector(1, -2, "1/3"), vector("1/2", 3, "1/4")
    exact, found = getattr(RATIONAL, name)(a, b), getattr(INTERVALS, name)(enclosed(a), enclosed(b))
    assert not apart(enclosed(exact), found)
    assert apart(enclosed(exact + vector(0, 0, 1)), found)


def test_what_is_not_decided_is_said():
    root = INTERVALS.sqrt(Enclosed(2))
    with pytest.raises(UndecidedError, match="the sign of a number between"):
        INTERVALS.maximum(root * root, Enclosed(2))
    with pytest.raises(ZeroDivisionError, match="division by a number between"):
        _ = 1 / (root * root - 2)
