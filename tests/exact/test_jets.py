"""Truncated series: arithmetic that keeps track of what it knows, and the functions against their own identities."""

from fractions import Fraction
from math import factorial

import pytest

from cfg_equiv.exact.coefficients import Coefficients
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.jets import JETS, Jets, Series, constant, small, taylor

N = 7
F = Fraction


def same(a, b):
    """Equal as far as both are known, and both known to some power."""
    assert min(a.precision, b.precision) > 0
    return not (a - b).coefficients


def test_a_quotient_of_small_series_loses_powers_and_says_so():
    h = small(N)
    assert [(h / (h * h))[k] for k in (-1, 0, 1)] == [1, 0, 0]
    ratio = (h + h * h) / (2 * h)
    assert (ratio[0], ratio[1], ratio.precision) == (F(1, 2), F(1, 2), N - 1)
    with pytest.raises(ExactError, match=r"the coefficient of h\^6 of a series known up to h\^6"):
        ratio[6]
    with pytest.raises(ZeroDivisionError, match=r"nothing is known but O\(h\^7\)"):
        h / (h - h)


def test_powers_and_scalars():
    h = small(N)
    assert same((1 + h) ** 3, 1 + 3 * h + 3 * h * h + h**3)
    assert same((1 - h) ** -1 * (1 - h), constant(1, N))
    assert same(1 - h, -(h - 1))
    assert same(F(1, 2) * h + h / 2, h)
    assert same(2 / (1 + h), 2 * (1 + h).inverse())
    assert repr(1 + h / 2) == "(1)*h^0 + (1/2)*h^1 + O(h^7)"


def test_the_exponential_has_its_coefficients_and_undoes_the_logarithm():
    h = small(N)
    assert [JETS.expm1(h)[k] for k in range(N)] == [0, *(F(1, factorial(k)) for k in range(1, N))]
    assert [JETS.log(1 + h)[k] for k in range(1, N)] == [F((-1) ** (k + 1), k) for k in range(1, N)]
    u = h - 3 * h * h / 5
    assert same(JETS.log(1 + JETS.expm1(u)), u)
    assert not same(JETS.expm1(2 * u), 2 * JETS.expm1(u))
    assert same(JETS.expm1(2 * u), JETS.expm1(u) * (JETS.expm1(u) + 2))


def test_the_square_root_squares_back_and_needs_a_rational_start():
    h = small(N)
    root = JETS.sqrt(F(4, 9) + h + h * h)
    assert same(root * root, F(4, 9) + h + h * h)
    assert root[0] == F(2, 3)
    with pytest.raises(ExactError, match="the square root of 2 is not rational"):
        JETS.sqrt(2 + h)
    with pytest.raises(ExactError, match=r"the square root of .*, which does not start with a constant"):
        JETS.sqrt(h)


def test_the_logarithm_of_a_constant_is_a_generator_if_it_is_named():
    ring = Coefficients(["k", "L"])
    xp, h = Jets([(ring["k"], ring["L"])]), small(N)
    log = xp.log(ring["k"] * (1 + h))
    assert log[0] == ring["L"]
    assert same(xp.expm1(log), ring["k"] * (1 + h) - 1)
    assert xp.log(1 / ring["k"]) == -ring["L"]
    with pytest.raises(ExactError, match="the logarithm of the constant 2: name a generator for it"):
        JETS.log(2 + h)
    with pytest.raises(ExactError, match="the exponential of the constant 2"):
        JETS.expm1(2 + h)


def test_a_jet_is_followed_along_a_series():
    h = small(N)
    u = h + h * h
    assert same(taylor([1] * N, u), 1 + JETS.expm1(u))
    short = taylor([1, 1], u)
    assert short.precision == 2
    with pytest.raises(ExactError, match="which does not start with h"):
        taylor([1, 1], 1 + h)


def test_a_combination_takes_series_for_coefficients():
    h = small(N)
    form = h * unknown("z", constant(1, N)) / (2 * h) - unknown("x", h)
    assert same(form["z"], constant(F(1, 2), N))
    assert same(form["x"], -h)


def test_quotients_cancel_factors_and_take_roots():
    ring = Coefficients(["r", "t"], {"t": F(1, 2)})
    r, t = ring["r"], ring["t"]
    assert (r * r - 1) / (r - 1) == r + 1
    assert ((r + 1) / (r - 1)).factors
    assert 1 / (1 / r + F(1, 2)) == 2 * r / (r + 2)
    assert (r - r) == 0
    assert repr((r + 1) / (2 * r)) == "(r + 1)/(2*r)"
    kappa = 2 * t / (1 - t * t)
    alpha = 1 / (1 + kappa * kappa).sqrt()
    assert alpha == (1 - t * t) / (1 + t * t)  # and not its negative: at t = 1/2 the root is positive
    with pytest.raises(ExactError, match="is no quotient of polynomials"):
        (1 + r).sqrt()
    with pytest.raises(ZeroDivisionError, match="a coefficient that is zero"):
        r / (t - t)


def test_the_quick_check_of_a_divisor_never_denies_a_true_one():
    ring = Coefficients(["r", "t"])
    r, t = ring["r"].numer, ring["t"].numer
    assert ring.may_divide(r + t, (r + t) * (r - 2 * t))
    assert not ring.may_divide(r + t, r - 2 * t)
    assert ring.may_divide(t**2 + 1, r)  # no generator is linear in it: left to the division


def test_terms_of_a_quotient():
    ring = Coefficients(["x", "r"])
    terms = dict((tuple(powers.items()), str(c)) for powers, c in ((2 * ring["x"] + ring["r"]) / 3).monomials())
    assert terms == {(("x", 1),): "2/3", (("r", 1),): "1/3"}


def test_series_keep_their_first_coefficient_away_from_zero():
    assert Series((0, 0, F(3)), 1, 6).valuation == 3
    assert Series((0, 0), 1, 6).valuation == 6
