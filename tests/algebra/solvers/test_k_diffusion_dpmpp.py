"""k-diffusion's DPM-Solver++ at eta=0, in the state z: x moves by alpha at both ends."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import HALVES, PAST, by_hand, first_moment, multistep, numbers, past, singlestep


@pytest.mark.parametrize("name", ["dpmpp_2s_ancestral", "dpmpp_sde"])
def test_two_stages(name):
    assert [numbers(form) for form in singlestep(name, *HALVES)] == [
        by_hand(z=F(7, 6), m0=F(7, 2)),
        by_hand(z=F(5, 12), a=F(15, 4)),
    ]


def test_two_stages_on_the_flow_path():
    s, mid, t = (point(RATIONAL, 1 - sigma, sigma) for sigma in (F(4, 5), F(2, 3), F(1, 2)))
    assert [numbers(form) for form in singlestep("dpmpp_2s_ancestral_rf", s, mid, t=t)] == [
        by_hand(z=F(5, 6), m0=F(1, 6)),
        by_hand(z=F(5, 8), a=F(3, 8)),
    ]


def test_multistep():
    # r = 2: half of the half; then phi_2/2 with phi_2 = 1 - 1/(2 log 2)
    assert numbers(multistep("dpmpp_2m_sde", PAST[:2])) == by_hand(z=F(5, 6), m0=F(25, 8), m1=F(-5, 8))
    exact = by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4)))
    assert numbers(multistep("dpmpp_2m_sde_heun", PAST[:2])) == exact
    assert numbers(multistep("dpmpp_3m_sde", PAST[:2])) == exact
    assert numbers(multistep("dpmpp_3m_sde", PAST)) == by_hand(
        z=F(5, 6),
        m0=(F(85, 12), F(-35, 12), F(5, 12)),
        m1=(F(-35, 4), F(25, 4), F(-5, 4)),
        m2=(F(25, 6), F(-10, 3), F(5, 6)),
    )


@pytest.mark.parametrize("name", ["dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"])
def test_ends(name):
    assert numbers(multistep(name, PAST[:1])) == by_hand(z=F(5, 6), m0=F(5, 2))
    end = SOLVERS[name].step(RATIONAL, past(*PAST), Point(F(1), F(0)), end=True)
    assert numbers(end) == by_hand(m0=1)


def test_a_line_is_integrated_exactly():
    assert first_moment("dpmpp_3m_sde") == by_hand(slope=(5, F(-15, 8)))["slope"]  # 5*(1 - 3/(8 log 2))
