"""Single steps in the data form on a schedule: also one whose node is not in the middle."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import HALVES, THIRDS, at, by_hand, numbers, singlestep


def test_in_the_middle_they_are_the_authors_forms():
    assert [numbers(form) for form in singlestep("dpmpp_2s_midpoint", *HALVES)] == [
        by_hand(z=F(7, 6), m0=F(7, 2)),
        by_hand(z=F(5, 12), a=F(15, 4)),
    ]
    assert numbers(singlestep("dpmpp_2s_heun", *HALVES)[-1]) == by_hand(
        z=F(5, 12), m0=(F(-25, 4), F(15, 4)), a=(10, F(-15, 4))
    )


def test_a_node_at_one_third():
    # from 8 to 1 by 4: r0 = 1/3, 1 - e^-h = 7/8, phi_2 = 1 - 7/(24 log 2), D1 = 3(a - m0)
    nodes = (THIRDS[0], at(4, 7))
    assert numbers(singlestep("dpmpp_2s_midpoint", *nodes)[-1]) == by_hand(z=F(5, 24), m0=F(-35, 16), a=F(105, 16))
    assert numbers(singlestep("dpmpp_2s_heun", *nodes)[-1]) == by_hand(
        z=F(5, 24), m0=(F(-85, 8), F(35, 8)), a=(15, F(-35, 8))
    )


def test_order_three_reaches_its_second_node_by_order_two():
    first, second, end = singlestep("dpmpp_3s_midpoint", *THIRDS)
    assert numbers(first) == by_hand(z=F(7, 6), m0=F(7, 2))
    assert numbers(second) == by_hand(z=F(1, 6), a=F(3, 2))  # 2*3/4*m0 + 2*3/4/2 * 2(a - m0)
    assert numbers(end) == by_hand(z=F(5, 24), m0=(F(-25, 8), F(35, 16)), b=(F(15, 2), F(-35, 16)))
    first, second, end = singlestep("dpmpp_3s_heun", *THIRDS)
    assert numbers(first) == by_hand(z=F(7, 6), m0=F(7, 2))
    assert numbers(second) == by_hand(z=F(1, 6), m0=(F(-5, 2), F(3, 2)), a=(4, F(-3, 2)))
    assert numbers(end) == by_hand(
        z=F(5, 24),
        m0=(F(35, 8), F(-135, 16), F(35, 8)),
        a=(-15, F(85, 4), F(-35, 4)),
        b=(15, F(-205, 16), F(35, 8)),
    )
