"""SA-Solver without noise at e^h = 2, the earlier outputs 2 and 3 steps back, from integrals by hand.

With L = log 2 and x the time from s in steps, the integrals of 1, x, x^2, x^3 by parts are, times 5,
5/2, (5, -5/2), (5, -10, 5), (5, -15, 30, -15) against L e^(L(x-1)) and 5, (-5, 5), (-5, -10, 10), (-5, -15, -30, 30)
against L e^(L(1-x)), in powers of 1/L. The data form adds them to 5/6 z, the noise form takes them from 5/3 z.
"""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS, Past, sa_solver
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import LOG_2, PAST, T, by_hand, multistep, numbers, past

NOW = Past(T, unknown("p", F(1)), unknown("n", F(1)))

PREDICTED = {
    "x0": [
        by_hand(z=F(5, 6), m0=F(5, 2)),
        # 1 + x/2, -x/2
        by_hand(z=F(5, 6), m0=(5, F(-5, 4)), m1=(F(-5, 2), F(5, 4))),
        # (x + 2)(x + 3)/6, -x(x + 3)/2, x(x + 2)/3
        by_hand(z=F(5, 6), m0=(F(15, 2), F(-15, 4), F(5, 6)), m1=(-10, F(35, 4), F(-5, 2)), m2=(5, -5, F(5, 3))),
    ],
    "eps": [
        by_hand(z=F(5, 3), m0=-5),
        by_hand(z=F(5, 3), m0=(F(-5, 2), F(-5, 2)), m1=(F(-5, 2), F(5, 2))),
        by_hand(z=F(5, 3), m0=(0, F(-5, 2), F(-5, 3)), m1=(-10, F(5, 2), 5), m2=(5, 0, F(-10, 3))),
    ],
}
CORRECTED = {
    "x0": [
        # x, 1 - x
        by_hand(z=F(5, 6), n=(5, F(-5, 2)), m0=(F(-5, 2), F(5, 2))),
        # x(x + 2)/3, (1 - x)(x + 2)/2, x(x - 1)/6
        by_hand(z=F(5, 6), n=(5, -5, F(5, 3)), m0=(F(-5, 2), F(25, 4), F(-5, 2)), m1=(0, F(-5, 4), F(5, 6))),
        # x(x + 2)(x + 3)/12, (1 - x)(x + 2)(x + 3)/6, x(x - 1)(x + 3)/6, -x(x - 1)(x + 2)/12
        by_hand(
            z=F(5, 6),
            n=(5, F(-20, 3), F(55, 12), F(-5, 4)),
            m0=(F(-5, 2), F(115, 12), F(-25, 3), F(5, 2)),
            m1=(0, F(-55, 12), F(20, 3), F(-5, 2)),
            m2=(0, F(5, 3), F(-35, 12), F(5, 4)),
        ),
    ],
    "eps": [
        by_hand(z=F(5, 3), n=(5, -5), m0=(-10, 5)),
        by_hand(z=F(5, 3), n=(5, 0, F(-10, 3)), m0=(-10, F(-5, 2), 5), m1=(0, F(5, 2), F(-5, 3))),
        by_hand(
            z=F(5, 3),
            n=(5, F(35, 12), F(-5, 3), F(-5, 2)),
            m0=(-10, F(-25, 3), F(5, 3), 5),
            m1=(0, F(25, 3), F(5, 3), -5),
            m2=(0, F(-35, 12), F(-5, 3), F(5, 2)),
        ),
    ],
}
# The divided difference weighs h^2/2 in the predictor, h/2 in the corrector, times 5.
FEW_PREDICTED = by_hand(z=F(5, 6), m0=F(5, 2) + F(5, 4) * LOG_2, m1=F(-5, 4) * LOG_2)
FEW_CORRECTED = by_hand(z=F(5, 6), m0=F(5, 2) - F(5, 2) * LOG_2, n=F(5, 2) * LOG_2)


def predicted(name):
    """The predictor's coefficients with one, two and three outputs in hand."""
    return [numbers(multistep(name, PAST[:depth])) for depth in (1, 2, 3)]


def corrected(name):
    """The corrector's coefficients with one, two and three outputs in hand, the one at the end not counted."""
    return [numbers(SOLVERS[name].corrected(RATIONAL, past(*PAST[:depth]), NOW)) for depth in (1, 2, 3)]


def grown(by_depth, order):
    """Forms that grow by one output a step, up to ``order`` of them."""
    return [by_depth[min(depth, order) - 1] for depth in (1, 2, 3)]


@pytest.mark.parametrize("space", ["x0", "eps"])
def test_predictors(space):
    for order in (1, 2, 3):
        assert predicted(f"sa_predictor_{order}_{space}") == grown(PREDICTED[space], order)


@pytest.mark.parametrize("space", ["x0", "eps"])
def test_pairs(space):
    for mode in ("pc", "pece"):
        for p, c in ((1, 2), (2, 2), (2, 3), (3, 4)):
            name = f"sa_{mode}_{p}{c}_{space}"
            assert predicted(name) == grown(PREDICTED[space], p)
            assert corrected(name) == grown(CORRECTED[space], c - 1)


def test_few_steps():
    few_predicted = [PREDICTED["x0"][0], FEW_PREDICTED, PREDICTED["x0"][2]]
    few_corrected = [FEW_CORRECTED, *CORRECTED["x0"][1:]]
    for order in (2, 3):
        assert predicted(f"sa_predictor_{order}_few_x0") == grown(few_predicted, order)
    for mode in ("pc", "pece"):
        for p, c in ((2, 2), (3, 4)):
            name = f"sa_{mode}_{p}{c}_few_x0"
            assert predicted(name) == grown(few_predicted, p)
            assert corrected(name) == grown(few_corrected, c - 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sa_pc_34_few_x0", "unipc_bh1_3_x0"),
        ("sa_pc_34_x0", "unipc_vary_3_x0"),
        ("sa_pc_34_eps", "unipc_vary_3_eps"),
        ("sa_pc_23_eps", "unipc_vary_2_eps"),
    ],
)
def test_unipc_under_another_name(one, other):
    assert (predicted(one), corrected(one)) == (predicted(other), corrected(other))
    assert corrected(one) != corrected("sa_pc_22_x0")


def test_claims_and_forms():
    for solver in sa_solver.SOLVERS:
        _, method, digits, *_ = solver.name.split("_")
        predictor, corrector = int(digits[0]), int(digits[-1])
        assert solver.order == corrector
        assert len(solver.predict) == predictor
        assert len(solver.correct) == {"predictor": 0}.get(method, corrector - 1)
        assert solver.reevaluate == (method == "pece")
