"""Integrals of the Lagrange basis: exact on the polynomials they should be exact on, and on no more."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.lagrange import lagrange_integrals


@pytest.mark.parametrize("nodes", [[F(2)], [F(2), F(4)], [F(-1), F(3), F(5, 2)], [F(7), F(4), F(1), F(1, 2)]])
def test_exact_below_the_number_of_nodes(nodes):
    end = F(1, 3)
    weights = lagrange_integrals(nodes, end)
    for degree in range(len(nodes) + 1):
        got = sum(w * u**degree for w, u in zip(weights, nodes, strict=True))
        exact = (end ** (degree + 1) - nodes[0] ** (degree + 1)) / (degree + 1)
        assert (got == exact) == (degree < len(nodes))


def test_by_hand():
    """From 2 to 1 over 2 and 4: the mean slope of the line through both, at 3/2."""
    assert lagrange_integrals([F(2), F(4)], F(1)) == (F(-5, 4), F(1, 4))
    assert lagrange_integrals([F(3)], F(5)) == (2,)
