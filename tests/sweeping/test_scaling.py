"""What a sweep costs beside its runs: memory that does not grow with them, and a reading of each for each overview."""

import weakref

import pytest

from cfg_equiv.sweeping.product import Product
from cfg_equiv.sweeping.records import RunRecord
from cfg_equiv.sweeping.run import plan, sweep
from cfg_equiv.sweeping.store import Results
from cfg_equiv.testing import Guidance
from tests.sweeping.test_run import FakePool


def of_options(number):
    return Product(
        lambda options: Guidance(lambda c, u, w: u + w * (c - u), "u+w(c-u)", name="any"),
        {f"option_{k}": (False, True) for k in range(number)},
    )


few, many = of_options(4), of_options(8)
SIZES = {"few": 2**4, "many": 2**8}


class Quiet(FakePool):
    """Keeps nothing of what it ran but weak references to the records."""

    def __init__(self):
        super().__init__()
        self.made = []

    def map(self, runs):
        for record in super().map(runs):
            self.made.append(weakref.ref(record))
            yield record
            del record


def alive(references):
    return sum(each() is not None for each in references)


def swept(name, out, pool, watch=lambda text: None):
    return sweep([f"{__name__}:{name}"], out, pool=pool, full=True, progress=watch)


@pytest.mark.parametrize("name", SIZES)
def test_no_record_is_kept(name, tmp_path):
    pool, seen = Quiet(), []
    swept(name, tmp_path / "out.jsonl", pool, lambda text: seen.append(alive(pool.made)))
    assert len(seen) == len(pool.made) == SIZES[name]
    assert set(seen) == {1}


@pytest.mark.parametrize("name", SIZES)
def test_records_are_read_one_at_a_time(name, tmp_path):
    out, read = tmp_path / "out.jsonl", []
    swept(name, out, Quiet())
    for record in Results.open(out).records():
        read.append(weakref.ref(record))
        del record
        assert alive(read) <= 1  # the one that the reader is at
    assert len(read) == SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_a_file_is_read_once_to_go_on_and_once_to_be_explained(name, tmp_path, monkeypatch):
    out, parsed = tmp_path / "out.jsonl", []
    swept(name, out, Quiet())
    honest = RunRecord.from_json
    monkeypatch.setattr(RunRecord, "from_json", lambda text: parsed.append(1) or honest(text))
    assert swept(name, out, Quiet()).new == 0
    assert len(parsed) == 2 * SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_the_plan_has_every_combination_once(name):
    runs = plan([f"{__name__}:{name}"], full=True)
    assert len({run.key for run in runs}) == len(runs) == SIZES[name]
