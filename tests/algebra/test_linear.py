"""Solutions of small systems by hand and by substitution; a pivot that vanishes is an error."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.linear import inverse, solve
from cfg_equiv.exact.combination import unknown


def product(matrix, x):
    return tuple(sum(a * b for a, b in zip(row, x, strict=True)) for row in matrix)


# Powers of distinct nodes, and of them over factorials: the two systems that are solved.
NODES = (F(-2), F(-1, 3), F(1), F(5, 2))
POWERS = [[r**k for r in NODES] for k in range(4)]
OVER_FACTORIALS = [[r**k / f for k, f in enumerate((1, 2, 6, 24))] for r in NODES]


def test_by_hand():
    assert solve([[F(4)]], [F(3)]) == (F(3, 4),)
    # x + y = 1, -2x + y = 4
    assert solve([[F(1), F(1)], [F(-2), F(1)]], [F(1), F(4)]) == (-1, 2)
    assert inverse([[F(1), F(-1)], [F(1), F(1, 2)]], F(1)) == ((F(1, 3), F(2, 3)), (F(-2, 3), F(2, 3)))


@pytest.mark.parametrize("matrix", [POWERS, OVER_FACTORIALS])
def test_the_right_hand_side_comes_back(matrix):
    rhs = (F(3), F(-1, 2), F(7, 5), F(2))
    assert product(matrix, solve(matrix, rhs)) == rhs
    columns = list(zip(*inverse(matrix, F(1)), strict=True))
    assert [product(matrix, column) for column in columns] == [tuple(F(i == k) for i in range(4)) for k in range(4)]


def test_a_right_hand_side_of_latents():
    a, b = unknown("a", F(1)), unknown("b", F(1))
    x, y = solve([[F(1), F(1)], [F(-2), F(1)]], [a, b])
    assert (x.terms, y.terms) == ({"a": F(1, 3), "b": F(-1, 3)}, {"a": F(2, 3), "b": F(1, 3)})


def test_equal_nodes_have_a_zero_pivot():
    with pytest.raises(ZeroDivisionError):
        solve([[F(1), F(1)], [F(2), F(2)]], [F(1), F(2)])


def test_one_number_on_the_right_for_each_row():
    with pytest.raises(ValueError, match="zip"):
        solve([[F(1)]], [F(1), F(2)])
