"""Processes that runs may kill: each is asked for one run at a time, stopped at its deadline, replaced when it dies."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from cfg_equiv.errors import sentence
from cfg_equiv.sweeping.records import Run, RunRecord
from cfg_equiv.sweeping.worker import BEGIN, READY

SECONDS = 300.0  # a run may take
START = 300.0  # seconds its library may take to be imported
MEMORY = 4 * 2**30  # bytes a worker may take beyond what the libraries do


class PoolError(Exception):
    """No worker can be started. One sentence."""


@dataclass(frozen=True)
class Limits:
    """What each run is given: examples a check, checks, seconds, and bytes."""

    examples: int | None = None
    checks: Sequence[str] | None = None
    seconds: float = SECONDS
    memory: int = MEMORY


class Worker:
    """A process that is started when it is asked, and again after it died."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.RLock()  # the thread that asks, and the one that was told to stop, both end processes
        self._retired = False

    def ask(self, run: Run) -> RunRecord:
        """The record of a run; that the process died or had to be stopped is one too.

        Raises
        ------
        PoolError
            If the process does not start at all.
        """
        process = self._started()
        task = {"run": asdict(run), "examples": self.limits.examples, "checks": self.limits.checks}
        late = threading.Event()
        answer = ""
        with contextlib.suppress(OSError):  # it died: there will be no answer
            _pipe(process.stdin).write(json.dumps(task) + "\n")
            _pipe(process.stdin).flush()
            if _line(process, START, late).strip() == BEGIN:  # importing a library is not the run's time
                answer = _line(process, self.limits.seconds, late)
        if answer.endswith("\n"):
            said = json.loads(answer)
            if said["last"] or late.is_set():
                self.close()
            return RunRecord.from_json(said["record"])
        process.kill()
        code = process.wait()
        self.close()
        if late.is_set():
            why = f"it did not end within {self.limits.seconds:g} s, and was stopped"
            return RunRecord(run, "error", why, self.limits.seconds)
        return RunRecord(run, "error", f"the worker died in the middle of it: {_ending(code)}")

    def retire(self) -> None:
        """End the process, whatever it does, and start none again: a run that is asked for meanwhile is not begun."""
        with self._turn:
            self._retired = True
            if self._process is not None:  # the pipes are still being read, by whoever asks
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """End the process, whatever it does."""
        with self._turn:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                for pipe in (self._process.stdin, self._process.stdout):
                    with contextlib.suppress(OSError):
                        _pipe(pipe).close()
                self._process = None

    def _started(self) -> "subprocess.Popen[str]":
        with self._turn:
            if self._process is not None and self._process.poll() is None:
                return self._process
            self.close()
            if self._retired:
                raise PoolError(sentence("a worker that is wanted", "one that was told to stop", "start another"))
            process = subprocess.Popen(
                [sys.executable, "-m", "cfg_equiv.sweeping.worker", str(self.limits.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            )
            self._process = process
        if _pipe(process.stdout).readline().strip() != READY:
            self.close()
            do = f"run {sys.executable} -m cfg_equiv.sweeping.worker {self.limits.memory} to see what is wrong"
            raise PoolError(sentence("a worker process to start", "one that ended at once", do))
        return process


def _line(process: "subprocess.Popen[str]", seconds: float, late: threading.Event) -> str:
    """The next line of an answer; the process is killed, and ``late`` set, if it does not come in time."""

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        line: str = _pipe(process.stdout).readline()
        return line
    finally:
        timer.cancel()


def _pipe(pipe: Any) -> Any:
    """A pipe of a process that was started with pipes."""
    return pipe


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


class LocalPool:
    """Workers on this machine. Runs are started in order, and come back as they end."""

    def __init__(self, jobs: int, limits: Limits) -> None:
        self.jobs = jobs
        self._workers = [Worker(limits) for _ in range(jobs)]

    def map(self, runs: Iterable[Run]) -> Iterator[RunRecord]:
        """The records of the runs, each as soon as it is there."""
        idle = list(self._workers)

        def one(worker: Worker, run: Run) -> tuple[Worker, RunRecord]:
            return worker, worker.ask(run)

        todo = iter(runs)
        pending: set[Future[tuple[Worker, RunRecord]]] = set()
        threads = ThreadPoolExecutor(self.jobs, "sweep")
        try:
            while True:
                for run in islice(todo, len(idle)):
                    pending.add(threads.submit(one, idle.pop(), run))
                if not pending:
                    return
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    worker, record = future.result()
                    idle.append(worker)
                    yield record
        finally:
            if pending:  # given up: nobody waits for them
                for worker in self._workers:
                    worker.retire()
            threads.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.close()
