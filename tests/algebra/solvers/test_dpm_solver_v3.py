"""DPM-Solver-v3 with l = 1, s = b = 0: predictors at e^h = 2, r = 2 and 3 steps back, and correctors.

With phi_2 = 1 - 1/(2 log 2), phi_3 = phi_2/log 2 - 1/2, phi_4 = phi_3/log 2 + 1/6 a step is
5/6 z + 5*(m0/2 + phi_2*h*m' - phi_3*h^2*m'' + phi_4*h^3*m''').
"""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS, Past
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, T, by_hand, multistep, numbers, past


def test_predictors():
    assert numbers(multistep("dpm_solver_v3_3", PAST[:1])) == by_hand(z=F(5, 6), m0=F(5, 2))
    for name in ("dpm_solver_v3_2", "dpm_solver_v3_3", "dpm_solver_v3_3_pseudo"):
        assert numbers(multistep(name, PAST[:2])) == by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4)))
    # h*m' = 5/6 m0 - 3/2 m1 + 2/3 m2, h^2*m'' = 1/3 m0 - m1 + 2/3 m2
    assert numbers(multistep("dpm_solver_v3_3", PAST)) == by_hand(
        z=F(5, 6),
        m0=(F(15, 2), F(-15, 4), F(5, 6)),
        m1=(-10, F(35, 4), F(-5, 2)),
        m2=(5, -5, F(5, 3)),
    )
    # h*m' = (m0 - m1)/2
    assert numbers(multistep("dpm_solver_v3_3_pseudo", PAST)) == by_hand(
        z=F(5, 6),
        m0=(F(35, 6), F(-35, 12), F(5, 6)),
        m1=(-5, F(25, 4), F(-5, 2)),
        m2=(F(5, 3), F(-10, 3), F(5, 3)),
    )


LINE = by_hand(z=F(5, 6), m0=(F(-5, 2), F(5, 2)), n=(5, F(-5, 2)))
# h*m' = 2/3 n - 1/2 m0 - 1/6 m1, h^2*m'' = 2/3 n - m0 + 1/3 m1
QUADRATIC = by_hand(z=F(5, 6), m0=(F(-5, 2), F(25, 4), F(-5, 2)), n=(5, -5, F(5, 3)), m1=(0, F(-5, 4), F(5, 6)))
# h*m' = n - m0
PSEUDO_3 = by_hand(
    z=F(5, 6), m0=(-5, F(15, 2), F(-5, 2)), n=(F(20, 3), F(-35, 6), F(5, 3)), m1=(F(5, 6), F(-5, 3), F(5, 6))
)
# and h^3*m''' = -m0 + n/2 + m1 - m2/2
PSEUDO_4 = by_hand(
    z=F(5, 6),
    m0=(F(-35, 6), 10, F(-15, 2), F(5, 2)),
    n=(F(85, 12), F(-85, 12), F(25, 6), F(-5, 4)),
    m1=(F(5, 3), F(-25, 6), F(35, 6), F(-5, 2)),
    m2=(F(-5, 12), F(5, 4), F(-5, 2), F(5, 4)),
)
NONE = by_hand(p=1)


@pytest.mark.parametrize(
    ("name", "corrected"),
    [
        ("dpm_solver_v3_2_pc", [NONE, LINE]),
        ("dpm_solver_v3_2_pc_pseudo", [LINE, PSEUDO_3]),
        ("dpm_solver_v3_3_pc", [NONE, LINE, QUADRATIC]),
        ("dpm_solver_v3_3_pc_pseudo", [LINE, PSEUDO_3, PSEUDO_4]),
    ],
)
def test_correctors(name, corrected):
    now = Past(T, unknown("p", F(1)), unknown("n", F(1)))
    for depth, expected in enumerate(corrected, 1):
        assert numbers(SOLVERS[name].corrected(RATIONAL, past(*PAST[:depth]), now)) == expected


def test_order_three_is_the_corrected_third_order_multistep():
    assert numbers(multistep("dpm_solver_v3_3", PAST)) == numbers(multistep("dpmpp_3m_corrected", PAST))
    assert numbers(multistep("dpm_solver_v3_3", PAST)) != numbers(multistep("dpmpp_3m", PAST))


def test_a_correction_asks_the_network_only_once():
    assert not any(SOLVERS[name].reevaluate for name in SOLVERS if name.startswith("dpm_solver_v3"))
