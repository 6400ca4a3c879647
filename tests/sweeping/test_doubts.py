"""The runs after the plan: the options of an explanation alone, and smaller and smaller failing runs."""

from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.doubts import doubts
from cfg_equiv.sweeping.findings import overview
from cfg_equiv.sweeping.records import Run, RunRecord

DEFAULTS = {"lib:A": {"kind": "eps", "flow": False, "size": 1, "order": 2}}


def record(status="passed", **options):
    check = CheckRecord("eq", "EQ", status, 1, 0, "", "RunCase(steps=2)", options)
    return RunRecord(Run("lib:A", "", options), "ran", report=SubjectReport("A", "1", (check,)))


def asked(*records):
    return [dict(run.options) for run in doubts(overview(records, DEFAULTS), {record.run.key for record in records})]


def test_the_options_that_explain_are_tried_alone():
    failing = [record("failed", kind="v", flow=True, size=2), record("failed", kind="v", flow=True, order=3)]
    found = asked(record(), record(kind="v"), record(flow=True), *failing)
    assert found[0] == {"kind": "v", "flow": True}


def test_what_the_property_needs_to_apply_goes_with_them():
    records = [record("not_applicable"), record("not_applicable", size=2), record("not_applicable", flow=True)]
    records += [record(kind="v"), record("failed", kind="v", flow=True, size=2), record("failed", kind="v", flow=True)]
    records += [record(kind="x0"), record("not_applicable", order=3)]
    found = overview(records, DEFAULTS).findings[0]
    assert [str(literal) for literal in found.applies] == ["kind!='eps'"]


def test_a_failing_run_is_halved_then_quartered_then_taken_option_by_option():
    options = {"kind": "v", "flow": True, "size": 2, "order": 3}
    known = [record(), record("failed", **options), record("failed", **{**options, "size": 3})]
    first = [{"size": 2, "order": 3}, {"kind": "v", "flow": True}]
    assert [run for run in asked(*known) if len(run) == 2][-2:] == first
    second = asked(*known, *(record(**run) for run in first))
    assert {"flow": True, "size": 2, "order": 3} in second
    assert {"kind": "v", "flow": True, "size": 2} in second


def test_nothing_is_left_to_doubt():
    assert asked(record(), record("failed", flow=True)) == []
    assert asked(record()) == []


def test_subjects_without_options_are_not_doubted():
    check = CheckRecord("eq", "EQ", "failed", 1, 0, "", "", {})
    records = [RunRecord(Run("lib:*", "one"), "ran", report=SubjectReport("one", "", (check,)))]
    assert doubts(overview(records, {}), set()) == []
