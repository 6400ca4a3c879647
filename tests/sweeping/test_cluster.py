"""The cluster through a client that is none; and through a real one where distributed is installed."""

import sys
from types import SimpleNamespace

import pytest

from cfg_equiv.sweeping.cluster import AHEAD, Cluster, run_there
from cfg_equiv.sweeping.pool import Limits, PoolError
from cfg_equiv.sweeping.records import Run, RunRecord

RUNS = [Run("lib:A", "", {"x": k}) for k in range(20)]


class Future:
    def __init__(self, run):
        self.run = run

    def result(self):
        if self.run.options["x"] == 7:
            raise ConnectionError("worker 3 is gone")
        return RunRecord(self.run, "ran")


class Completed:
    """``as_completed`` with everything done at once, last in first out."""

    def __init__(self, futures, log):
        self.futures, self.log = list(futures), log

    def add(self, future):
        self.futures.append(future)
        self.log.append(len(self.futures))

    def __iter__(self):
        while self.futures:
            yield self.futures.pop()


@pytest.fixture
def dask(monkeypatch):
    seen = SimpleNamespace(cancelled=None, closed=False, waiting=[], function=None, address=None)

    class Client:
        def __init__(self, address, timeout):
            if address == "tcp://nowhere:1":
                raise OSError("timed out")
            seen.address = address

        def submit(self, function, run, limits, pure):
            seen.function = function
            assert not pure
            return Future(run)

        def nthreads(self):
            return {"tcp://a": 2, "tcp://b": 1}

        def cancel(self, futures):
            seen.cancelled = len(futures)

        def close(self):
            seen.closed = True

    module = SimpleNamespace(Client=Client, as_completed=lambda futures: Completed(futures, seen.waiting))
    monkeypatch.setitem(sys.modules, "distributed", module)
    return seen


def test_every_run_comes_back_and_few_wait_at_a_time(dask):
    pool = Cluster("tcp://host:8786", Limits())
    found = {record.run.key: record for record in pool.map(RUNS)}
    assert set(found) == {run.key for run in RUNS}
    assert max(dask.waiting) <= AHEAD * 3
    assert (dask.function, dask.address) == (run_there, "tcp://host:8786")
    lost = found[RUNS[7].key]
    assert (lost.outcome, lost.message) == ("error", "the cluster gave no result: ConnectionError: worker 3 is gone")
    pool.close()
    assert dask.closed


def test_what_is_left_is_cancelled(dask):
    records = Cluster("tcp://host:8786", Limits()).map(RUNS)
    next(records)
    records.close()
    assert dask.cancelled == AHEAD * 3


def test_no_scheduler_is_one_sentence(dask):
    with pytest.raises(PoolError, match="expected a Dask scheduler, got none at tcp://nowhere:1: give the address"):
        Cluster("tcp://nowhere:1", Limits())


def test_distributed_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        PoolError, match=r"expected distributed to be installed .*: run pip install 'cfg_equiv\[dask\]'"
    ):
        Cluster("tcp://host:8786", Limits())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what Dask warns of is not ours
def test_a_cluster_of_this_machine():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    runs = [Run("tests.sweeping.toy:hostile", "", {"mode": mode}) for mode in ("good", "exit")]
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        pool = Cluster(local.scheduler_address, Limits(2, ["cfg_translation"]))
        found = {record.run.options["mode"]: record for record in pool.map(runs)}
        pool.close()
    assert found["good"].report.holds
    assert found["exit"].message == "the worker died in the middle of it: exit status 3"
