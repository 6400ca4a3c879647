"""Seeds: only Hypothesis tests run, a flake is found and named with its seeds, and a killed run goes on."""

import subprocess
import sys
from io import StringIO

import pytest

from cfg_equiv.bench import seeds
from cfg_equiv.bench.seeds import Job, Outcome
from cfg_equiv.testing import check, runner

FLAKY = """
import pytest
from hypothesis import given, settings, strategies as st

def test_without_hypothesis():
    assert False

@pytest.mark.slow
@given(st.integers())
def test_slow(n):
    assert False

@given(st.integers())
def test_good(n):
    assert n == n

@settings(max_examples=2)
@given(st.integers(1, 1000))
def test_flaky(n):
    assert n % 2  # the first example is 1

@pytest.mark.xfail
@given(st.integers())
def test_expected(n):
    assert n < 0
"""
INI = "[pytest]\nfilterwarnings = error\naddopts = -m 'not slow'\nmarkers = slow\n"
PASSED = Outcome(Job("tests", "a", 0), 3, (), 0.1)
FAILED = Outcome(Job("tests", "a", 1), 3, (("a::b", "it is wrong"),), 0.1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with tests of which one fails under some seeds."""
    (tmp_path / "test_it.py").write_text(FLAKY)
    (tmp_path / "pytest.ini").write_text(INI)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(monkeypatch):
    """Jobs run in this process, on an outcome each; the list of those that did."""
    ran = []

    def run(job):
        ran.append(job)
        return Outcome(job, 2, (("a::b", "wrong"),) if job.seed == 2 else ())

    monkeypatch.setattr(seeds, "run_apart", run)
    return ran


@pytest.mark.slow
def test_a_flake_is_found_in_a_process_of_its_own(folder):
    command = [sys.executable, "-m", "cfg_equiv.bench.seeds", "--paths", "test_it.py", "--seeds", "4", "--out", "o"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    outcomes = seeds.read(folder / "o")
    assert [outcome.ran for outcome in outcomes] == [3] * 4  # not the test without Hypothesis, nor the slow one
    failed = [outcome for outcome in outcomes if outcome.failures]
    assert 1 <= len(failed) <= 3
    assert {name for outcome in failed for name, _ in outcome.failures} == {"test_it.py::test_flaky"}
    assert found.returncode == 1
    under = ", ".join(str(outcome.job.seed) for outcome in failed)
    assert f"test_it.py::test_flaky: failed under {len(failed)} of 4 seeds ({under}): assert" in found.stdout
    assert found.stderr.count("3 ran") == 4
    again = [sys.executable, "-m", "pytest", "test_it.py::test_flaky", f"--hypothesis-seed={failed[0].job.seed}"]
    assert subprocess.run(again, capture_output=True, check=False).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def test_it(): pass", "no test there uses Hypothesis"),
        ("import nowhere", "No module named 'nowhere'"),
        ("import os; os._exit(3)", "the process ended before the run did"),
    ],
)
def test_a_path_that_tests_nothing_fails(folder, text, message):
    (folder / "test_it.py").write_text(text)
    outcome = seeds.run_apart(Job("tests", "test_it.py", 0))
    assert outcome.ran == 0
    assert [name for name, _ in outcome.failures] == ["test_it.py"]
    assert message in outcome.failures[0][1]


TARGET = """
from cfg_equiv.testing import Guidance
rule = Guidance(lambda c, u, w: (u + w * (c - u)).clamp(-1, 1), convention="u+w(c-u)", name="clipped")
"""


def test_the_checks_of_a_target_run_under_the_seed(folder, monkeypatch, capsys):
    (folder / "seeds_target.py").write_text(TARGET)
    asked = []

    def some(subject, **options):
        asked.append(options)
        return check(subject, checks=["cfg_scale", "cfg_sign"], **options)

    monkeypatch.setattr(runner, "check", some)
    monkeypatch.setattr(runner, "SHRINK_SECONDS", 0)
    outcome = seeds.run(Job("check", "seeds_target:rule", 3, 9, "clipped"))
    assert seeds.run(Job("check", "seeds_target:rule", 3, 9, "another")).failures == (("another", "nothing ran"),)
    with pytest.raises(SystemExit):
        seeds.main(["--paths", "--targets", "seeds_target:rule", "--without", "cliped"])
    assert "got 'cliped': did you mean 'clipped'?" in capsys.readouterr().err
    del sys.modules["seeds_target"]
    assert asked == [{"seed": 3, "examples": 9}]
    assert outcome.ran == 2
    assert [name for name, _ in outcome.failures] == ["clipped-cfg_scale"]
    assert "GuidanceCase(" in outcome.failures[0][1]


def test_what_has_run_does_not_run_again(folder, here, capsys):
    arguments = ["--paths", "test_it.py", "--seeds", "2", "--out", "o"]
    assert seeds.main(arguments) == 0
    assert [job.seed for job in here] == [0, 1]
    with (folder / "o").open("a") as file:
        file.write('{"job": {"kind"')  # killed while it wrote
    assert seeds.main([*arguments, "--seeds", "4"]) == 1
    assert [job.seed for job in here] == [0, 1, 2, 3]
    assert len((folder / "o").read_text().splitlines()) == 4
    assert seeds.main([*arguments, "--seeds", "4", "--examples", "7"]) == 1
    assert [job.examples for job in here[4:]] == [7] * 4
    out, error = capsys.readouterr()
    assert "a::b: failed under 1 of 4 seeds (2): wrong\n  again: pytest 'a::b' --hypothesis-seed=2\n" in out
    assert "4 runs, 8 tests and checks, 1 of them failed under a seed" in out
    assert "[3/4] seed 2 test_it.py: 2 ran, 1 failed" in error


def test_each_subject_of_a_target_is_a_run_but_those_left_out(folder, here):
    target, left = "diffusers.guiders:ClassifierFreeGuidance", "ClassifierFreeGuidance[guidance_rescale=0.7]"
    pytest.importorskip("diffusers")
    assert seeds.main(["--paths", "--targets", target, "--without", left, "--seeds", "2"]) == 0
    plain = ["ClassifierFreeGuidance", "ClassifierFreeGuidance[use_original_formulation=True]"]
    assert [(job.what, job.subject, job.seed) for job in here] == [(target, x, k) for k in (0, 1) for x in plain]


def test_the_report_counts_the_seeds_of_a_failure():
    out = StringIO()
    assert seeds.report([PASSED, FAILED], out) == 1
    assert "a::b: failed under 1 of 2 seeds (1): it is wrong" in out.getvalue()
    assert seeds.report([PASSED], StringIO()) == 0
    assert Outcome.from_json(FAILED.to_json()) == FAILED


def test_a_file_of_something_else_is_not_continued(tmp_path):
    (tmp_path / "o").write_text('{"sweep": 1}\n')
    with pytest.raises(SystemExit, match=r"line 1 of .* is no outcome of this program: give another --out"):
        seeds.read(tmp_path / "o")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--paths", "absent"], "there is no absent: give --paths"),
        (["--seeds", "0", "--paths"], "--seeds is 1 or more, got 0"),
        (["--paths", "--targets", "nowhere:nothing"], "a module that can be imported, got 'nowhere'"),
        (["--paths", "--without", "known"], "--without is for the subjects of --targets: give them"),
    ],
)
def test_a_wrong_request_ends_with_two(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        seeds.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
