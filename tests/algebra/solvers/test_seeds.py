"""SEEDS and exponential Heun without noise."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import HALVES, PAST, THIRDS, T, at, by_hand, numbers, past, singlestep


def test_two_stages():
    call = by_hand(z=F(7, 6), m0=F(7, 2))
    assert [numbers(form) for form in singlestep("seeds_2", *HALVES)] == [call, by_hand(z=F(5, 12), a=F(15, 4))]
    assert [numbers(form) for form in singlestep("seeds_2_phi_2", *HALVES)] == [
        call,
        by_hand(z=F(5, 12), m0=(F(-25, 4), F(15, 4)), a=(10, F(-15, 4))),
    ]


def test_exponential_heun_calls_at_the_end():
    call = by_hand(z=F(5, 12), m0=F(15, 4))
    assert [numbers(form) for form in singlestep("exp_heun_phi_1", HALVES[0])] == [
        call,
        by_hand(z=F(5, 12), m0=F(15, 8), a=F(15, 8)),
    ]
    assert [numbers(form) for form in singlestep("exp_heun_phi_2", HALVES[0])] == [
        call,
        by_hand(z=F(5, 12), m0=(F(-5, 4), F(15, 8)), a=(5, F(-15, 8))),
    ]


def test_three_stages():
    assert [numbers(form) for form in singlestep("seeds_3", *THIRDS)] == [
        by_hand(z=F(7, 6), m0=F(7, 2)),
        by_hand(z=F(1, 6), m0=(F(-5, 2), F(3, 2)), a=(4, F(-3, 2))),
        by_hand(z=F(5, 24), m0=(F(-25, 8), F(35, 16)), b=(F(15, 2), F(-35, 16))),
    ]


@pytest.mark.parametrize(
    ("name", "points"), [("seeds_2_phi_2", HALVES), ("exp_heun_phi_2", HALVES[:1]), ("seeds_3", THIRDS)]
)
def test_only_ratios_of_the_levels_matter(name, points):
    *scaled, t = (at(2 * here.sigma / here.alpha, here.alpha) for here in (*points, T))
    assert [numbers(form) for form in singlestep(name, *scaled, t=t)] == [
        numbers(form) for form in singlestep(name, *points)
    ]


@pytest.mark.parametrize("name", ["seeds_2", "seeds_2_phi_2", "exp_heun_phi_1", "exp_heun_phi_2", "seeds_3"])
def test_the_last_step_is_the_denoised_prediction(name):
    end = SOLVERS[name].step(RATIONAL, past(PAST[0]), Point(F(1), F(0)), end=True)
    assert numbers(end) == by_hand(m0=1)
