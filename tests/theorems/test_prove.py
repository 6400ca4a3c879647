"""The prover itself: it must not prove what is false, vacuous, unconditional or twinless."""

import pytest

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Row
from cfg_equiv.theorems import THEOREMS, Part, Theorem, export, prove
from cfg_equiv.theorems.environment import FieldEnv, RationalEnv, split_condition
from cfg_equiv.theorems.statement import Differs, Equal, Holds


def theorem(claim, twins=None, **part):
    method = "exact_counterexample" if part.get("arena") == "exact" else "field"
    twin = {"shift": {"shift": 1}} if twins is None else twins
    return Theorem("Q0", "test", "here", method, (Part(claim, twin, **part),))


def shifted(g, shift=0):
    yield Equal("a + b = b + a", g.a + g.b + shift, g.b + g.a)


def test_a_true_claim_is_proved_and_its_twin_refuted_at_an_exact_point():
    result = prove(theorem(shifted))
    assert result.holds
    assert result.detail.startswith("twin 'shift' refuted: a + b = b + a at a=")


def test_a_false_claim_fails_and_says_where():
    def claim(g, shift=0):
        yield Equal("a = 2a", g.a, 2 * g.a + shift)

    result = prove(theorem(claim))
    assert result.status == "failed"
    assert not result.holds
    assert "ProofError: a = 2a is false at a=" in result.detail


def test_a_twin_that_stands_is_reported():
    result = prove(theorem(lambda g, idle=0: shifted(g), twins={"idle": {"idle": 1}}))
    assert result.status == "proved"
    assert not result.twin_refuted
    assert not result.holds
    assert "twin 'idle' NOT refuted: its difference is zero in the field" in result.detail


def test_a_part_without_a_twin_is_refused():
    with pytest.raises(ValueError, match="a claim that cannot fail proves nothing, add one"):
        prove(theorem(shifted, twins={}))


def test_a_claim_without_statements_fails():
    result = prove(theorem(lambda g, shift=0: iter(())))
    assert "the claim made no statement" in result.detail


def test_an_uncovered_divisor_fails_although_it_cancels():
    def claim(g, shift=0):
        yield Equal("ab/a = b", g.a * g.b / g.a + shift, g.b)

    assert "divisors that no side condition keeps away from zero: a" in prove(theorem(claim)).detail
    assert prove(theorem(claim, conditions=("a != 0",))).holds


def test_conditions_that_no_point_meets_fail():
    result = prove(theorem(shifted, conditions=("c_a > 0", "0 > c_a")))
    assert result.status == "failed"


def test_an_undeclared_sign_fails_with_its_name():
    def claim(g, shift=0):
        yield Equal("sqrt(x^2)", g.xp.sqrt(g.c_x * g.c_x * g.c_x) ** 2 + shift, g.c_x**3)

    assert "needs the sign of c_x" in prove(theorem(claim)).detail
    assert prove(theorem(claim, conditions=("c_x > 0",))).holds


def test_a_claim_true_only_on_a_path_fails_off_it():
    def claim(g, shift=0):
        at = g.point()
        z, v = at.alpha * g.x + at.sigma * g.e, at.alpha * g.e - at.sigma * g.x
        yield Equal("x0 = alpha z - sigma v", at.alpha * z - at.sigma * v + shift, g.x)

    assert prove(theorem(claim, points={"": "vp"})).holds
    assert prove(theorem(claim, points={"": "circle"})).holds
    assert not prove(theorem(claim, points={"": "free"})).holds
    assert not prove(theorem(claim, points={"": "flow"})).holds


def test_exact_parts_decide_inequalities_and_facts():
    def claim(g, same=False):
        yield Differs("1 != 2", 1, 1 if same else 2)
        yield Holds("fact", True)

    assert prove(theorem(claim, twins={"same": {"same": True}}, arena="exact")).holds


def test_calls_name_the_shipped_formulas_nested_ones_included():
    def claim(g, shift=0):
        at = g.point()
        yield Equal("identity", convert(g.z, g.y, at, Row(g.p, g.q), Row(g.p, g.q)) + shift, g.y)

    result = prove(theorem(claim, points={"": "free"}, conditions=("alpha*q != sigma*p",)))
    assert result.holds
    assert result.calls == ("algebra.convert.convert", "algebra.points.det")


def test_a_condition_has_one_relation():
    assert split_condition("a != b + 1") == ("a", "!=", "b + 1")
    with pytest.raises(ValueError, match="expected a condition 'a > b', 'a != b' or 'a == b', got 'a < b'"):
        split_condition("a < b")


def test_points_of_every_path():
    for path, law in (("vp", 1), ("circle", 1)):
        at = RationalEnv({"": path}).point()
        assert at.alpha**2 + at.sigma**2 == law
    assert sum(RationalEnv({"": "flow"}).point()[:2]) == 1
    assert RationalEnv({"": "ve"}).point().alpha == 1
    field = FieldEnv({"": "ve"}, ["sigma"], ())
    assert field.decide(Equal("alpha = 1", field.point().alpha, field.field.element(1)))


def test_only_the_field_takes_limits_and_derivatives():
    env = RationalEnv({})
    assert env.limit_at_zero(3, "a") == env.derivative(3, "a") == 3
    assert env.has_limit(3, "a")


def test_both_sides_and_the_conditions_are_exported():
    q3 = next(theorem for theorem in THEOREMS if theorem.id == "Q3")
    (row,) = export(q3)
    assert row["theorem"] == "Q3"
    assert row["relation"] == "=="
    assert row["conditions"] == "alpha > 0"
    assert row["lhs"] == row["rhs"] != ""
    short = (theorem for theorem in THEOREMS if theorem.id in ("Q1", "Q7", "P4", "S2"))
    assert all(row["lhs"] and row["rhs"] for theorem in short for row in export(theorem))
