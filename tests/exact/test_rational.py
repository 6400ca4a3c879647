"""The rational namespace: the statistics of the non-linear rules, and logarithms that keep only their ratio."""

from fractions import Fraction as F

import pytest
import torch

from cfg_equiv.exact.rational import RATIONAL, vector
from cfg_equiv.exact.surds import sqrt


def test_std_is_the_one_torch_takes():
    values = vector(1, 2, 4, 9)
    exact = RATIONAL.std(values)
    assert exact * exact == F(38, 3)
    measured = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64).std().item()
    assert round(F(measured) ** 2 * 3) == 38


def test_norm_dot_clip_minimum():
    assert RATIONAL.norm(vector(3, 4)) == 5
    assert RATIONAL.norm(vector(1, 1)) == sqrt(2)
    assert RATIONAL.dot(vector(1, 2), vector(3, "1/2")) == 4
    assert RATIONAL.clip(vector(-3, "1/2", 3), -1, 1) == vector(-1, "1/2", 1)
    assert RATIONAL.minimum(1, F(1, 2)) == F(1, 2)


def test_vectors_broadcast_scalars_and_refuse_other_lengths():
    assert 2 * vector(1, 2) - vector(1, 1) / 2 == vector("3/2", "7/2")
    assert 1 - vector(1, 2) == -vector(0, 1)
    with pytest.raises(ValueError, match="shorter"):
        _ = vector(1, 2, 3) + vector(1, 2)


def test_logarithms_are_ratios():
    h = RATIONAL.log(F(3)) - RATIONAL.log(F(2))
    assert RATIONAL.expm1(h) == F(1, 2)
    assert RATIONAL.expm1(-h) == F(-1, 3)
    assert RATIONAL.expm1(2 * h) == F(5, 4)
    assert RATIONAL.expm1(F(1, 2) * h) == sqrt(F(3, 2)) - 1
    assert RATIONAL.expm1(RATIONAL.log(F(64, 27)) / 3) == F(1, 3)
    with pytest.raises(ArithmeticError, match="no logarithm of an exact number"):
        RATIONAL.expm1(F(1, 3) * h)


def test_values_of_logarithms_are_a_homomorphism_that_keeps_the_order():
    two, three, six = (RATIONAL.log(F(n)) for n in (2, 3, 6))
    assert two.value() + three.value() == six.value()
    assert (two * F(1, 2)).value() == two.value() / 2
    assert RATIONAL.log(sqrt(F(2))).value() == two.value() / 2
    assert 0 < two.value() < three.value() < six.value()
    assert two / three == two.value() / three.value()
    assert 1 / two + two * two == 1 / two.value() + two.value() ** 2
    with pytest.raises(ArithmeticError, match="not positive"):
        RATIONAL.log(F(-1)).value()


def test_comparisons_see_through_roots():
    a, b = vector(1, 3), RATIONAL.norm(vector(1, 1))
    assert RATIONAL.maximum(a, b).items == (sqrt(2), 3)
    assert RATIONAL.minimum(b, a).items == (1, sqrt(2))
    assert RATIONAL.greater_equal(a, b) == vector(0, 1)
    assert RATIONAL.abs(vector(-1, 2)) == vector(1, 2)
    assert RATIONAL.sign(vector(-1, 0)) == vector(-1, 0)
    assert RATIONAL.clip(F(5), -1, 1) == 1


def test_quantile_is_the_one_torch_takes():
    values = vector(5, 1, 2, 9)
    for q in (F(0), F(1, 4), F(1, 2), F(9, 10), F(1)):
        measured = torch.quantile(torch.tensor([5.0, 1.0, 2.0, 9.0], dtype=torch.float64), float(q)).item()
        assert round(RATIONAL.quantile(values, q) * 100) == round(100 * measured)
    assert RATIONAL.mean(values) == F(17, 4)
