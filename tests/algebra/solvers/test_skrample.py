"""Adams and DPM in four spaces: the steps of the spaces and the combinations by hand."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import PAST, PREDICTIONS, UNEVEN, T, by_hand, multistep, numbers, past

# (alpha, sigma) is (3, 6) at s and (5, 5) at t: what is read off does not need the VP path of v.
STEPS = {
    "x0": (F(5, 6), F(5, 2)),
    "eps": (F(5, 3), F(-5)),
    "flow": (F(10, 9), F(-5, 3)),
    "v": (F(5, 6) * (1 - 9) + 15, F(15 - 30)),
}
# h = log 2, and the steps before it 2h and h.
COMBINATIONS = {
    "adams_2": by_hand(m0=F(3, 2), m1=F(-1, 2)),
    "adams_3": by_hand(m0=F(23, 12), m1=F(-4, 3), m2=F(5, 12)),
    "dpm_2": by_hand(m0=F(5, 4), m1=F(-1, 4)),
    "dpm_3": by_hand(
        m0=(F(17, 6), F(-7, 6), F(1, 6)),
        m1=(F(-7, 2), F(5, 2), F(-1, 2)),
        m2=(F(5, 3), F(-4, 3), F(1, 3)),
    ),
}


@pytest.mark.parametrize("space", STEPS)
@pytest.mark.parametrize("name", COMBINATIONS)
def test_coefficients(name, space):
    gamma, delta = STEPS[space]
    order = int(name[-1])
    wanted = {"z": gamma, **{label: delta * c for label, c in COMBINATIONS[name].items()}}
    assert numbers(multistep(f"{name}_{space}", PAST[:order])) == wanted


def test_dpm_on_uneven_steps():
    # h = 2 log 2, and the steps before it h/2 and 3h/2; (alpha, sigma) is (3, 12) at s
    combination = by_hand(
        m0=(5, F(-23, 12), F(1, 4)),
        m1=(F(-40, 9), F(20, 9), F(-1, 3)),
        m2=(F(4, 9), F(-11, 36), F(1, 12)),
    )
    wanted = {"z": F(5, 12), **{label: F(15, 4) * c for label, c in combination.items()}}
    assert numbers(multistep("dpm_3_x0", UNEVEN)) == wanted


@pytest.mark.parametrize("space", STEPS)
@pytest.mark.parametrize("sampler", ["adams", "dpm"])
def test_it_starts_with_the_orders_below_and_ends_with_the_first(sampler, space):
    gamma, delta = STEPS[space]
    name = f"{sampler}_3_{space}"
    single = {"z": gamma, "m0": delta}
    assert numbers(multistep(name, PAST[:1])) == single
    assert numbers(multistep(name, PAST[:2])) == numbers(multistep(f"{sampler}_2_{space}", PAST[:2]))
    assert numbers(SOLVERS[name].step(RATIONAL, past(*PAST), T, end=True)) == single


def test_the_combinations_keep_a_constant():
    assert all(sum(c[label] for label in PREDICTIONS if label in c) == 1 for c in COMBINATIONS.values())
