"""Ctrl-C reaches the sweep and all its processes at once: what came is on disk, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cfg_equiv.sweeping import run as sweeping
from cfg_equiv.sweeping.pool import Limits, LocalPool, PoolError, Worker
from cfg_equiv.sweeping.records import Run
from cfg_equiv.sweeping.run import sweep
from cfg_equiv.sweeping.store import Results
from tests.sweeping.test_run import TOY, FakePool

# As from a terminal: a shell that has put a command in the background makes it deaf to Ctrl-C.
COMMAND = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from cfg_equiv.__main__ import main; sys.exit(main(sys.argv[1:]))"
)
MODULE = """
import time

from cfg_equiv.sweeping.product import Product
from cfg_equiv.testing import Guidance


def made(options):
    def combine(c, u, w):
        time.sleep(0.02)
        return u + w * (c - u)

    return Guidance(combine, "u+w(c-u)", name="patient")


product = Product(made, {"size": (1, 2, 3), "flip": (False, True)})
"""
RUNS = 6


def started(folder, *arguments):
    """A sweep on the command line, in a session of its own."""
    (folder / "patient.py").write_text(MODULE)
    command = [sys.executable, "-c", COMMAND, "sweep", "patient:product", "--out", "out.jsonl", "--examples", "1"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines(path):
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def of_session(leader):
    """The processes of a session that are not over."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(after_name[3]) == leader and after_name[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def wait_until(is_so, seconds=60):
    stop = time.monotonic() + seconds
    while not is_so() and time.monotonic() < stop:
        time.sleep(0.05)
    return is_so()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
def test_an_interrupted_sweep_says_so_keeps_its_runs_and_leaves_no_process(tmp_path):
    out = tmp_path / "out.jsonl"
    first = started(tmp_path, "--jobs", "2")
    assert wait_until(lambda: lines(out) >= 2)
    assert len(of_session(first.pid)) == 3  # itself, and a process for each of the two jobs
    os.killpg(first.pid, signal.SIGINT)
    printed, said = first.communicate(timeout=60)
    assert first.returncode == 1
    there = [record.run for record in Results.open(out).records()]
    assert 1 <= len(there) < RUNS
    (sentence,) = [line for line in said.replace("\r", "\n").splitlines() if "interrupted" in line]
    assert sentence.endswith(
        f"interrupted: {len(there)} of {RUNS} runs are in out.jsonl; the same command goes on from there"
    )
    assert "Traceback" not in said + printed
    assert wait_until(lambda: not of_session(first.pid), 5)

    second = started(tmp_path, "--jobs", "2")
    printed, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert f"{RUNS} runs in out.jsonl ({RUNS - len(there)} new)" in " ".join(printed.split())
    runs = [record.run for record in Results.open(out).records()]
    assert runs[: len(there)] == there
    assert len({run.key for run in runs}) == len(runs) == RUNS


def test_an_interrupt_before_the_first_run_is_one_sentence(tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "plan", interrupted)
    out = tmp_path / "out.jsonl"
    tally = sweep([TOY], out, pool=FakePool())
    assert tally.ending(out) == (
        f"interrupted before a run was planned, and nothing was written to {out}: run the same command again"
    )
    assert not out.exists()


def test_an_interrupt_while_the_file_is_read_leaves_it_as_it_was(tmp_path, monkeypatch):
    out, pool = tmp_path / "out.jsonl", FakePool()
    sweep([TOY], out, pool=FakePool(), runs=3)
    before = out.read_bytes()
    monkeypatch.setattr(sweeping.Tally, "count", lambda *arguments, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    assert sweep([TOY], out, pool=pool).interrupted
    assert out.read_bytes() == before
    assert pool.asked == []


def test_a_worker_that_was_told_to_stop_is_not_started_again():
    worker = Worker(Limits())
    worker.retire()
    with pytest.raises(PoolError, match="expected a worker that is wanted, got one that was told to stop"):
        worker.ask(Run(TOY))


def test_what_waits_for_its_turn_is_not_begun_once_a_pool_is_given_up(monkeypatch):
    begun = []

    def ask(self, run):
        begun.append(run)
        if len(begun) > 1:
            assert retired.wait(10)
            self._started()
        return run

    retired = threading.Event()
    honest = Worker.retire
    monkeypatch.setattr(Worker, "ask", ask)
    monkeypatch.setattr(Worker, "retire", lambda self: (honest(self), retired.set()))
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **options: pytest.fail("a process was started"))
    pool = LocalPool(2, Limits())
    records = pool.map([Run(TOY, "", {"size": k}) for k in (1, 2, 3)])
    next(records)
    records.close()  # as when an interrupt comes out of it
    pool.close()
    assert len(begun) <= 3
