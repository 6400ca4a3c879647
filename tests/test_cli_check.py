"""`cfg-equiv check`: exit status, tables, failures that can be read, JSON."""

import json
import sys

import pytest

from cfg_equiv.__main__ import main
from cfg_equiv.report import checks as report_checks
from cfg_equiv.report import console
from cfg_equiv.results import CheckRecord, SubjectReport

MODULE = """
from cfg_equiv.testing import Guidance

def plain(c, u, w):
    return u + w * (c - u)

def clipped(c, u, w):
    return plain(c, u, w).clamp(-1, 1)

def broken(c, u, w):
    raise OSError("gone")

good = [Guidance(plain, convention="u+w(c-u)", version="1.0")]
bad = [Guidance(clipped, convention="u+w(c-u)", version="2.0", options={"radius": 1})]
crash = Guidance(broken, convention="u+w(c-u)")
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cli_subjects.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("cli_subjects", None)


def test_all_passed_is_0_and_says_how_much_ran(here, capsys):
    assert main(["check", "cli_subjects:good", "--examples", "3"]) == 0
    out, err = capsys.readouterr()
    assert "1 subject(s), 8 checks ran on 24 examples" in out
    assert "8 passed, 0 failed, 0 with errors" in out
    assert "running: plain" in err


def test_a_failure_is_1_and_reads_as_property_options_case_size_and_hint(here, capsys):
    target = here / "out.json"
    assert main(["check", "cli_subjects:good", "cli_subjects:bad", "--json", str(target)]) == 1
    out = capsys.readouterr().out
    block = out[out.index("FAILED clipped (2.0): CFG, check cfg_scale") :].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in block] == ["FAILED", "options", "case", "found", "look"]
    assert block[1] == "  options  radius=1"
    assert block[2].startswith("  case     GuidanceCase(source='x0', ")
    assert "times the bound" in block[3]
    assert block[4] == "  look at  an absolute threshold or radius: it must be scaled with the space"
    data = json.loads(target.read_text())
    assert [subject["subject"] for subject in data] == ["plain", "clipped"]
    assert set(data[0]) == {"subject", "version", "checks", "counts"}
    assert {record["status"] for record in data[1]["checks"]} == {"passed", "failed"}


def test_an_error_is_1_and_has_no_hint(here, capsys):
    assert main(["check", "cli_subjects:crash", "--examples", "2"]) == 1
    out = capsys.readouterr().out
    assert "ERROR broken: CFG, check cfg_scale" in out
    assert "found    it raises OSError: gone (cli_subjects.py, line 11)" in out
    assert "look at" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cli_subjects:godo"], "did you mean 'good'?"),
        (["nowhere"], "expected a target module:name, got 'nowhere'"),
        (["cli_subjects:good", "nowhere:x"], "expected a module that can be imported, got 'nowhere'"),
        (["cli_subjects:good", "--examples", "0"], "expected 1 example or more, got 0: pass --examples 25"),
        (["cli_subjects:good", "--json", "absent/x.json"], "expected a file in an existing folder"),
    ],
)
def test_a_wrong_request_is_2_and_one_sentence(here, capsys, arguments, message):
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


def record(name, status, message="", **names):
    return CheckRecord(name, name.upper(), status, 3, 1, message, names.get("case", ""), names.get("options", {}))


REPORTS = [
    SubjectReport("a", "1", (record("eq", "passed"), record("bat", "not_applicable", "noise"))),
    SubjectReport("b", "1", (record("eq", "expected", "known"), record("bat", "not_applicable", "noise"))),
    SubjectReport("c", "1", (record("st", "not_applicable", "nothing"),)),
]


def test_notes_name_each_reason_once_and_nothing_run_is_said(capsys, monkeypatch):
    monkeypatch.setattr(console, "has_rich", lambda: False)
    report_checks.print_checks(REPORTS, {})
    out = capsys.readouterr().out
    assert "bat not_applicable: noise [2 subjects]" in out
    assert "eq expected: known [b]" in out
    assert "NOTHING ran on c: that says nothing about it" in out
    assert "3 subject(s), 2 checks ran on 15 examples (5 of them vacuous): 1 passed, 0 failed" in out
    assert "subject  examples  eq" in out


def test_subjects_with_the_same_checks_share_a_table():
    heads = [(header, len(rows)) for header, rows in report_checks.tables(REPORTS)]
    assert heads == [(("subject", "examples", "eq", "bat"), 2), (("subject", "examples", "st"), 1)]
