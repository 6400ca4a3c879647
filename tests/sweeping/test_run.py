"""A sweep: everything once, whatever interrupts it, and explanations that are put to the test."""

import pytest

from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.findings import overview
from cfg_equiv.sweeping.records import Run, RunRecord
from cfg_equiv.sweeping.run import plan, sweep
from cfg_equiv.sweeping.store import Results, ResultsError
from cfg_equiv.testing.targets import TargetError

TOY = "tests.sweeping.toy:product"


class FakePool:
    """Answers at once; ``fails(options)``: for which options a check fails; ``stop``: after how many it is stopped."""

    def __init__(self, fails=lambda options: False, stop=None):
        self.fails, self.stop, self.asked, self.closed = fails, stop, [], 0

    def map(self, runs):
        for run in runs:
            if self.stop is not None and len(self.asked) == self.stop:
                raise KeyboardInterrupt
            self.asked.append(run)
            status = "failed" if self.fails({"mode": "good", "flip": False, "size": 1, **run.options}) else "passed"
            check = CheckRecord("cfg", "CFG", status, 1, 0, "found <b>", "GuidanceCase(weight=3.0)", dict(run.options))
            yield RunRecord(run, "ran", report=SubjectReport("toy", "1.0", (check,)), seconds=0.1)

    def close(self):
        self.closed += 1


def explained(path):
    results = Results.open(path)
    return [str(one) for one in overview(results.records(), results.header.defaults).findings]


def test_every_run_of_the_plan_is_in_the_file_once(tmp_path):
    pool, out, texts = FakePool(), tmp_path / "out.jsonl", []
    tally = sweep([TOY], out, pool=pool, progress=texts.append)
    assert [record.run for record in Results.open(out).records()] == plan([TOY]) == pool.asked
    assert (tally.done, tally.new, tally.planned, tally.interrupted) == (
        len(pool.asked),
        len(pool.asked),
        tally.done,
        False,
    )
    assert texts[0].startswith(f"{TOY} 1/{tally.planned} runs: 0 with failures, 0 rejected, 0 with errors; about ")
    assert pool.closed == 1


def test_a_sweep_that_was_stopped_goes_on_and_counts_nothing_twice(tmp_path):
    out, first, second = tmp_path / "out.jsonl", FakePool(stop=3), FakePool()
    tally = sweep([TOY], out, pool=first)
    assert tally.interrupted
    assert tally.ending(out) == (
        f"interrupted: 3 of {tally.planned} runs are in {out}; the same command goes on from there"
    )
    again = sweep([TOY], out, pool=second)
    assert (again.there, again.new, again.interrupted) == (3, again.planned - 3, False)
    assert first.asked + second.asked == plan([TOY])
    third = FakePool()
    assert sweep([TOY], out, pool=third).new == 0
    assert third.asked == []


def test_the_option_that_explains_all_failures_is_named(tmp_path):
    out = tmp_path / "out.jsonl"
    sweep([TOY], out, pool=FakePool(lambda options: options["flip"] and options["mode"] == "bug"))
    (text,) = explained(out)
    assert "exactly the runs with mode='bug' and flip=True" in text


def test_an_explanation_is_tested_after_the_plan_and_falls(tmp_path):
    """Three options are needed: no run of the plan says so, the run with two of them alone does."""
    pool, out = FakePool(lambda options: options == {"mode": "bug", "flip": True, "size": 3}), tmp_path / "out.jsonl"
    sweep([TOY], out, pool=pool)
    after = pool.asked[len(plan([TOY])) :]
    assert 0 < len(after) <= 6
    assert all(len(run.options) <= 2 for run in after)
    assert not any("exactly" in text for text in explained(out))


def test_several_targets_take_turns():
    runs = plan([TOY, "tests.sweeping.toy:subjects"])
    assert runs[:4] == [Run(TOY), Run("tests.sweeping.toy:subjects", "plain"), runs[2], Run(runs[1].target, "two")]


def test_only_the_first_runs(tmp_path):
    pool = FakePool(lambda options: True)
    tally = sweep([TOY], tmp_path / "out.jsonl", pool=pool, runs=2)
    assert pool.asked == plan([TOY])[:2]
    assert tally.planned == 2
    assert sweep([TOY], tmp_path / "out.jsonl", pool=FakePool(), runs=5).new == 3


def test_the_whole_product():
    assert len(plan([TOY], full=True)) == 12


def test_another_sweep_is_refused_before_anything_runs(tmp_path):
    out, pool = tmp_path / "out.jsonl", FakePool()
    sweep([TOY], out, pool=FakePool(), runs=1)
    with pytest.raises(
        ResultsError, match=r"expected a results file of this same sweep, got .* with examples 25, not 5"
    ):
        sweep([TOY], out, pool=pool, examples=5)
    assert pool.asked == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"runs": 0}, "expected 1 or more runs, got 0: pass runs="),
        ({"jobs": -1}, "expected 1 or more jobs, got -1: pass jobs="),
        ({"examples": 0}, "expected 1 or more examples, got 0: pass examples="),
        ({"seconds": 0}, "expected seconds above 0, got 0: pass seconds="),
        ({"memory": -1}, "expected memory above 0, got -1: pass memory="),
    ],
)
def test_numbers_are_in_their_range(tmp_path, options, text):
    with pytest.raises(ParameterError, match=text):
        sweep([TOY], tmp_path / "out.jsonl", pool=FakePool(), **options)


def test_names_that_are_not_there(tmp_path):
    with pytest.raises(UnknownNameError, match="expected a check out of"):
        sweep([TOY], tmp_path / "out.jsonl", pool=FakePool(), checks=["equal"])
    with pytest.raises(UnknownNameError, match=r"expected a name in tests\.sweeping\.toy out of"):
        sweep(["tests.sweeping.toy:produkt"], tmp_path / "out.jsonl", pool=FakePool())
    with pytest.raises(TargetError, match=r"expected subjects at tests\.sweeping\.toy:HOSTILE"):
        sweep(["tests.sweeping.toy:HOSTILE"], tmp_path / "out.jsonl", pool=FakePool())
    assert not (tmp_path / "out.jsonl").exists()
