from cfg_equiv.report.sweep_text import cell, columns, explanations, print_overview, rejections, rows
from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.findings import overview
from cfg_equiv.sweeping.records import Run, RunRecord


def record(status, **options):
    checks = (
        CheckRecord("x0", "X0", "not_applicable", 0, 0, "", "", options),
        CheckRecord("eq", "EQ", status, 1, 0, "v is wrong", "RunCase(steps=2)", options),
    )
    return RunRecord(Run("lib:A", "", options), "ran", report=SubjectReport("A", "1", checks))


FOUND = overview(
    [
        record("passed"),
        record("failed", kind="v"),
        record("error", kind="w"),
        RunRecord(Run("lib:A", "", {"kind": "x"}), "rejected", "no x"),
        RunRecord(Run("lib:A", "", {"kind": "y"}), "rejected", "no y"),
    ],
    {"lib:A": {"kind": "eps"}},
)


def test_a_cell_counts_the_runs():
    assert cell({"passed": 3, "not_applicable": 2}) == "ok 3"
    assert cell({"passed": 3, "failed": 1, "error": 2}) == "1 FAILED, 2 ERROR of 6"
    assert cell({"not_applicable": 2}) == cell({}) == "-"


def test_one_row_a_target_and_one_column_a_property():
    assert columns(FOUND) == ["RUN", "EQ", "X0"]
    assert rows(FOUND) == [("lib:A", "ok 3", "1 FAILED, 1 ERROR of 3", "-")]


def test_each_failure_is_explained_with_its_smallest_case():
    failed, error = explanations(FOUND)
    assert failed.splitlines() == [
        "lib:A EQ failed: exactly the runs with kind='v' (1 of 2)",
        "  smallest kind='v'",
        "  check    eq",
        "  case     RunCase(steps=2)",
        "  found    v is wrong",
    ]
    assert error.startswith("lib:A EQ error: exactly the runs with kind='w' (1 of 3)")


def test_what_is_refused_is_said_once():
    assert rejections(FOUND) == ["lib:A refuses 2 combinations: no x (and 1 other reasons)"]


def test_all_of_it_is_printed(capsys):
    print_overview(FOUND, ["line 3 is cut off"])
    out = capsys.readouterr().out
    for text in ("Runs by property", "lib:A EQ failed: exactly", "lib:A refuses 2", "line 3 is cut off"):
        assert text in out
