"""Answers: what they are looked up by, and what is left without one."""

import json

import pytest

from cfg_equiv.report.answers import Answer, answered, table, unanswered

FOUND = {
    "target": "library:Scheduler",
    "properties": ["X0", "ORD"],
    "status": "failed",
    "extent": "exactly",
    "failing": 2,
    "passing": 3,
    "condition": [[["spacing", "=", "trailing"], ["steps", "!=", 4]], [["clip", "=", True]]],
    "smallest": {"options": {"spacing": "trailing", "order": 3}, "message": "it is off"},
}
SUMMARY = {"explained": [FOUND]}
SPACING = Answer("1.1", ["Scheduler"], ["ORD"], "failed", [{"spacing": "trailing", "clip": None}])
REST = Answer("by design", ["Scheduler"], [], "", [{}])


def test_each_property_has_the_first_answer_that_fits():
    assert answered(FOUND, [SPACING, REST]) == ["by design", "1.1"]
    assert answered(FOUND, [REST, SPACING]) == ["by design", "by design"]
    assert answered(FOUND, [SPACING]) == ["", "1.1"]
    assert unanswered(SUMMARY, [REST]) == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer("another class", ["Other"], [], "", [{}]),
        Answer("another property", ["Scheduler"], ["SCH"], "", [{}]),
        Answer("another status", ["Scheduler"], [], "error", [{}]),
        Answer("another value", ["Scheduler"], [], "", [{"spacing": "leading"}]),
        Answer("a default that was changed", ["Scheduler"], [], "", [{"order": None}]),
        Answer("no choice of options", ["Scheduler"], [], "", []),
    ],
    ids=lambda answer: answer.answer,
)
def test_what_does_not_fit_is_no_answer(answer):
    assert answered(FOUND, [answer]) == ["", ""]


def test_what_has_no_answer_is_named_with_its_options():
    assert unanswered(SUMMARY, [SPACING]) == [
        "library:Scheduler X0 failed: {'spacing': 'trailing', 'order': 3}",
    ]
    plain = {"explained": [{**FOUND, "smallest": {"options": {}}}]}
    assert unanswered(plain, [])[0] == "library:Scheduler X0 failed: the defaults"


def test_the_table_has_answers_classes_and_conditions():
    shown = str(table(SUMMARY, [SPACING]))
    assert (
        "| NEW and 1.1 | Scheduler | X0 ORD | failed | 2 of 5: spacing = trailing and steps != 4; or clip = True |"
        in shown
    )
    every = {**FOUND, "extent": "all", "condition": [], "passing": 0}
    assert "2 of 2: all |" in str(table({"explained": [every]}, [REST]))
    partly = {**FOUND, "extent": "partly", "condition": []}
    assert "2 of 5: among them spacing = trailing and order = 3 |" in str(table({"explained": [partly]}, [REST]))


def test_the_terms_of_a_condition_are_answered_too():
    clip = Answer("1.10", ["Scheduler"], ["X0"], "failed", [{"clip": True}])
    assert "| 1.1 and 1.10 and by design | Scheduler |" in str(table(SUMMARY, [SPACING, clip, REST]))


def test_rows_are_in_the_order_of_sections_and_what_is_new_comes_first():
    found = [{**FOUND, "target": f"library:{name}"} for name in ("A", "B", "C", "D")]
    answers = [Answer(said, [name], [], "", [{}]) for said, name in (("by design", "A"), ("1.10", "B"), ("1.9", "C"))]
    rows = str(table({"explained": found}, answers)).splitlines()[2:]
    assert [row.split(" | ")[1] for row in rows] == ["D", "C", "B", "A"]


def test_answers_are_read_from_json(tmp_path):
    path = tmp_path / "answers.json"
    one = {"answer": "1.1", "classes": ["A"], "properties": [], "status": "", "options": [{}]}
    path.write_text(json.dumps([one]), encoding="utf-8")
    assert Answer.read(path) == [Answer(**one)]
