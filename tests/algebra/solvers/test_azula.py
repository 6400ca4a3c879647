"""Adams-Bashforth in four variables: every coefficient by hand."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, at, by_hand, multistep, numbers, past

# kappa goes 16, 8, 2, 1, and log(kappa) in units of log 2 goes 4, 3, 1, 0.
BY_HAND = {
    # the integrals from 2 to 1 of the Lagrange basis on 2, 8 and on 2, 8, 16, times alpha_t = 5
    "zab_2": by_hand(z=F(5, 3), m0=F(-65, 12), m1=F(5, 12)),
    "zab_3": by_hand(z=F(5, 3), m0=F(-1415, 252), m1=F(55, 72), m2=F(-25, 168)),
    # u = kappa/(1 + kappa) goes 8/9, 2/3, 1/2; alpha + sigma is 9 at s and 10 at t
    "vab_2": by_hand(z=F(10, 9), m0=F(-55, 24), m1=F(5, 8)),
    # the integrals under e^u: of 1 it is -1, of u - L it is 1 - L, of its square L^2 + 2L - 2, with L = log 2
    "zeab_2": by_hand(z=F(5, 3), m0=(F(-5, 2), F(-5, 2)), m1=(F(-5, 2), F(5, 2))),
    "zeab_3": by_hand(z=F(5, 3), m0=(0, F(-5, 2), F(-5, 3)), m1=(-10, F(5, 2), 5), m2=(5, 0, F(-10, 3))),
    # and under e^-u: -1/2, L - 1/2, -L^2 + 2L - 1
    "xeab_2": by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4))),
    "xeab_3": by_hand(
        z=F(5, 6),
        m0=(F(15, 2), F(-15, 4), F(5, 6)),
        m1=(-10, F(35, 4), F(-5, 2)),
        m2=(5, -5, F(5, 3)),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_coefficients(name):
    order = SOLVERS[name].order
    assert numbers(multistep(name, PAST[:order])) == BY_HAND[name]


def test_third_order_in_the_flow_velocity():
    # u goes 7/8, 3/4, 1/2, 1/4: in units of the step the nodes are 0, 1, 3/2 behind; alpha + sigma is 10 and 4
    levels = (at(1, 5), at(3, 2), at(7, F(1, 3)))
    found = SOLVERS["vab_3"].step(RATIONAL, past(*levels), at(F(1, 3), 3))
    assert numbers(found) == {"z": F(2, 5), "m0": F(-37, 18), "m1": F(13, 6), "m2": F(-10, 9)}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("zab_3", by_hand(z=F(5, 3), m0=-5)),
        ("vab_3", by_hand(z=F(10, 9), m0=F(-5, 3))),
        ("zeab_3", by_hand(z=F(5, 3), m0=-5)),
        ("xeab_3", by_hand(z=F(5, 6), m0=F(5, 2))),
    ],
)
def test_it_starts_with_the_orders_below(name, first):
    assert numbers(multistep(name, PAST[:1])) == first
    assert numbers(multistep(name, PAST[:2])) == BY_HAND[name[:-1] + "2"]
