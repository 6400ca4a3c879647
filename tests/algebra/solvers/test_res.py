"""RES: phi_1 and phi_2 at h = log 2 and 2 log 2, in the state z."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import HALVES, PAST, by_hand, multistep, numbers, singlestep


def test_multistep():
    # h*phi_1 = 1/2, h*phi_2 = 1 - 1/(2 log 2), c2 = -2
    assert numbers(multistep("res_multistep", PAST[:2])) == by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4)))
    assert numbers(multistep("res_multistep", PAST[:1])) == by_hand(z=F(5, 6), m0=F(5, 2))


def test_two_stages():
    # h*phi_1 = 3/4, h*phi_2 = 1 - 3/(8 log 2)
    assert [numbers(form) for form in singlestep("res_2s", *HALVES)] == [
        by_hand(z=F(7, 6), m0=F(7, 2)),
        by_hand(z=F(5, 12), m0=(F(-25, 4), F(15, 4)), a=(10, F(-15, 4))),
    ]


def test_three_stages():
    # h*a32 = 2*(2 - 1/log 2) + 2*(1 - 3/(8 log 2)), called at the end; h*b3 = (1 - 3/(8 log 2))/3, b2 = 4*b3
    assert [numbers(form) for form in singlestep("res_3s", *HALVES)] == [
        by_hand(z=F(7, 6), m0=F(7, 2)),
        by_hand(z=F(5, 12), m0=(F(-105, 4), F(55, 4)), a=(30, F(-55, 4))),
        by_hand(z=F(5, 12), m0=(F(-55, 12), F(25, 8)), a=(F(20, 3), F(-5, 2)), b=(F(5, 3), F(-5, 8))),
    ]
