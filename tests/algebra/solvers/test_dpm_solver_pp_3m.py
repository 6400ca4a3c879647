"""The data form with two earlier outputs: r0 = 2, r1 = 1, phi_2 = 1 - 1/(2 log 2), phi_3 = phi_2/log 2 - 1/2.

D1 = 5/6 m0 - 3/2 m1 + 2/3 m2 and D2 = 1/6 m0 - 1/2 m1 + 1/3 m2.
"""

from fractions import Fraction as F

import pytest

from tests.algebra.solvers.anchors import PAST, by_hand, first_moment, multistep, numbers

ALL = ["dpmpp_3m", "dpmpp_3m_diffusers", "dpmpp_3m_corrected"]


@pytest.mark.parametrize("name", ALL[:2])
def test_as_released(name):
    # 5*(m0/2 + phi_2*D1 - phi_3*D2)
    assert numbers(multistep(name, PAST)) == by_hand(
        z=F(5, 6),
        m0=(F(85, 12), F(-35, 12), F(5, 12)),
        m1=(F(-35, 4), F(25, 4), F(-5, 4)),
        m2=(F(25, 6), F(-10, 3), F(5, 6)),
    )


def test_corrected():
    # 5*(m0/2 + phi_2*D1 - 2*phi_3*D2)
    assert numbers(multistep("dpmpp_3m_corrected", PAST)) == by_hand(
        z=F(5, 6),
        m0=(F(15, 2), F(-15, 4), F(5, 6)),
        m1=(-10, F(35, 4), F(-5, 2)),
        m2=(5, -5, F(5, 3)),
    )


def test_what_is_corrected_is_the_second_difference():
    # -5*phi_3*D2, and nothing of a constant or a line: with outputs at 0, -2, -3
    missing = numbers(multistep("dpmpp_3m_corrected", PAST) - multistep("dpmpp_3m", PAST))
    assert set(missing) == {"m0", "m1", "m2"}
    assert sum(missing.values()) == 0
    assert -2 * missing["m1"] - 3 * missing["m2"] == 0


@pytest.mark.parametrize("name", ALL)
def test_the_start_is_of_orders_one_and_two(name):
    assert numbers(multistep(name, PAST[:1])) == by_hand(z=F(5, 6), m0=F(5, 2))
    assert numbers(multistep(name, PAST[:2])) == by_hand(z=F(5, 6), m0=F(25, 8), m1=F(-5, 8))


@pytest.mark.parametrize("name", ALL)
def test_a_line_is_integrated_exactly(name):
    # 5*phi_2 with phi_2 = 1 - 3/(8 log 2)
    assert first_moment(name) == by_hand(slope=(5, F(-15, 8)))["slope"]
