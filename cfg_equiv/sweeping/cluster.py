"""Runs on a Dask cluster that is already there.

Each thread of a Dask worker keeps one process of :class:`~cfg_equiv.sweeping.pool.Worker`, so that a subject that dies
takes neither the Dask worker nor its other tasks with it, and time limits hold. cfg_equiv and the libraries must be
installed on the workers.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Any

from cfg_equiv.errors import sentence
from cfg_equiv.sweeping.pool import Limits, PoolError, Worker
from cfg_equiv.sweeping.records import Run, RunRecord

SECONDS_TO_CONNECT = 30
AHEAD = 2  # tasks handed over per thread of the cluster: enough to keep it busy, few enough to hold

_OF_THREAD = threading.local()


def run_there(run: Run, limits: Limits) -> RunRecord:
    """What a Dask worker does: the run, in this thread's process."""
    worker: Worker | None = getattr(_OF_THREAD, "worker", None)
    if worker is None or worker.limits != limits:
        if worker is not None:
            worker.close()
        worker = _OF_THREAD.worker = Worker(limits)
    return worker.ask(run)


class Cluster:
    """A pool like :class:`~cfg_equiv.sweeping.pool.LocalPool`, on the Dask scheduler at ``address``.

    Raises
    ------
    PoolError
        If ``distributed`` is not installed, or nothing answers at the address.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        try:
            self._dask: Any = import_module("distributed")
        except ModuleNotFoundError as error:
            do = "run pip install 'cfg_equiv[dask]'"
            raise PoolError(sentence("distributed to be installed for --scheduler", "no such module", do)) from error
        try:
            self._client = self._dask.Client(address, timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError, TimeoutError) as error:
            do = "give the address that dask scheduler prints, tcp://HOST:8786"
            raise PoolError(sentence("a Dask scheduler", f"none at {address}", do)) from error
        self._limits = limits

    def map(self, runs: Iterable[Run]) -> Iterator[RunRecord]:
        """The records of the runs, each as soon as it is there. What is left is cancelled with the iteration."""
        todo, of = iter(runs), dict[Any, Run]()

        def submit(run: Run) -> Any:
            future = self._client.submit(run_there, run, self._limits, pure=False)
            of[future] = run
            return future

        threads = sum(self._client.nthreads().values()) or 1
        completed = self._dask.as_completed([submit(run) for run in islice(todo, AHEAD * threads)])
        try:
            for future in completed:
                run = of.pop(future)
                for following in islice(todo, 1):
                    completed.add(submit(following))
                yield _outcome(future.result, run)
        finally:
            self._client.cancel(list(of))

    def close(self) -> None:
        """Leave the cluster; it stays up."""
        self._client.close()


def _outcome(result: Callable[[], Any], run: Run) -> RunRecord:
    try:
        record: RunRecord = result()
    except Exception as error:  # of Dask: the worker is gone, or cannot import what it needs
        return RunRecord(run, "error", f"the cluster gave no result: {type(error).__name__}: {error}")
    return record
