"""The weights integrate what they should, and a moment too few is an error."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.moments import quadrature_weights


def test_by_hand():
    assert quadrature_weights([F(5)], [F(7)]) == (7,)
    # Simpson's rule on [-1, 1], and the open rule of two points.
    assert quadrature_weights([F(-1), F(0), F(1)], [F(2), F(0), F(2, 3)]) == (F(1, 3), F(4, 3), F(1, 3))
    assert quadrature_weights([F(0), F(-1)], [F(1), F(1, 2)]) == (F(3, 2), F(-1, 2))


def test_the_moments_come_back():
    nodes, moments = [F(2), F(-3), F(1, 2), F(7)], [F(1), F(-5), F(2, 3), F(11)]
    weights = quadrature_weights(nodes, moments)
    assert [sum(w * u**k for w, u in zip(weights, nodes, strict=True)) for k in range(4)] == moments


def test_one_moment_per_node():
    with pytest.raises(ValueError, match="zip"):
        quadrature_weights([F(1), F(2)], [F(1)])
