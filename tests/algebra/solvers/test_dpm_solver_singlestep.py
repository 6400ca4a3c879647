"""The noise form, single step: h = 2 log 2 with its middle, and h = 3 log 2 with its thirds."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import HALVES, THIRDS, by_hand, numbers, singlestep

CALL = by_hand(z=F(7, 3), m0=-14)
CALLS = [by_hand(z=F(7, 3), m0=-28), by_hand(z=F(2, 3), m0=(-20, 12), a=(8, -12))]


def test_order_two():
    # e^h - 1 = 3; phi_2 = 3/(2 log 2) - 1
    call, end = singlestep("dpm_solver_2s", *HALVES)
    assert numbers(call) == CALL
    assert numbers(end) == by_hand(z=F(5, 3), a=-15)
    call, end = singlestep("dpm_solver_2s_taylor", *HALVES)
    assert numbers(call) == CALL
    assert numbers(end) == by_hand(z=F(5, 3), m0=(-25, 15), a=(10, -15))


def test_order_three():
    # e^h - 1 = 7; phi_2 = 7/(3 log 2) - 1; phi_3 = phi_2/(3 log 2) - 1/2
    *calls, end = singlestep("dpm_solver_3s", *THIRDS)
    assert [numbers(call) for call in calls] == CALLS
    assert numbers(end) == by_hand(z=F(5, 3), m0=(F(-85, 2), F(35, 2)), b=(F(15, 2), F(-35, 2)))
    *calls, end = singlestep("dpm_solver_3s_taylor", *THIRDS)
    assert [numbers(call) for call in calls] == CALLS
    # D1 = 6a - 3/2 b - 9/2 m0, D2 = 9b - 18a + 9 m0
    assert numbers(end) == by_hand(z=F(5, 3), m0=(-35, F(135, 2), -35), a=(-15, -100, 70), b=(15, F(65, 2), -35))
