"""The field decides: what is equal is found equal, what is not is not, and what it cannot decide it refuses."""

import pytest

from cfg_equiv.exact.element import ExactError, PoleError
from cfg_equiv.exact.field import Field


@pytest.fixture
def field() -> Field:
    made = Field(["a", "b", "c", "e"])
    for name in ("a", "b", "c"):
        made.declare_positive(made.gens[name])
    return made


def test_equality_is_decided(field):
    a, b = field.gens["a"], field.gens["b"]
    assert field.is_zero((a + b) ** 2 - a * a - 2 * a * b - b * b)
    assert not field.is_zero((a + b) ** 2 - a * a - 2 * a * b + b * b)
    assert field.is_zero((a * a - b * b) / (a - b) - (a + b))


def test_square_roots_are_one_number_however_they_are_written(field):
    a, b = field.gens["a"], field.gens["b"]
    field.declare_positive(a - b)
    assert field.is_zero(field.sqrt(a * a - b * b) - field.sqrt(a - b) * field.sqrt(a + b))
    assert field.is_zero(field.sqrt(a * a) - a)
    assert field.is_zero(field.sqrt((b - a) ** 2) - (a - b))  # the declared sign, not the written one
    assert field.is_zero(field.sqrt(a / b) - field.sqrt(a * b) / b)
    assert not field.is_zero(field.sqrt(a + b) - field.sqrt(a - b))
    assert field.is_zero(1 / field.sqrt(2 * a) - field.sqrt(2 * a) / (2 * a))


def test_sqrt_reduces_before_it_adjoins(field):
    a, b = field.gens["a"], field.gens["b"]
    inner = field.sqrt(a)
    assert field.is_zero(field.sqrt(a + inner * inner + b * b / (inner * inner) - b * b / a) - field.sqrt(2 * a))


def test_sqrt_refuses_what_it_cannot_decide(field):
    a, e = field.gens["a"], field.gens["e"]
    with pytest.raises(ExactError, match=r"sqrt\(e\) needs the sign of e: declare it as a side condition"):
        field.sqrt(e)
    with pytest.raises(ExactError, match="sqrt of the negative element -a"):
        field.sqrt(-a)
    with pytest.raises(ExactError, match="a root inside a root"):
        field.sqrt(1 + field.sqrt(a))
    with pytest.raises(ExactError, match="pool of roots is empty"):
        [field.sqrt(a + k) for k in range(1, 40)]


def test_logarithms_add_and_exponentials_are_ratios(field):
    a, b, c, e = (field.gens[name] for name in "abce")
    h = field.log(a / b) - field.log(c / b)
    assert field.is_zero(field.expm1(h) - (a / c - 1))
    assert field.is_zero(field.expm1(-2 * h) - (c * c / (a * a) - 1))
    assert field.is_zero((field.log(a * b) - field.log(a)).value() - field.log(b).value())
    power = field.expm1(e * h)  # free exponents: (a/c)^e
    assert field.is_zero((1 + power) * (1 + field.expm1(-e * h)) - 1)
    assert field.is_zero((1 + power) ** 2 - (1 + field.expm1((2 * e) * h)))
    assert not field.is_zero(power - (a / c - 1))
    with pytest.raises(ExactError, match=r"log\(e\) needs the sign of e"):
        field.log(e)


def test_dividing_by_a_logarithm_uses_its_value(field):
    a, b = field.gens["a"], field.gens["b"]
    h = field.log(a) - field.log(b)
    assert field.is_zero(h / h - 1)
    assert field.is_zero((a / h) * h.value() - a)


def test_divisors_are_recorded_although_they_cancel(field):
    a, e = field.gens["a"], field.gens["e"]
    assert field.is_zero(e * a / e - a)
    assert field.uncovered() == ["e"]
    field.declare_nonzero(e * a)
    assert field.uncovered() == []


def test_a_divisor_with_a_root_is_covered_by_its_norm(field):
    a, b = field.gens["a"], field.gens["b"]
    _ = 1 / (a + field.sqrt(b))
    assert field.uncovered() == ["a**2 - b"]


def test_relations_reduce_and_a_vanishing_denominator_is_refused():
    field = Field(["a", "s"])
    a, s = field.gens["a"], field.gens["s"]
    field.declare_zero(a * a + s * s - 1)
    assert field.is_zero(a**4 - (1 - s * s) ** 2)
    with pytest.raises(ZeroDivisionError, match="an element that is zero"):
        _ = a / (a * a + s * s - 1)


def test_declared_signs_must_determine_the_sign(field):
    a, b, e = (field.gens[name] for name in "abe")
    with pytest.raises(ExactError, match="cannot declare"):
        field.declare_positive((a - b) * e)
    field.declare_positive(a - b)
    field.declare_positive((b - a) * e)  # hence e is negative
    assert field.sign_of(e) == -1
    assert field.sign_of(a - 2 * b) is None
    assert field.sign_of(0 * e) == 0
    with pytest.raises(ExactError, match="cannot declare"):
        field.declare_positive(-a)


def test_limits_and_poles(field):
    a, b = field.gens["a"], field.gens["b"]
    assert field.is_zero(field.limit_at_zero((a + a * b) / b, a))
    assert field.is_zero(field.limit_at_zero(field.sqrt(a * a + b * b), a) - b)
    with pytest.raises(PoleError, match="no limit"):
        field.limit_at_zero(b / a, a)


def test_derivative(field):
    a, b = field.gens["a"], field.gens["b"]
    assert field.is_zero(field.derivative(a**3 / b, a) - 3 * a * a / b)


def test_elements_take_ints_and_fractions_only(field):
    with pytest.raises(TypeError, match=r"expected an int, a Fraction or a field element, got float: 0\.5"):
        _ = field.gens["a"] + 0.5
