"""The noise form with one earlier output: e^h = 2, r = 2, so the difference is (m0 - m1)/2."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import PAST, UNEVEN, by_hand, multistep, numbers


def test_the_difference_at_half_the_weight_of_the_output():
    # -5*(1 + 1/4) and 5*1/4
    assert numbers(multistep("dpm_solver_2m", PAST[:2])) == by_hand(z=F(5, 3), m0=F(-25, 4), m1=F(5, 4))


def test_at_another_ratio():
    # e^h = 4, r = 1/2: the difference is 2(m0 - m1); -5*3*(1 + 1) and 5*3; phi_2 = 3/(2 log 2) - 1
    assert numbers(multistep("dpm_solver_2m", UNEVEN[:2])) == by_hand(z=F(5, 3), m0=-30, m1=15)
    assert numbers(multistep("dpm_solver_2m_taylor", UNEVEN[:2])) == by_hand(z=F(5, 3), m0=(-5, -15), m1=(-10, 15))


def test_the_difference_integrated():
    # phi_2 = 1/log 2 - 1: -5*(1 + phi_2/2) and 5*phi_2/2
    assert numbers(multistep("dpm_solver_2m_taylor", PAST[:2])) == by_hand(
        z=F(5, 3), m0=(F(-5, 2), F(-5, 2)), m1=(F(-5, 2), F(5, 2))
    )


def test_the_first_step_is_of_order_one():
    for name in ("dpm_solver_2m", "dpm_solver_2m_taylor"):
        assert numbers(multistep(name, PAST[:1])) == by_hand(z=F(5, 3), m0=-5)
