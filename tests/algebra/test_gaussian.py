"""The bare Gaussian formulas on rationals: exact, with no rounding to bound."""

from fractions import Fraction
from math import isqrt
from types import SimpleNamespace

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.gaussian import (
    flow_map,
    marginal_score,
    marginal_variance,
    posterior_mean_eps,
    posterior_mean_x0,
    posterior_variance_x0,
)
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import velocity

quarters = st.integers(-12, 12).map(lambda n: Fraction(n, 4))
positive = st.integers(1, 12).map(lambda n: Fraction(n, 4))
points = st.builds(Point, positive, positive, st.none())


def exact_sqrt(x: Fraction) -> Fraction:
    root = Fraction(isqrt(x.numerator), isqrt(x.denominator))
    assert root * root == x, "the case is not one with a rational root"
    return root


@given(quarters, quarters, positive, points)
def test_the_posterior_means_recompose_the_latent(z, mean, var, at):
    x0, eps = posterior_mean_x0(z, at, mean, var), posterior_mean_eps(z, at, mean, var)
    assert at.alpha * x0 + at.sigma * eps == z
    assert marginal_score(z, at, mean, var) == -eps / at.sigma


@given(quarters, positive, points)
def test_tower_property_and_orthogonality(mean, var, at):
    """x0 = m + sqrt(a) n: E[x0|z] has the mean m, and the error x0 - E[x0|z] does not correlate with z."""

    def by_z(z):
        return posterior_mean_x0(z, at, mean, var)

    assert by_z(at.alpha * mean) == mean  # linear in z, so its mean is its value at the mean of z
    slope = by_z(Fraction(1)) - by_z(Fraction(0))
    assert at.alpha * var - slope * marginal_variance(at, var) == 0
    # the law of total variance
    assert posterior_variance_x0(at, var) + slope * slope * marginal_variance(at, var) == var
    assert (slope + 1) * marginal_variance(at, var) != at.alpha * var


@given(quarters, quarters, positive)
def test_both_ends(z, mean, var):
    noise, data = Point(Fraction(0), Fraction(1)), Point(Fraction(1), Fraction(0))
    assert posterior_mean_x0(z, noise, mean, var) == mean
    assert posterior_mean_eps(z, noise, mean, var) == z
    assert posterior_mean_x0(z, data, mean, var) == z
    assert posterior_mean_eps(z, data, mean, var) == 0
    assert marginal_score(z, data, mean, var) == -(z - mean) / var


@given(quarters, quarters, points)
def test_a_point_mass_is_known_and_its_noise_recovered(mean, eps, at):
    z = at.alpha * mean + at.sigma * eps
    assert posterior_mean_x0(z, at, mean, Fraction(0)) == mean
    assert posterior_mean_eps(z, at, mean, Fraction(0)) == eps
    assert posterior_variance_x0(at, Fraction(0)) == 0


def test_the_flow_map_transports_and_composes():
    xp = SimpleNamespace(sqrt=exact_sqrt)
    mean, var = Fraction(3, 2), Fraction(9, 16)
    # with 3/4 alpha and sigma the legs of Pythagorean triangles, the standard deviations are rational
    s, r, t = (
        Point(Fraction(a), Fraction(b)) for a, b in ((1, 1), (Fraction(20, 3), 12), (Fraction(8, 15), Fraction(3, 10)))
    )
    z = Fraction(5, 4)
    direct, by_stages = (
        flow_map(xp, z, s, t, mean, var),
        flow_map(xp, flow_map(xp, z, s, r, mean, var), r, t, mean, var),
    )
    assert direct == by_stages
    deviations = [exact_sqrt(marginal_variance(p, var)) for p in (s, t)]
    assert (direct - t.alpha * mean) / deviations[1] == (z - s.alpha * mean) / deviations[0]
    assert direct != flow_map(xp, z, s, t, mean, Fraction(0))  # a point mass moves otherwise


def test_the_flow_map_solves_the_probability_flow_ode():
    """dz/dt is the exact network of the velocity row, on a path with neither relation."""
    t, z, mean = sympy.symbols("t z m", real=True)
    var = sympy.symbols("a", positive=True)
    alpha, sigma = 1 - t / 2, t * t
    start, at = Point(sympy.Rational(3, 4), sympy.Rational(1, 4)), Point(alpha, sigma)
    moved = flow_map(sympy, z, start, at, mean, var)
    row = velocity(None, at, sympy.diff(alpha, t), sympy.diff(sigma, t))
    field = row.p * posterior_mean_x0(moved, at, mean, var) + row.q * posterior_mean_eps(moved, at, mean, var)
    twin = row.p * posterior_mean_x0(moved, at, mean, 2 * var) + row.q * posterior_mean_eps(moved, at, mean, var)
    residual, broken = (sympy.diff(moved, t) - f for f in (field, twin))
    root = sympy.sqrt(marginal_variance(at, var) / marginal_variance(start, var))
    # linear in the one root: as a rational function of everything else it vanishes
    r = sympy.Symbol("r", positive=True)
    assert sympy.cancel(sympy.together(residual).subs(root, r).subs(r, root)).equals(0)
    assert not broken.subs({t: sympy.Rational(1, 3), z: 1, mean: 2, var: 3}).equals(0)


def test_known_bad():
    """A posterior with sigma in place of sigma^2 does not recompose the latent's variance."""
    at, var = Point(Fraction(1, 2), Fraction(1, 4)), Fraction(1)
    wrong = at.alpha * var / (at.alpha**2 * var + at.sigma)
    right = posterior_mean_x0(Fraction(1), at, Fraction(0), var)
    assert wrong != right
    with pytest.raises(ZeroDivisionError):
        posterior_mean_x0(Fraction(1), Point(Fraction(1), Fraction(0)), Fraction(0), Fraction(0))
