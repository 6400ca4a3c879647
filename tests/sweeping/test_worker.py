"""One run as a record; and the process of runs against subjects that kill it, fill it and hang in it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cfg_equiv.sweeping.pool import Limits, LocalPool, PoolError, Worker
from cfg_equiv.sweeping.records import Run, RunRecord
from cfg_equiv.sweeping.run import plan
from cfg_equiv.sweeping.store import Results
from cfg_equiv.sweeping.worker import execute
from tests.sweeping.toy import HOSTILE

TOY, CHECKS = "tests.sweeping.toy:product", ["cfg_translation"]


def test_a_run_is_its_report():
    good = execute(Run(TOY, "", {"mode": "bug"}), 2, CHECKS)
    assert (good.outcome, good.message, good.code) == ("ran", "", "toy.guide(mode='bug', flip=False)")
    assert [(check.name, check.status) for check in good.report.checks] == [("cfg_translation", "passed")]
    bad = execute(Run(TOY, "", {"mode": "bug", "flip": True}), 2, CHECKS)
    assert [check.status for check in bad.report.checks] == ["failed"]
    assert RunRecord.from_json(bad.to_json()) == bad


def test_what_the_library_refuses_is_rejected_in_its_words():
    record = execute(Run(TOY, "", {"flip": True, "size": 3}), 2, CHECKS)
    assert (record.outcome, record.message, record.report) == ("rejected", "no size 3 <b>with</b> flip", None)


def test_a_subject_that_cannot_be_made_is_an_error():
    record = execute(Run("tests.sweeping.toy:sampler", "", {"broken": True}), 2)
    assert record.outcome == "error"
    assert record.message.startswith(
        "the subject could not be made: it raises ParameterError: expected nothing, got all"
    )
    assert execute(Run("tests.sweeping.toy:nothing"), 2).message.startswith("expected a name in tests.sweeping.toy")


def test_a_failing_sampler_is_traced():
    record = execute(Run("tests.sweeping.toy:sampler"), 3, ["eq"])
    assert record.report.checks[0].status == "failed"
    trace = record.traces["eq"]
    assert set(trace["values"]) == {"eps", "x0"}
    assert trace["values"]["eps"] != trace["values"]["x0"]
    assert len(trace["sigmas"]) == len(trace["apart"]) - 1


def test_a_worker_that_does_not_start_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(
        PoolError, match="expected a worker process to start, got one that ended at once: run /bin/false"
    ):
        Worker(Limits()).ask(Run(TOY))


@pytest.mark.slow
def test_hostile_subjects_are_records_and_the_next_run_is_well():
    runs = [Run("tests.sweeping.toy:hostile", "", {"mode": mode}) for mode in (*HOSTILE, "good")]
    pool = LocalPool(2, Limits(2, CHECKS, seconds=6, memory=2**30))
    found = {record.run.options["mode"]: record for record in pool.map(runs)}
    pool.close()
    assert found["exit"].message == "the worker died in the middle of it: exit status 3"
    assert found["hang"].message == "it did not end within 6 s, and was stopped"
    assert found["good"].report.holds
    assert "MemoryError" in found["memory"].report.checks[0].message
    assert "left-behind" in found["thread"].report.checks[0].message
    assert found["dtype"].report.holds  # put back, and nothing else is wrong with it
    assert "meta" in found["device"].report.checks[0].message.lower()  # its own run alone: the good one comes after it
    assert [record.outcome for record in found.values()].count("error") == 2


@pytest.mark.slow
def test_a_sweep_that_is_killed_loses_nothing(tmp_path):
    target, out = "tests.sweeping.toy:slow", tmp_path / "out.jsonl"
    code = (
        "import sys; from pathlib import Path; from cfg_equiv.sweeping.run import sweep;"
        f"print(sweep(['{target}'], Path(sys.argv[1]), jobs=1, examples=2, checks={CHECKS!r}).new)"
    )
    command = [sys.executable, "-c", code, str(out)]
    first = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    stop = time.monotonic() + 120
    while (not out.exists() or len(out.read_bytes().splitlines()) < 2) and time.monotonic() < stop:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    there = [record.run for record in Results.open(out).records()]
    assert 1 <= len(there) < 4
    second = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert int(second.stdout) == 4 - len(there)
    assert [record.run for record in Results.open(out).records()] == plan([target])
