"""The steps of k-diffusion's DPMSolver, in the state z: x moves by alpha at both ends."""

from fractions import Fraction as F

import pytest

from tests.algebra.solvers.anchors import HALVES, THIRDS, T, at, by_hand, numbers, singlestep


def test_order_two():
    # in x: x - 1*3*a, called at x - 2*m0
    assert [numbers(form) for form in singlestep("dpm_solver_12", *HALVES)] == [
        by_hand(z=F(7, 3), m0=-14),
        by_hand(z=F(5, 3), a=-15),
    ]


def test_order_three():
    # in x: called at x - 4*m0 and x - 2*3*m0 - 4*(3/(2 log 2) - 1)*(a - m0)
    assert [numbers(form) for form in singlestep("dpm_solver_23", *THIRDS)] == [
        by_hand(z=F(7, 3), m0=-28),
        by_hand(z=F(2, 3), m0=(-20, 12), a=(8, -12)),
        by_hand(z=F(5, 3), m0=(F(-85, 2), F(35, 2)), b=(F(15, 2), F(-35, 2))),
    ]


@pytest.mark.parametrize(("name", "points"), [("dpm_solver_12", (*HALVES, T)), ("dpm_solver_23", (*THIRDS, T))])
def test_twice_the_noise_is_twice_the_weight_of_every_prediction(name, points):
    s, *nodes, t = (at(2 * here.sigma / here.alpha, here.alpha) for here in points)
    for form, twice in zip(singlestep(name, points[0], *points[1:-1]), singlestep(name, s, *nodes, t=t), strict=True):
        assert numbers(twice) == {key: c if key == "z" else 2 * c for key, c in numbers(form).items()}
