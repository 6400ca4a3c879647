"""The data form with one earlier output: its difference at half weight, or integrated."""

from fractions import Fraction as F

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, UNEVEN, T, at, by_hand, multistep, numbers, past


def test_the_difference_at_half_the_weight_of_the_output():
    # 1 - e^-h = 1/2, r = 2: 5/2*(1 + 1/4) and -5/2*1/4
    assert numbers(multistep("dpmpp_2m", PAST[:2])) == by_hand(z=F(5, 6), m0=F(25, 8), m1=F(-5, 8))


def test_the_difference_integrated():
    # e^-h = 1/2: the integral of the line is 5*(1 - 1/(2 log 2)), times (m0 - m1)/2
    assert numbers(multistep("dpmpp_2m_heun", PAST[:2])) == by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4)))


def test_at_another_ratio():
    # e^-h = 1/4, r = 1/2: 15/4*(1 + 1) and -15/4; the integral is 5*(1 - 3/(8 log 2)), times 2(m0 - m1)
    assert numbers(multistep("dpmpp_2m", UNEVEN[:2])) == by_hand(z=F(5, 12), m0=F(15, 2), m1=F(-15, 4))
    assert numbers(multistep("dpmpp_2m_heun", UNEVEN[:2])) == by_hand(
        z=F(5, 12), m0=(F(55, 4), F(-15, 4)), m1=(-10, F(15, 4))
    )


def test_the_first_step_is_of_order_one():
    for name in ("dpmpp_2m", "dpmpp_2m_heun"):
        assert numbers(multistep(name, PAST[:1])) == by_hand(z=F(5, 6), m0=F(5, 2))


def test_levels_enter_by_their_ratios_and_scales():
    """Every kappa times three, at the same signal scales: no weight of a data prediction changes."""
    wider = [at(3 * k, a) for k, a in ((1, 5), (2, 3), (8, 2))]
    for name in ("dpmpp_2m", "dpmpp_2m_heun"):
        end = SOLVERS[name].step(RATIONAL, past(*wider[1:]), wider[0])
        assert T.alpha == wider[0].alpha
        assert numbers(end) == numbers(multistep(name, PAST[:2]))
