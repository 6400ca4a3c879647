"""The data form, single step: h = 2 log 2 with its middle, and h = 3 log 2 with its thirds."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import HALVES, THIRDS, by_hand, numbers, singlestep

CALL = by_hand(z=F(7, 6), m0=F(7, 2))
CALLS = [CALL, by_hand(z=F(1, 6), m0=(F(-5, 2), F(3, 2)), a=(4, F(-3, 2)))]


def test_order_two():
    # 1 - e^-h = 3/4; phi_2 = 1 - 3/(8 log 2)
    call, end = singlestep("dpmpp_2s", *HALVES)
    assert numbers(call) == CALL
    assert numbers(end) == by_hand(z=F(5, 12), a=F(15, 4))
    call, end = singlestep("dpmpp_2s_taylor", *HALVES)
    assert numbers(call) == CALL
    assert numbers(end) == by_hand(z=F(5, 12), m0=(F(-25, 4), F(15, 4)), a=(10, F(-15, 4)))


def test_order_three():
    # 1 - e^-h = 7/8; phi_2 = 1 - 7/(24 log 2); phi_3 = phi_2/(3 log 2) - 1/2
    *calls, end = singlestep("dpmpp_3s", *THIRDS)
    assert [numbers(call) for call in calls] == CALLS
    assert numbers(end) == by_hand(z=F(5, 24), m0=(F(-25, 8), F(35, 16)), b=(F(15, 2), F(-35, 16)))
    *calls, end = singlestep("dpmpp_3s_taylor", *THIRDS)
    assert [numbers(call) for call in calls] == CALLS
    # D1 = 6a - 3/2 b - 9/2 m0, D2 = 9b - 18a + 9 m0
    assert numbers(end) == by_hand(
        z=F(5, 24),
        m0=(F(35, 8), F(-135, 16), F(35, 8)),
        a=(-15, F(85, 4), F(-35, 4)),
        b=(15, F(-205, 16), F(35, 8)),
    )
