"""Single steps in the noise form on a schedule: also one whose node is not in the middle."""

from fractions import Fraction as F

from tests.algebra.solvers.anchors import HALVES, THIRDS, at, by_hand, numbers, singlestep


def test_in_the_middle_they_are_the_authors_forms():
    assert [numbers(form) for form in singlestep("dpm_solver_2s_midpoint", *HALVES)] == [
        by_hand(z=F(7, 3), m0=-14),
        by_hand(z=F(5, 3), a=-15),
    ]
    assert numbers(singlestep("dpm_solver_2s_heun", *HALVES)[-1]) == by_hand(z=F(5, 3), m0=(-25, 15), a=(10, -15))


def test_a_node_at_one_third():
    # from 8 to 1 by 4: r0 = 1/3, e^h - 1 = 7, phi_2 = 7/(3 log 2) - 1, D1 = 3(a - m0)
    nodes = (THIRDS[0], at(4, 7))
    assert numbers(singlestep("dpm_solver_2s_midpoint", *nodes)[-1]) == by_hand(z=F(5, 3), m0=F(35, 2), a=F(-105, 2))
    assert numbers(singlestep("dpm_solver_2s_heun", *nodes)[-1]) == by_hand(z=F(5, 3), m0=(-50, 35), a=(15, -35))


def test_order_three_reaches_its_second_node_by_order_two():
    first, second, end = singlestep("dpm_solver_3s_midpoint", *THIRDS)
    assert numbers(first) == by_hand(z=F(7, 3), m0=-28)
    assert numbers(second) == by_hand(z=F(2, 3), a=-12)  # -4*3*m0 - 4*3/2 * 2(a - m0)
    assert numbers(end) == by_hand(z=F(5, 3), m0=(F(-85, 2), F(35, 2)), b=(F(15, 2), F(-35, 2)))
    first, second, end = singlestep("dpm_solver_3s_heun", *THIRDS)
    assert numbers(first) == by_hand(z=F(7, 3), m0=-28)
    assert numbers(second) == by_hand(z=F(2, 3), m0=(-20, 12), a=(8, -12))
    assert numbers(end) == by_hand(z=F(5, 3), m0=(-35, F(135, 2), -35), a=(-15, -100, 70), b=(15, F(65, 2), -35))
