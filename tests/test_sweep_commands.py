"""The commands sweep and report as they are typed."""

import argparse
import json

import pytest

from cfg_equiv import sweep_commands
from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping import run as sweeping_run
from cfg_equiv.sweeping.store import Results
from tests.sweeping.test_run import FakePool

TOY = "tests.sweeping.toy:product"


@pytest.fixture
def pool(monkeypatch):
    made = FakePool(lambda options: options["flip"])
    monkeypatch.setattr(sweeping_run, "LocalPool", lambda jobs, limits: made)
    return made


def main(*arguments):
    parser = argparse.ArgumentParser()
    sweep_commands.add_commands(parser.add_subparsers(dest="command"))
    options = parser.parse_args([str(argument) for argument in arguments])
    return {"sweep": sweep_commands.run_sweep, "report": sweep_commands.run_report}[options.command](options)


def test_a_sweep_prints_the_table_and_the_cause_and_fails(pool, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert main("sweep", TOY, "--out", out) == 1
    printed = capsys.readouterr().out
    assert "exactly the runs with flip=True" in printed
    assert f"runs in {out} (" in printed
    assert Results.open(out).header.examples == 25


def test_a_sweep_without_failures_holds(pool, tmp_path, capsys):
    pool.fails = lambda options: False
    assert main("sweep", TOY, "--out", tmp_path / "out.jsonl") == 0
    assert "0 with failures, 0 with errors" in capsys.readouterr().out


def test_ctrl_c_is_one_sentence(pool, tmp_path, capsys):
    pool.stop = 2
    assert main("sweep", TOY, "--out", tmp_path / "out.jsonl") == 1
    assert "interrupted: 2 of " in (err := capsys.readouterr().err)
    assert "the same command goes on from there" in err


def test_what_is_asked_wrongly_is_one_sentence(tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    for arguments, text in (
        (("sweep", "nowhere:x", "--out", out), "expected a module that can be imported, got 'nowhere'"),
        (("sweep", TOY, "--out", out, "--jobs", 0), "expected 1 or more jobs, got 0"),
        (("sweep", TOY, "--out", tmp_path / "no" / "out"), "expected a file that can be written"),
        (("report", out, "--out", tmp_path / "a.html"), "expected a results file, got"),
        (("report", out), "expected something to write, got neither --out nor --json"),
    ):
        assert main(*arguments) == 2
        assert text in capsys.readouterr().err


def test_a_report_is_a_page_and_a_table(pool, tmp_path, capsys):
    out, page, table = tmp_path / "out.jsonl", tmp_path / "page.html", tmp_path / "table.json"
    main("sweep", TOY, "--out", out)
    assert main("report", out, "--out", page, "--json", table) == 0
    text = page.read_text()
    assert "<b>" not in text  # the message of a failure
    assert "found &lt;b&gt;" in text
    data = json.loads(table.read_text())
    assert data["targets"] == [TOY]
    assert data["explained"][0]["condition"] == [[["flip", "=", True]]]


def test_a_file_that_is_cut_off_is_reported_with_one_sentence(pool, tmp_path, capsys):
    out, page = tmp_path / "out.jsonl", tmp_path / "page.html"
    main("sweep", TOY, "--out", out)
    out.write_bytes(out.read_bytes()[:-10])
    assert main("report", out, "--out", page) == 0
    assert "is cut off: what comes before it is good and is used" in capsys.readouterr().err
    assert "is cut off: what comes before it is good and is used" in page.read_text()


def test_an_empty_sweep_has_no_report(pool, tmp_path, capsys):
    pool.stop = 0
    out = tmp_path / "out.jsonl"
    main("sweep", TOY, "--out", out)
    assert main("report", out, "--out", tmp_path / "page.html") == 2
    assert "expected one run or more, got none in" in capsys.readouterr().err


def test_a_report_of_check(tmp_path):
    checks = (CheckRecord("eq", "EQ", "failed", 1, 0, "<i>wrong</i>", "RunCase(steps=2)", {}),)
    results, page = tmp_path / "checks.json", tmp_path / "page.html"
    results.write_text(json.dumps([SubjectReport("A", "1.0", checks).to_dict()]))
    assert main("report", results, "--out", page) == 0
    assert "&lt;i&gt;wrong&lt;/i&gt;" in page.read_text()
