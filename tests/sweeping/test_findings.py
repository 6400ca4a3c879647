"""A results file in small: the table, and what explains each failure."""

from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.findings import overview
from cfg_equiv.sweeping.records import Run, RunRecord

DEFAULTS = {"lib:A": {"kind": "eps", "flow": False}}


def record(status="passed", message="", outcome="ran", case="RunCase(steps=2)", **options):
    checks = (
        CheckRecord("eq", "EQ", status, 1, 0, message, case, options),
        CheckRecord("x0", "X0", "passed", 1, 0, "", "", options),
        CheckRecord("twin", "X0", "not_applicable", 0, 0, "no twin", "", options),
    )
    report = SubjectReport("A", "1", checks) if outcome == "ran" else None
    return RunRecord(Run("lib:A", "", options), outcome, message, report=report, traces={"eq": {"at": options}})


RECORDS = [
    record(),
    record("failed", "v is wrong", kind="v"),
    record(kind="x0"),
    record(flow=True),
    record("failed", "v is wrong again", kind="v", flow=True, case="RunCase(steps=3)"),
    record(outcome="rejected", message="not both", kind="x0", flow=True),
]


def test_the_table_counts_runs_by_the_worst_of_a_property():
    found = overview(RECORDS, DEFAULTS)
    assert found.runs == 6
    assert found.table == {
        "lib:A": {"EQ": {"passed": 3, "failed": 2}, "X0": {"passed": 5}, "RUN": {"passed": 5}},
    }
    assert found.rejections == {"lib:A": {"not both": 1}}


def test_a_failure_is_explained_and_its_smallest_case_is_kept():
    (one,) = overview(RECORDS, DEFAULTS).findings
    assert str(one) == "lib:A EQ failed: exactly the runs with kind='v' (2 of 5)"
    assert (one.smallest.run.options, one.smallest.case) == ({"kind": "v"}, "RunCase(steps=2)")
    assert one.smallest.trace == {"at": {"kind": "v"}}
    assert one.messages == ["v is wrong", "v is wrong again"]


def test_a_run_that_died_is_a_failure_of_its_own_property():
    found = overview([*RECORDS, record(outcome="error", message="the worker died", kind="v", flow=1)], DEFAULTS)
    one = found.findings[-1]
    assert (one.properties, one.status, one.smallest.message) == (["RUN"], "error", "the worker died")
    assert "flow=1" in str(one)


def test_errors_are_told_apart_from_failures():
    found = overview([*RECORDS, record("error", "it raises", kind="w")], DEFAULTS)
    assert [(one.status, one.explanation.condition) for one in found.findings] == [
        ("failed", ((("kind", "v", True),),)),
        ("error", ((("kind", "w", True),),)),
    ]


def test_subjects_without_options_are_told_apart_by_name():
    records = [
        RunRecord(
            Run("lib:*", name), "ran", report=SubjectReport(name, "", (CheckRecord("eq", "EQ", s, 1, 0, "", "", {}),))
        )
        for name, s in (("one", "passed"), ("two", "failed"))
    ]
    found = overview(records, {})
    assert str(found.findings[0]) == "lib:* EQ failed: exactly the runs with subject='two' (1 of 2)"


def test_the_table_goes_into_json():
    data = overview(RECORDS, DEFAULTS).to_dict()
    assert data["table"]["lib:A"]["EQ"] == {"passed": 3, "failed": 2}
    assert data["rejected"] == {"lib:A": {"not both": 1}}
    (one,) = data["explained"]
    assert (one["extent"], one["condition"], one["failing"], one["passing"]) == (
        "exactly",
        [[["kind", "=", "v"]]],
        2,
        3,
    )
    assert one["smallest"]["options"] == {"kind": "v"}


def test_an_error_that_breaks_several_properties_is_one_finding_and_two_errors_are_two():
    def broken(message, **options):
        checks = tuple(CheckRecord(name, name.upper(), "error", 1, 0, message, "", {}) for name in ("eq", "nan"))
        return RunRecord(Run("lib:A", "", options), "ran", report=SubjectReport("A", "1", checks))

    records = [
        broken("index 3 of 2", kind="v"),
        broken("no 7", flow=True),
        broken("index 11 of 9", kind="v", flow=True),
    ]
    first, second = overview([record(), record(kind="x0"), *records], DEFAULTS).findings
    assert str(first) == "lib:A EQ, NAN error: exactly the runs with kind='v' (2 of 4)"
    assert first.messages == ["index 3 of 2", "index 11 of 9"]
    assert str(second).startswith("lib:A EQ, NAN error: exactly the runs with flow=True (1 of 3)")
