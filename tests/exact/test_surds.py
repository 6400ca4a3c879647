"""Exact numbers with square roots, against their own squares and against the obvious identities."""

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.exact.surds import Surd, sign, sqrt

rationals = st.builds(F, st.integers(-20, 20), st.integers(1, 12))
surds = st.builds(
    lambda q, terms: sum((r * sqrt(k) for k, r in terms), Surd.of(q)),
    rationals,
    st.lists(st.tuples(st.integers(1, 30), rationals), max_size=3),
)


@given(st.builds(F, st.integers(0, 400), st.integers(1, 60)))
def test_a_root_squares_to_its_radicand(q):
    assert sqrt(q) * sqrt(q) == q


@given(surds, surds, surds)
def test_field_laws(a, b, c):
    assert a * (b + c) == a * b + a * c
    assert (a * b) * c == a * (b * c)
    assert a - a == 0
    if a != 0:
        assert b / a * a == b


def test_roots_of_products_and_distinct_roots():
    assert sqrt(2) * sqrt(3) == sqrt(6)
    assert sqrt(8) == 2 * sqrt(2)
    assert sqrt(2) + sqrt(3) != sqrt(5)
    assert sqrt(F(9, 4)) == F(3, 2)
    assert isinstance(sqrt(F(9, 4)), F)


def test_powers_and_printing():
    assert (1 + sqrt(2)) ** -2 * (1 + sqrt(2)) ** 2 == 1
    assert repr(F(1, 2) + sqrt(3)) == "1/2 + 1*sqrt(3)"
    assert repr(sqrt(2) - sqrt(2)) == "0"
    assert len({sqrt(2) + 1, 1 + sqrt(2)}) == 1


def test_what_it_refuses():
    with pytest.raises(ArithmeticError, match="sqrt needs a non-negative rational, got -1"):
        sqrt(-1)
    with pytest.raises(ArithmeticError, match=r"sqrt needs a non-negative rational, got 1 \+ 1\*sqrt\(2\)"):
        sqrt(1 + sqrt(2))
    with pytest.raises(ZeroDivisionError, match="by zero"):
        _ = sqrt(2) / (sqrt(3) - sqrt(3))


def test_the_sign_of_a_surd_survives_cancellation():
    close = sqrt(F(2)) - F(1414213562373095048801688724209698078569671875376948073, 10**54)
    assert sign(close) == 1
    assert sign(-close) == -1
    assert sign(sqrt(F(2)) + sqrt(F(3)) - sqrt(F(10))) == -1
    assert sign(sqrt(F(8)) - 2 * sqrt(F(2))) == 0
    assert sign(F(-1, 3)) == -1
