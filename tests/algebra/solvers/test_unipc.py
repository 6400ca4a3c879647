"""UniP and UniPC at e^h = 2, r = -2 and -3, from the source's systems by hand.

With L = log 2 the data form is 5/6 z + 5/2 m0 - 5*(...), of h*phi_2 = 1/(2L) - 1 and h*phi_3 = -1/(2L^2) + 1/L - 1/2;
the noise form is 5/3 z - 5 m0 - 5*(...), of h*phi_2 = 1/L - 1 and h*phi_3 = 1/L^2 - 1/L - 1/2.
"""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS, Past, unipc, unipc_vary
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import LOG_2, PAST, T, by_hand, multistep, numbers, past

NOW = Past(T, unknown("p", F(1)), unknown("n", F(1)))
Z = {"x0": F(5, 6), "eps": F(5, 3)}


def corrected(name, depth):
    return numbers(SOLVERS[name].corrected(RATIONAL, past(*PAST[:depth]), NOW))


@pytest.mark.parametrize(
    ("name", "m0", "m1"),
    [
        # rho = 1/2: -B/2 * (m1 - m0)/(-2), times 5, with B = -1/2, -L; 1, L
        ("bh2_2_x0", F(25, 8), F(-5, 8)),
        ("bh1_2_x0", F(5, 2) + F(5, 4) * LOG_2, F(-5, 4) * LOG_2),
        ("bh2_2_eps", F(-25, 4), F(5, 4)),
        ("bh1_2_eps", -5 - F(5, 4) * LOG_2, F(5, 4) * LOG_2),
        # A = 1: -h*phi_2 * (m1 - m0)/(-2), times 5
        ("vary_2_x0", (5, F(-5, 4)), (F(-5, 2), F(5, 4))),
        ("vary_2_eps", (F(-5, 2), F(-5, 2)), (F(-5, 2), F(5, 2))),
    ],
)
def test_predictors_of_order_two(name, m0, m1):
    expected = by_hand(z=Z[SOLVERS[f"unip_{name}"].space], m0=m0, m1=m1)
    assert numbers(multistep(f"unip_{name}", PAST[:2])) == expected
    assert numbers(multistep(f"unipc_{name}", PAST[:2])) == expected


# rho_1 + rho_2 = h*phi_2/B, -2 rho_1 - 3 rho_2 = 2 h*phi_3/B
ORDER_THREE = {
    "x0": by_hand(z=F(5, 6), m0=(F(15, 2), F(-15, 4), F(5, 6)), m1=(-10, F(35, 4), F(-5, 2)), m2=(5, -5, F(5, 3))),
    "eps": by_hand(z=F(5, 3), m0=(0, F(-5, 2), F(-5, 3)), m1=(-10, F(5, 2), 5), m2=(5, 0, F(-10, 3))),
}
# rho_1 + rho = h*phi_2/B, -2 rho_1 + rho = 2 h*phi_3/B
CORRECTED_TWO = {
    "x0": by_hand(z=F(5, 6), m0=(F(-5, 2), F(25, 4), F(-5, 2)), n=(5, -5, F(5, 3)), m1=(0, F(-5, 4), F(5, 6))),
    "eps": by_hand(z=F(5, 3), m0=(-10, F(-5, 2), 5), n=(5, 0, F(-10, 3)), m1=(0, F(5, 2), F(-5, 3))),
}


@pytest.mark.parametrize("space", ["x0", "eps"])
def test_where_the_system_is_solved_the_variants_are_one(space):
    for variant in ("bh1", "bh2", "vary"):
        assert numbers(multistep(f"unip_{variant}_3_{space}", PAST)) == ORDER_THREE[space]
        assert corrected(f"unipc_{variant}_2_{space}", 2) == CORRECTED_TWO[space]
        assert corrected(f"unipc_{variant}_3_{space}", 2) == CORRECTED_TWO[space]


@pytest.mark.parametrize(
    ("name", "m0", "n"),
    [
        ("bh2_1_x0", F(5, 4), F(5, 4)),
        ("bh1_1_x0", F(5, 2) - F(5, 2) * LOG_2, F(5, 2) * LOG_2),
        ("vary_1_x0", (F(-5, 2), F(5, 2)), (5, F(-5, 2))),
        ("bh2_1_eps", F(-5, 2), F(-5, 2)),
        ("bh1_1_eps", -5 + F(5, 2) * LOG_2, F(-5, 2) * LOG_2),
        ("vary_1_eps", (-10, 5), (5, -5)),
    ],
)
def test_correctors_of_order_one(name, m0, n):
    expected = by_hand(z=Z[SOLVERS[f"unipc_{name}"].space], m0=m0, n=n)
    assert corrected(f"unipc_{name}", 1) == expected
    assert corrected(f"unipc_{name}".replace("_1_", "_3_"), 1) == expected


# A = ((1/3, 2/3), (-2/3, 2/3)): the code takes 1/3 h*phi_2 * (m1 - m0)/(-2) + 2/3 h*phi_3 * (n - m0)
RELEASED = {
    "x0": by_hand(
        z=F(5, 6), m0=(F(5, 3), F(35, 12), F(-5, 3)), n=(F(5, 3), F(-10, 3), F(5, 3)), m1=(F(-5, 6), F(5, 12))
    ),
    "eps": by_hand(
        z=F(5, 3), m0=(F(-35, 6), F(-25, 6), F(10, 3)), n=(F(5, 3), F(10, 3), F(-10, 3)), m1=(F(-5, 6), F(5, 6))
    ),
}


@pytest.mark.parametrize("space", ["x0", "eps"])
def test_the_corrector_as_released_is_another_formula(space):
    for p in (2, 3):
        assert corrected(f"unipc_vary_{p}_{space}_released", 2) == RELEASED[space]
        assert corrected(f"unipc_vary_{p}_{space}_released", 1) == corrected(f"unipc_vary_{p}_{space}", 1)
    assert corrected(f"unipc_vary_2_{space}", 2) != RELEASED[space]


def test_claims_and_forms():
    for solver in (*unipc.SOLVERS, *unipc_vary.SOLVERS):
        method, _, p, *_ = solver.name.split("_")
        assert (len(solver.predict), solver.reevaluate) == (int(p), False)
        assert (len(solver.correct), solver.order) == {"unip": (0, int(p)), "unipc": (int(p), int(p) + 1)}[method]
        assert solver.last is solver.predict[0]
