from dataclasses import replace

import pytest

from cfg_equiv.report.markdown import Table, checked, verdicts
from cfg_equiv.results import CheckRecord, SubjectReport, TheoremResult
from cfg_equiv.theorems import THEOREMS, prove

RESULT = TheoremResult(
    "Q9",
    "a = a",
    "here",
    ("a > 0",),
    "field",
    "proved",
    True,
    (),
    1.0,
    "twin 'one' refuted: 1 against 2; twin 'two, with; a semicolon' refuted: x at a=1, b=2: 3 against 4",
)


def test_numbers_are_short_and_right_aligned_and_bars_are_escaped():
    table = Table(("name", "size"), (("a|b", 0.123456), ("c", 2.0)))
    assert str(table) == "| name | size |\n| --- | ---: |\n| a\\|b | 0.123 |\n| c | 2 |"
    assert table._repr_markdown_() == repr(table) == str(table)


def test_a_row_with_a_missing_cell_is_refused():
    with pytest.raises(ValueError, match=r"expected rows of 2 cells, as the header has, got 1 in \('a',\)"):
        Table(("name", "size"), (("a",),))


def test_a_verdict_shows_outcome_statement_conditions_and_twins():
    text = str(verdicts([RESULT]))
    assert text.startswith("**Q9: proved** (field; 2 of 2 twins refuted)\n\n$$ a = a $$\n")
    assert "side conditions of its parts: `a > 0`" in text
    assert "- twin, refuted: *two, with; a semicolon*: `x at a=1, b=2: 3 against 4`" in text
    assert "two, with" not in str(verdicts([RESULT], twins=1))
    assert "2 of 2" in verdicts([RESULT], twins=1)._repr_markdown_()


@pytest.mark.parametrize("change", [{"status": "failed"}, {"twin_refuted": False}])
def test_a_theorem_that_does_not_hold_is_not_shown_as_proved(change):
    text = str(verdicts([replace(RESULT, **change)]))
    assert "NOT established" in text
    assert "proved" not in text


def test_a_twin_that_stands_is_counted_and_named():
    text = str(verdicts([replace(RESULT, detail="twin 'a' refuted: b; twin 'c' NOT refuted: d", twin_refuted=False)]))
    assert "1 of 2 twins refuted" in text
    assert "- twin, NOT refuted: *c*: `d`" in text


def test_a_failure_shows_its_reason_and_long_reasons_are_cut():
    failed = replace(RESULT, status="failed", twin_refuted=False, detail="ProofError: the sum is false")
    assert "ProofError: the sum is false" in str(verdicts([failed]))
    long = replace(RESULT, detail=f"twin 'a' refuted: {'x' * 500}")
    assert "x ...`" in str(verdicts([long]))
    assert len(str(verdicts([long]))) < 400


def test_the_twins_of_a_real_theorem_are_all_found():
    theorem = next(theorem for theorem in THEOREMS if theorem.id == "Q2")
    count = sum(len(part.twins) for part in theorem.parts)
    assert f"({theorem.method}; {count} of {count} twins refuted)" in str(verdicts([prove(theorem)]))


def record(status, message="", case=""):
    return CheckRecord("eq", "EQ", status, 3, 0, message, case, {})


def test_a_report_shows_its_table_and_what_failed_with_where_to_look():
    good, bad = record("passed"), record("failed", "v differs from eps " * 9, "RunCase(latent=(0.0,))")
    text = str(checked(SubjectReport("right", "", (good,)), SubjectReport("wrong", "", (bad,))))
    table, failure = text.split("\n\n")
    assert table.splitlines()[2:] == ["| right | 3 | ok |", "| wrong | 3 | FAILED |"]
    first, *rest = failure.splitlines()
    assert (first, rest[0], rest[-1]) == ("```text", "FAILED wrong: EQ, check eq", "```")
    assert "  case     RunCase(latent=(0.0,))" in rest
    assert any(line.startswith("  look at  where the prediction is converted") for line in rest)
    assert max(map(len, rest)) <= 110
    assert [line for line in rest if line.startswith(" " * 11)]


def test_what_does_not_apply_is_said_with_its_reason():
    text = checked(SubjectReport("one", "", (record("not_applicable", "only one parameterization"),)))._repr_markdown_()
    assert "eq not_applicable: only one parameterization [one]" in text
