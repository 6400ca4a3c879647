"""ER-SDE on the ODE: the coefficients by hand, and the sums of the authors' code around them."""

from fractions import Fraction as F

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import LOG_2, PAST, T, by_hand, multistep, numbers, past

# kappa goes 16, 8, 2, 1: r = 1/2, the slopes are by -6 and -8, that of the slopes by -14; h = log 2.
FIRST = by_hand(z=F(5, 6), m0=F(5, 2))
SLOPE = 5 * (-1 + LOG_2)
CURVE = 5 * (F(1, 2) + 1 - 2 * LOG_2)
SECOND = {**FIRST, "m0": F(5, 2) - SLOPE / 6, "m1": SLOPE / 6}
THIRD = {**SECOND, "m0": SECOND["m0"] + CURVE / 42, "m1": SECOND["m1"] - CURVE / 24, "m2": CURVE / 56}


def test_coefficients():
    assert numbers(multistep("er_sde_1", PAST[:1])) == FIRST
    assert numbers(multistep("er_sde_2", PAST[:2])) == SECOND
    assert numbers(multistep("er_sde_3", PAST)) == THIRD


def test_it_starts_with_the_orders_below():
    assert numbers(multistep("er_sde_3", PAST[:1])) == FIRST
    assert numbers(multistep("er_sde_3", PAST[:2])) == SECOND


def test_only_the_ratios_of_kappa_matter():
    doubled = [p._replace(sigma=2 * p.sigma, lam=RATIONAL.log(p.alpha / p.sigma / 2)) for p in (T, *PAST)]
    assert numbers(SOLVERS["er_sde_3"].step(RATIONAL, past(*doubled[1:]), doubled[0])) == THIRD


def test_at_the_last_step_only_the_data_is_left():
    end = T._replace(sigma=F(0), lam=None)
    assert numbers(SOLVERS["er_sde_3"].step(RATIONAL, past(*PAST), end, end=True)) == {"m0": 5}


def test_the_closed_integrals_lie_between_the_sums_over_a_hundred_points():
    # 1/kappa falls from kappa_t = 1 to kappa_s = 2, (kappa - kappa_s)/kappa rises: left and right sums enclose
    n, true_log_2 = 100, F(693147, 1000000)

    def sums(f):
        values = [f(1 + F(k, n)) for k in range(n + 1)]
        return sorted((sum(values[:-1]) / n, sum(values[1:]) / n))

    low, high = sums(lambda kappa: 1 / kappa)
    assert low < true_log_2 < high
    low, high = sums(lambda kappa: (kappa - 2) / kappa)
    assert low < 1 - 2 * true_log_2 < high
