import math
from fractions import Fraction

import pytest

from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.exact.intervals import INTERVAL, enclosure, endpoints, midpoint_and_radius, number


@pytest.mark.parametrize("x", [0, 3, 0.1, -(2.0**-1074), 1.7e308, Fraction(3, 8)])
def test_a_number_that_the_digits_hold_is_a_point(x):
    assert endpoints(number(x)) == (Fraction(x), Fraction(x))


def test_a_third_is_strictly_inside_a_thin_interval():
    low, high = endpoints(number(Fraction(1, 3)))
    assert low < Fraction(1, 3) < high
    assert high - low < Fraction(1, 10**59)


def test_functions_invert_each_other_within_their_enclosures():
    x = number(Fraction(7, 5))
    for there_and_back in (INTERVAL.exp(INTERVAL.log(x)), INTERVAL.sqrt(x) * INTERVAL.sqrt(x)):
        low, high = endpoints(there_and_back)
        assert low <= Fraction(7, 5) <= high
    low, high = endpoints(INTERVAL.sin(x) * INTERVAL.sin(x) + INTERVAL.cos(x) * INTERVAL.cos(x))
    assert low <= 1 <= high


def test_expm1_of_a_tiny_argument_keeps_its_digits():
    middle, radius = midpoint_and_radius(INTERVAL.expm1(number(1e-20)))
    assert middle == math.expm1(1e-20)
    assert radius <= math.ulp(middle)


def test_the_radius_is_rounded_outward():
    x = INTERVAL.sqrt(number(2))
    middle, radius = midpoint_and_radius(x)
    low, high = endpoints(x)
    assert Fraction(middle) - Fraction(radius) <= low
    assert high <= Fraction(middle) + Fraction(radius)
    assert radius < math.ulp(middle)


def test_middle_and_radius_give_the_ends_back():
    middle, radius = enclosure(number(Fraction(1, 3)))
    assert (middle - radius, middle + radius) == endpoints(number(Fraction(1, 3)))


def test_a_zero_enclosed_from_below_has_a_root():
    nothing = number(Fraction(1, 3)) * 3 - 1
    assert endpoints(nothing)[0] < 0
    low, high = endpoints(INTERVAL.sqrt(nothing))
    assert low == 0
    assert 0 < high < Fraction(1, 10**25)


def test_a_shipped_formula_runs_unchanged():
    s, t = (point(INTERVAL, number(1), number(sigma)) for sigma in (2, Fraction(1, 2)))
    z, x0 = number(3), number(-1)
    solver, euler = endpoints(dpm_solver_pp_1(INTERVAL, z, x0, s, t)), endpoints(euler_ve(INTERVAL, z, x0, s, t))
    assert solver[0] <= euler[1]
    assert euler[0] <= solver[1]


@pytest.mark.parametrize(("function", "x"), [(INTERVAL.log, 0), (INTERVAL.log, -1), (INTERVAL.sqrt, -1)])
def test_outside_the_domain_is_one_clear_sentence(function, x):
    with pytest.raises(ValueError, match=r"expected a (positive|non-negative) argument of (log|sqrt), got"):
        function(number(x))


def test_nothing_encloses_infinity():
    with pytest.raises(ValueError, match="expected a finite number to enclose, got inf"):
        number(math.inf)
