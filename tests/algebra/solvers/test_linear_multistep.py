"""Anchors of the linear multistep families: their weights on grids where they were computed by hand."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.reading import level, memory, weights

# Levels by kappa, the target first, with signal scales that are not 1: steps -1, -2, -1, -2.
UNEVEN = [level(1, 3), level(2, "1/2"), level(4, 2), level(5, "2/3"), level(7, 5)]
UNIFORM = [level(k, a) for k, a in ((1, 3), (2, "1/2"), (3, 2), (4, "2/3"), (5, 5))]
DOUBLING = [level(k, a) for k, a in ((1, 3), (2, "1/2"), (4, 2), (8, 5))]
# On the VP circle; the weights asked for there do not depend on the grid.
CIRCLE = [
    point(RATIONAL, F(a, c), F(b, c)) for a, b, c in ((4, 3, 5), (3, 4, 5), (8, 15, 17), (5, 12, 13), (7, 24, 25))
]

BASHFORTH = {
    1: [F(1)],
    2: [F(3, 2), F(-1, 2)],
    3: [F(23, 12), F(-16, 12), F(5, 12)],
    4: [F(55, 24), F(-59, 24), F(37, 24), F(-9, 24)],
}
VARIABLE_STEP = {
    1: [F(1)],
    2: [F(5, 4), F(-1, 4)],
    3: [F(53, 36), F(-11, 12), F(4, 9)],
    4: [F(589, 360), F(-125, 72), F(91, 72), F(-59, 360)],
}


def of(name, grid, n):
    return weights(SOLVERS[name], grid[0], grid[1 : n + 1])


@pytest.mark.parametrize("family", ["lms", "deis_rho_ab"])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_weights_of_the_grid_as_it_is(family, order):
    for n in range(1, order + 1):
        assert of(f"{family}_{order}", UNEVEN, n) == VARIABLE_STEP[n]
        assert of(f"{family}_{order}", UNIFORM, n) == BASHFORTH[n]
    # the solver forgets what its order does not use
    if order < 4:
        assert of(f"{family}_{order}", UNEVEN, order + 1) == [*VARIABLE_STEP[order], 0]


@pytest.mark.parametrize("order", [2, 3, 4])
def test_ipndm_takes_the_weights_of_a_uniform_grid_on_every_grid(order):
    for n in range(1, order + 1):
        assert of(f"ipndm_ve_{order}", UNEVEN, n) == BASHFORTH[n]


@pytest.mark.parametrize("name", ["ipndm_deis", "iplms"])
def test_ipndm_in_the_noise(name):
    for n in range(1, 5):
        assert of(name, UNEVEN, n) == BASHFORTH[n]
        assert of(name, CIRCLE, n) == BASHFORTH[n]


def test_ipndm_from_v_needs_the_circle():
    for n in range(1, 5):
        assert of("ipndm_v_space", CIRCLE, n) == BASHFORTH[n]
    assert of("ipndm_v_space", UNEVEN, 2) != BASHFORTH[2]


@pytest.mark.parametrize(
    ("name", "grid", "first"), [("plms", UNEVEN, 2), ("plms", CIRCLE, 2), ("s_pndm", CIRCLE, 2), ("f_pndm", CIRCLE, 4)]
)
def test_pseudo_linear_multistep(name, grid, first):
    for n in range(first, 5):
        known = BASHFORTH[min(n, SOLVERS[name].memory)]
        assert of(name, grid, n) == [*known, *[0] * (n - len(known))]


def test_pndm_prints_its_transfer_for_the_circle():
    assert of("s_pndm", UNEVEN, 2) != BASHFORTH[2]


def test_ipndm_v_as_released():
    """Two slopes as the method; three and four as computed by hand from the released formulas."""
    assert of("ipndm_v_2", UNEVEN, 2) == VARIABLE_STEP[2]
    assert of("ipndm_v_3", UNEVEN, 3) == [F(31, 18), F(-5, 3), F(17, 18)]
    assert of("ipndm_v_4", UNEVEN, 4) == [F(689, 360), F(-21, 8), F(137, 72), F(-23, 30)]
    for order in (2, 3, 4):
        for n in range(1, min(order, 3) + 1):
            assert of(f"ipndm_v_{order}", UNIFORM, n) == BASHFORTH[n]


def test_four_slopes_of_ipndm_v_are_no_adams_bashforth():
    """On a uniform grid the third difference has 11/24 in place of 9/24; on an uneven one the step is inconsistent."""
    off = [got - right for got, right in zip(of("ipndm_v_4", UNIFORM, 4), BASHFORTH[4], strict=True)]
    assert off == [F(1, 12), F(-3, 12), F(3, 12), F(-1, 12)]
    assert sum(of("ipndm_v_3", UNEVEN, 3)) == 1
    assert sum(of("ipndm_v_4", UNEVEN, 4)) == F(17, 40)


def test_gradient_estimation_extrapolates_by_a_whole_step():
    assert of("gradient_estimation", UNEVEN, 1) == [1]
    assert of("gradient_estimation", UNEVEN, 2) == [2, -1]


def test_deis_in_log_rho():
    r"""Levels 1, 2, 4, 8, with :math:`L = \log 2`: the integrals by hand, from 2 to 1."""
    log2 = RATIONAL.log(F(2)).value()
    square = log2 * log2
    two = [1 / log2, 1 - 1 / log2]
    three = [
        (2 + log2 - 2 * square) / (2 * square),
        (3 * square - 2) / square,
        (2 - log2 - 2 * square) / (2 * square),
    ]
    for order in (2, 3):
        assert of(f"deis_{order}", DOUBLING, 1) == [1]
        assert of(f"deis_{order}", DOUBLING, 2) == two
    assert of("deis_3", DOUBLING, 3) == three
    assert sum(two) == sum(three) == 1


@pytest.mark.parametrize("name", ["ipndm_ve_4", "ipndm_v_4", "gradient_estimation"])
def test_the_last_step_is_the_denoised_sample(name):
    past = memory(SOLVERS[name], UNEVEN[1:], "x0")
    end = SOLVERS[name].step(RATIONAL, past, Point(F(3), F(0)), end=True)
    assert {term: c for term, c in end.terms.items() if c} == {"e0": 3}


def test_without_a_form_of_its_own_the_step_to_zero_is_the_same_integral():
    """Levels 0, 2, 4: the weights of two slopes are 1 + 1/2 and -1/2, and the end is finite."""
    assert weights(SOLVERS["lms_2"], Point(F(3), F(0)), [level(2, "1/2"), level(4, 2)]) == [F(3, 2), F(-1, 2)]
