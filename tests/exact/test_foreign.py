"""Code of + - * / runs on exact numbers; code that asks for more is refused, not answered wrongly."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from cfg_equiv.exact.foreign import Foreign
from cfg_equiv.exact.rational import vector

F = Fraction


def test_float_literals_are_the_rationals_they_are():
    third = Foreign(F(1, 3))
    assert (0.5 * third - 0.25).value == F(1, 6) - F(1, 4)
    assert (1 + third * 0.7 - 0.7 * third).value == 1
    assert (np.float64(0.5) * third).value == F(1, 6)


def test_vectors_and_numbers():
    v, w = Foreign(vector(1, "1/2")), Foreign(F(3))
    assert (w * v + 1 - v / 2).value == vector("7/2", "9/4")
    assert (2 / v).value == vector(2, 4)
    assert (-(v**3)).value == vector(-1, "-1/8")
    assert (w - v).value == vector(2, "5/2")


def test_a_weight_can_be_decided_on_and_a_vector_cannot():
    w, v = Foreign(F(3)), Foreign(vector(1, 2))
    assert w > 1
    assert w >= 3
    assert not w < 3
    assert w <= 3
    assert w == 3
    assert w != 1
    assert bool(w)
    assert math.isclose(w, 3.0)
    for question in (lambda: v > 0, lambda: v == v, lambda: bool(v), lambda: float(v)):
        with pytest.raises(TypeError, match="a Vector of exact numbers is neither compared nor made a float"):
            question()


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.std(),
        lambda v: torch.clamp(v, -1, 1),
        lambda v: v**0.5,
        lambda v: v**-1,
        lambda v: v[0],
        lambda v: len(v),
        lambda v: sum(v),
        lambda v: v * torch.ones(2),
        lambda v: v * math.inf,
        lambda v: v + "1",
    ],
)
def test_what_is_no_arithmetic_of_elements_is_refused(call):
    with pytest.raises((TypeError, AttributeError)):
        call(Foreign(vector(1, 2)))
