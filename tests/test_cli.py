"""The command line: exit status, JSON, `--only`, and one sentence for what cannot be done."""

import json
import subprocess
import sys

import pytest

from cfg_equiv import verify as verify_module
from cfg_equiv.__main__ import main
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.peers import COMPARISONS
from cfg_equiv.report import console
from cfg_equiv.results import GridResult, PeerResult, TheoremResult, VerifyReport

FAILED = VerifyReport(
    (TheoremResult("Q1", "x", "s", (), "field", "failed", False, (), 1.0, "ProofError: a is false"),),
    GridResult(2, 1, ("ddim_eps from v",)),
    (PeerResult("diffusers: a", "-", "not_run", "pip install 'cfg_equiv[peers]'"),),
    1.0,
)


def test_verify_one_theorem_and_json(tmp_path, capsys):
    target = tmp_path / "report.json"
    assert main(["verify", "--only", "Q1", "P3", "--json", str(target)]) == 0
    data = json.loads(target.read_text())
    assert [t["id"] for t in data["theorems"]] == ["Q1", "P3"]
    assert set(data) == {"theorems", "exact_grid", "peers", "seconds"}
    keys = {"id", "statement", "source", "conditions", "method", "status", "twin_refuted", "calls", "ms"}
    assert keys <= set(data["theorems"][0])
    assert {"cases", "failed"} <= set(data["exact_grid"])
    out = capsys.readouterr().out
    assert "2 theorems proved, 0 argued, 2 of 2 with all twins refuted" in out
    assert "All of it holds." in out


def test_only_the_grid(capsys, monkeypatch):
    monkeypatch.setattr("cfg_equiv.theorems.solver_grid.SOLVERS", {"heun": SOLVERS["heun"]})
    assert main(["verify", "--only", "grid"]) == 0
    assert "exact grid: " in capsys.readouterr().out


def test_an_unknown_name_is_one_sentence(capsys):
    assert main(["verify", "--only", "Q99"]) == 2
    assert "expected a theorem, group or comparison out of" in capsys.readouterr().err


def test_a_missing_folder_is_one_sentence_before_any_work(tmp_path, capsys):
    assert main(["verify", "--json", str(tmp_path / "absent" / "x.json")]) == 2
    assert "expected a file in an existing folder" in capsys.readouterr().err


def test_failures_are_printed_and_exit_with_one(monkeypatch, capsys):
    monkeypatch.setattr("cfg_equiv.__main__.verify", lambda only, progress, jobs: FAILED)
    assert main(["verify"]) == 1
    out = capsys.readouterr().out
    assert "FAILED Q1: ProofError: a is false" in out
    assert "FAILED exact grid: ddim_eps from v" in out
    assert "FAILED diffusers: a (not_run): pip install" in out
    assert "NOT all of it holds" in out


def test_the_plain_report_says_the_same_without_rich(monkeypatch, capsys):
    monkeypatch.setattr(console, "has_rich", lambda: False)
    console.print_report(FAILED)
    out = capsys.readouterr().out
    assert "NOT REFUTED" in out
    assert "not_run" in out


def test_progress_says_each_group_once(capsys):
    with console.progress_line() as progress:
        for text in ("theorem Q1", "theorem Q2", "peer a"):
            progress(text)
    assert capsys.readouterr().err.splitlines() == ["running: theorem ...", "running: peer ..."]


def test_theorems_alone_do_not_import_torch():
    code = "import sys\nfrom cfg_equiv.verify import verify\nverify(['Q1'])\nsys.exit('torch' in sys.modules)"
    if verify_module._needs_peers(["Q1"]):
        pytest.fail("a theorem id asks for the peers")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_process_cannot_decide_anything(capsys):
    assert main(["verify", "--jobs", "0"]) == 2
    assert capsys.readouterr().err == "expected 1 process or more, got 0: pass --jobs 2\n"


@pytest.mark.slow
def test_comparisons_in_two_processes_come_out_as_in_one():
    pytest.importorskip("diffusers")
    names = [comparison.name for comparison in COMPARISONS[:3]]
    told: list[str] = []
    assert verify_module.verify(names, told.append, 2).peers == verify_module.verify(names).peers
    assert told == [f"peer {name}" for name in names]


def test_an_interrupt_is_one_sentence(monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("cfg_equiv.__main__.verify", interrupted)
    assert main(["verify"]) == 1
    assert capsys.readouterr().err.endswith("interrupted: run the same command again\n")
