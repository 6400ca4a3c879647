import math
from fractions import Fraction

import pytest
import torch

from cfg_equiv.rounding import assert_within

GOT = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


def test_within_the_bound_returns_the_number_of_vacuous_elements():
    assert assert_within(GOT, GOT + 0.5, torch.full((2, 2), 0.5)) == 0
    assert assert_within(GOT, GOT + 0.5, 0.5) == 0
    bound = torch.tensor([[0.5, math.inf], [math.nan, 0.5]])
    assert assert_within(GOT, GOT + torch.tensor([[0.0, 9.0], [9.0, 0.0]]), bound) == 2


def test_the_worst_element_is_named():
    exact = torch.tensor([[1.0, 2.5], [3.0, 4.25]])
    message = (
        r"outside the rounding bound at index \(1, 1\): got 4.0, exact 4.25, \|difference\| 1/4 = 0.25 > bound 0.0625 "
        r"\(ratio 4\); 2 of 4 elements are outside"
    )
    with pytest.raises(AssertionError, match=message):
        assert_within(GOT, exact, torch.tensor([[0.25, 0.25], [0.25, 0.0625]]))


def test_fractions_are_compared_exactly():
    third = torch.tensor([1 / 3], dtype=torch.float64)
    off = abs(Fraction(third.item()) - Fraction(1, 3))
    enough = math.nextafter(float(off), 1)
    assert assert_within(third, [Fraction(1, 3)], enough) == 0
    with pytest.raises(AssertionError, match=r"index \(0,\): got 0.3333333333333333, exact 1/3 = 0.33333333333333331"):
        assert_within(third, [Fraction(1, 3)], math.nextafter(float(off), 0))


def test_zero_is_a_bound():
    assert assert_within(GOT, [[1, 2], [3, 4]], 0) == 0
    with pytest.raises(AssertionError, match=r"bound 0.0 \(ratio inf\); 1 of 4"):
        assert_within(GOT, [[1, 2], [3, 5]], 0)


def test_no_number_is_outside_every_finite_bound():
    for bad in (math.nan, math.inf):
        with pytest.raises(AssertionError, match=rf"the result is not finite at index \(1,\): got {bad}, exact 2.0"):
            assert_within(torch.tensor([1.0, bad]), torch.tensor([1.0, 2.0]), 1.0)
        with pytest.raises(AssertionError, match=rf"the reference is not finite at index \(1,\): got 2.0, exact {bad}"):
            assert_within(torch.tensor([1.0, 2.0]), torch.tensor([1.0, bad]), 1.0)
    assert assert_within(torch.tensor([math.nan]), torch.tensor([1.0]), math.inf) == 1


def test_shapes_must_agree():
    with pytest.raises(
        AssertionError, match=r"expected got and exact of one shape, got \(2, 2\) and \(4,\); broadcast"
    ):
        assert_within(GOT, GOT.reshape(4), 1.0)
    with pytest.raises(AssertionError, match=r"expected got and bound of one shape, got \(2, 2\) and \(2,\)"):
        assert_within(GOT, GOT, torch.ones(2))
    with pytest.raises(AssertionError, match="expected a rectangular nested sequence"):
        assert_within(GOT, [[1, 2], [3]], 1.0)


def test_a_bound_below_zero_is_a_mistake():
    with pytest.raises(ValueError, match=r"expected bounds >= 0, got -1.0; pass an absolute error bound"):
        assert_within(GOT, GOT, -1.0)


def test_an_empty_tensor_and_a_number_without_axes():
    assert assert_within(torch.empty(0), torch.empty(0), 0.0) == 0
    assert assert_within(torch.tensor(1.0), Fraction(1), 0.0) == 0
