"""The statistics on tensors against the exact ones, axis by axis."""

from fractions import Fraction

import pytest
import torch

from cfg_equiv.exact.interval_vectors import INTERVALS, Enclosed
from cfg_equiv.exact.intervals import enclosure
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.rounding import BoundMode, assert_within
from cfg_equiv.tensor_statistics import TensorStatistics

X = torch.tensor([[[1.5, -2.0, 0.25], [4.0, 0.5, -1.0]], [[3.0, 1.0, -0.75], [2.0, -5.0, 0.125]]], dtype=torch.float64)
Y = X.flip(0) * 2 - 1
AXES = {"item": (1, 2), "channels": (1,), "positions": (2,)}
ONE = ("sum", "mean", "norm", "std")


def vectors(x, axes):
    """The exact vectors of a tensor, in the order of the reduced tensor."""
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    rows = x.permute(*rest, *axes).reshape(-1, *(x.shape[axis] for axis in axes)).flatten(1)
    return [Vector(Enclosed(Fraction(value)) for value in row) for row in rows.tolist()]


def middle(x):
    value, radius = enclosure(x.interval)
    assert radius < Fraction(1, 10**30)
    return value


def within(got, mode, exact):
    # The middle of an enclosure stands for the number: its radius is far below the last bit of a double.
    assert assert_within(got.flatten(), [middle(x) for x in exact], mode.error(got).flatten() + 2.0**-90) == 0


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
@pytest.mark.parametrize("name", ONE)
def test_of_one_tensor(name, axes):
    with BoundMode() as mode:
        got = getattr(TensorStatistics(axes), name)(X)
    assert got.ndim == X.ndim
    within(got, mode, [getattr(INTERVALS, name)(row) for row in vectors(X, axes)])


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_inner_product(axes):
    with BoundMode() as mode:
        got = TensorStatistics(axes).dot(X, Y)
    within(got, mode, [INTERVALS.dot(*rows) for rows in zip(vectors(X, axes), vectors(Y, axes), strict=True)])


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
@pytest.mark.parametrize("q", [0.0, 0.5, 0.75, 1.0])
def test_quantile(axes, q):
    got = TensorStatistics(axes).quantile(X, q)
    rows = [Vector(middle(x) for x in row) for row in vectors(X, axes)]
    assert got.flatten().tolist() == [float(RATIONAL.quantile(row, Fraction(q))) for row in rows]  # dyadic: exact


def test_quantile_of_half_precision():
    xp = TensorStatistics((1, 2))
    assert xp.quantile(X.half(), 0.5).flatten().tolist() == xp.quantile(X, 0.5).half().flatten().tolist()
    assert xp.quantile(X.half(), 0.5).dtype == torch.float16


def test_elementwise_with_numbers_on_either_side():
    xp = TensorStatistics((1, 2))
    assert xp.minimum(1, X).max() == 1 == xp.minimum(X, Fraction(1)).max()
    assert xp.maximum(0, X).min() == 0
    assert xp.clip(X, -1, 1).abs().max() == 1
    assert xp.greater_equal(X, 1).flatten().tolist() == [float(x >= 1) for x in X.flatten()]
    assert xp.sign(X).flatten().tolist() == [float((x > 0) - (x < 0)) for x in X.flatten().tolist()]


def test_the_cosine_may_have_been_rounded_beyond_one():
    assert TensorStatistics((1,)).acos(torch.tensor([1.0 + 2**-20, 0.5])).tolist()[0] == 0.0


def test_zeros_are_remembered_by_name():
    xp = TensorStatistics((1, 2))
    xp.norm(X), xp.std(X), xp.dot(X, X * 0)  # an inner product of two may be zero: no norm
    assert xp.zeros == []
    xp.norm(X * 0), xp.std(X * 0), xp.dot(X * 0, X * 0), xp.sqrt(X * 0)
    other = X * 0
    xp.dot(other, other)
    assert xp.zeros == ["norm", "standard deviation", "root", "norm"]
