"""The decorator, seen from outside: pytest runs on generated files, as it would in somebody's repository."""

import re
import subprocess
import sys

import pytest
import torch
import torch._dynamo  # torch imports it late, and it cannot be imported again after pytester has restored sys.modules
from hypothesis import settings
from hypothesis import strategies as st

from cfg_equiv.case import GuidanceCase
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.testing import CheckFailure, Guidance, RunCase, Sampler, parametrize_with_checks
from cfg_equiv.testing.checks import CHECKS

pytest_plugins = ["pytester"]

HEAD = """
import torch
from hypothesis import given, settings, strategies as st
from cfg_equiv.case import GuidanceCase
from cfg_equiv.testing import Guidance, RunCase, Sampler, from_step, parametrize_with_checks

CONVENTION = "u+w(c-u)"
def plain(c, u, w): return u + w * (c - u)
def clipped(c, u, w): return plain(c, u, w).clamp(-1, 1)
def broken(c, u, w): raise RuntimeError("boom")
PLAIN, CLIPPED, BROKEN = (Guidance(f, convention=CONVENTION) for f in (plain, clipped, broken))
CASE = GuidanceCase(
    source="x0", dtype="float64", shape=(2, 3, 4, 4), weight=3.0, latent=(0.5,), conditional=(1.0,),
    unconditional=(0.0,), level=("3/5", "4/5"),
)
"""
RULE = ("cfg_translation", "cfg_scale", "cfg_sign", "cfg_end_points", "dt", "bat", "sens", "st")


def test_the_names_of_the_checks_of_a_rule():
    assert tuple(check.name for check in CHECKS if check.kind is Guidance) == RULE


@pytest.fixture
def run(pytester, monkeypatch):
    """Write a test file after HEAD and run pytest on it, in this process."""
    monkeypatch.delenv("HYPOTHESIS_PROFILE", raising=False)
    profile = settings().get_current_profile_name()
    common = {"max_examples": 4, "database": None, "phases": ["generate"], "report_multiple_bugs": False}
    settings.register_profile("theirs", deadline=200, **common)
    settings.register_profile("hasty", deadline=30, **common)
    pytester.makeini("[pytest]\nmarkers = theirs")

    def run(text, *arguments, profile="theirs"):
        pytester.makepyfile(test_it=HEAD + text)
        return pytester.runpytest_inprocess(f"--hypothesis-profile={profile}", *arguments)

    yield run
    settings.load_profile(profile)


def statistics(text, name):
    """How many test cases Hypothesis says it ran, and the deadline-free reason it stopped, for the tests so named."""
    found = re.findall(rf"{name}\[plain-\w+\]:\n.*?- (\d+) passing.*?Stopped because ([^\n]*)", text, re.DOTALL)
    return {(int(count), reason) for count, reason in found}


def test_ids_selection_classes_settings_and_statistics(run):
    result = run(
        """
@parametrize_with_checks([PLAIN])
def test_function(subject, check, case):
    check(subject, case)

class TestClass:
    attribute = 3

    @settings(max_examples=7)
    @parametrize_with_checks([PLAIN])
    def test_above(self, subject, check, case):
        assert self.attribute == 3
        check(subject, case)

    @parametrize_with_checks([PLAIN])
    @settings(max_examples=8)
    def test_below(self, subject, check, case):
        check(subject, case)
""",
        "-v",
        "--hypothesis-show-statistics",
        "-k",
        "cfg_scale or test_function",
    )
    result.assert_outcomes(passed=len(RULE) + 2, deselected=2 * (len(RULE) - 1))
    text = result.stdout.str()
    for name in RULE:
        assert f"test_it.py::test_function[plain-{name}] PASSED" in text
    assert "test_it.py::TestClass::test_above[plain-cfg_scale] PASSED" in text
    assert statistics(text, "test_function") == {(4, "settings.max_examples=4")}
    assert statistics(text, "test_above") == {(7, "settings.max_examples=7")}
    assert statistics(text, "test_below") == {(8, "settings.max_examples=8")}


SLOW = """
import time
def slow(c, u, w):
    time.sleep(0.1)  # three calls an example
    return plain(c, u, w)
QUICK = settings(phases=["generate"], report_multiple_bugs=False)
SLOW = [Guidance(slow, convention=CONVENTION, dtypes=("float64",))]
"""


@pytest.mark.slow
def test_the_deadline_is_lifted_unless_somebody_chose_one(run):
    result = run(
        SLOW
        + """
@parametrize_with_checks(SLOW)
def test_nothing(subject, check, case): check(subject, case)
@settings(max_examples=1)
@parametrize_with_checks(SLOW)
def test_above(subject, check, case): check(subject, case)
@parametrize_with_checks(SLOW)
@settings(max_examples=1)
def test_below(subject, check, case): check(subject, case)
@settings(QUICK, max_examples=1, deadline=30)
@parametrize_with_checks(SLOW)
def test_chosen_above(subject, check, case): check(subject, case)
@parametrize_with_checks(SLOW)
@settings(QUICK, max_examples=1, deadline=30)
def test_chosen_below(subject, check, case): check(subject, case)
""",
        "-k",
        "slow-st",
    )
    result.assert_outcomes(passed=3, failed=2, deselected=5 * (len(RULE) - 1))
    assert result.stdout.str().count("exceeds the deadline of 30.00ms") >= 2


def test_the_deadline_of_a_profile_is_honoured(run):
    text = "@parametrize_with_checks(SLOW)\ndef test_slow(subject, check, case): check(subject, case)"
    result = run(SLOW + text, "-k", "slow-st", profile="hasty")
    result.assert_outcomes(failed=1, deselected=len(RULE) - 1)


def test_expected_failures_are_strict_run_their_witness_once_and_excuse_nothing_else(run):
    result = run(
        """
CALLS = []
def counted(c, u, w):
    CALLS.append(w)
    return clipped(c, u, w)
WHY = ("it clips", CASE)
def raising(c, u, w):
    if w == 3.0: raise ValueError("a crash")
    return clipped(c, u, w)

EXPECTED = {"cfg_translation": WHY, "clipped-cfg_scale": WHY, "st": WHY}
@parametrize_with_checks([CLIPPED], expected_failed_checks=EXPECTED)
def test_expected(subject, check, case):
    check(subject, case)

@parametrize_with_checks([Guidance(counted, convention=CONVENTION)], expected_failed_checks={"cfg_end_points": WHY})
def test_once(subject, check, case):
    check(subject, case)

def test_tally():
    assert CALLS == [1.0]  # the first end point of the witness fails; Hypothesis' own repetition calls nothing

@parametrize_with_checks([Guidance(raising, convention=CONVENTION)], expected_failed_checks={"cfg_scale": WHY})
def test_crash(subject, check, case):
    check(subject, case)
""",
        "-rA",
        "-k",
        "(test_expected and (translation or scale or clipped-st))"
        " or (test_once and end_points) or tally or (crash and scale)",
    )
    text = result.stdout.str()
    for line in (
        "XFAIL test_it.py::test_expected[clipped-cfg_translation] - it clips",
        "XFAIL test_it.py::test_expected[clipped-cfg_scale] - it clips",
        "XFAIL test_it.py::test_once[counted-cfg_end_points] - it clips",
        "PASSED test_it.py::test_tally",
        "[XPASS(strict)] it clips",
        "ValueError: a crash",
    ):
        assert line in text, line
    result.assert_outcomes(xfailed=3, passed=1, failed=2, deselected=len(RULE) * 3 - 5)


def test_a_failure_prints_its_case_and_what_to_look_at_and_the_pasted_case_fails_again(run):
    result = run(
        """
@settings(phases=["generate", "shrink"])
@parametrize_with_checks([CLIPPED.named("clipped", radius=1)])
def test_rule(subject, check, case):
    check(subject, case)
""",
        "-k",
        "cfg_scale",
    )
    text = result.stdout.str()
    result.assert_outcomes(failed=1, deselected=len(RULE) - 1)
    for part in ("Draw 1 (case): GuidanceCase(source='x0',", "Look at: an absolute threshold", "options: radius=1"):
        assert part in text, text
    printed = re.search(r"Draw 1 \(case\): (GuidanceCase\(.*?\n?.*?\)\))", re.sub(r"(?m)^E +", "", text), re.DOTALL)
    case = eval(printed[1], {"GuidanceCase": GuidanceCase})
    check = next(check for check in CHECKS if check.name == "cfg_scale")
    subject = Guidance(lambda c, u, w: (u + w * (c - u)).clamp(-1, 1), convention="u+w(c-u)")
    with pytest.raises(CheckFailure, match="positive scales"):
        check(subject, case)


def test_two_faults_in_one_check_are_both_reported(run):
    result = run(
        """
def two(c, u, w):
    if float(c.flatten()[0]) == float(u.flatten()[0]) + 1:
        return plain(c, u, w)[:1]
    return plain(c, u, w).clamp(-1, 1)
@settings(max_examples=60, derandomize=True, phases=["generate", "shrink"], report_multiple_bugs=True)
@parametrize_with_checks([Guidance(two, convention=CONVENTION, dtypes=("float64",))])
def test_two(subject, check, case): check(subject, case)
""",
        "-k",
        "cfg_scale",
    )
    text = result.stdout.str()
    assert "2 distinct failures" in text or "multiple failures" in text, text
    assert "CheckFailure: positive scales" in text
    assert "SubjectError: expected combine() to return shape" in text


def test_a_check_that_does_not_apply_is_skipped_with_its_reason_and_generators_do_not_leak(run):
    result = run(
        """
def step(z, pred, s, t, space):
    torch.manual_seed(5)
    return t.alpha * pred + t.sigma * torch.randn(z.shape).to(z)
def levels(n): return [(k / n, 1 - k / n) for k in range(n + 1)]
noisy = from_step(step, levels, ("x0",), state="flow", stochastic=True, never_exact="it goes to the data and back")
BEFORE = torch.get_rng_state()
@settings(max_examples=2)
@parametrize_with_checks([noisy])
def test_run(subject, check, case): check(subject, case)
def test_generator():
    assert torch.equal(torch.get_rng_state(), BEFORE)
""",
        "-rs",
    )
    text = result.stdout.str()
    assert "only one parameterization is declared: x0" in text
    assert "its noise belongs to the position in the batch" in text
    assert result.parseoutcomes()["skipped"] >= 2
    assert "failed" not in result.parseoutcomes()


@pytest.mark.slow
def test_under_xdist(tmp_path):
    pytest.importorskip("xdist")
    body = "\n@parametrize_with_checks([PLAIN])\ndef test_it(subject, check, case): check(subject, case)\n"
    (tmp_path / "test_it.py").write_text(HEAD + body)
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "test_it.py", "-k", "cfg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert "[gw1]" in done.stdout


PLAIN = Guidance(lambda c, u, w: u + w * (c - u), convention="u+w(c-u)", name="plain")


def decorated(**names):
    @parametrize_with_checks([PLAIN], **names)
    def test(subject, check, case):
        check(subject, case)

    return test


def test_a_wrong_use_is_one_sentence():
    case = RunCase(dtype="float64")
    with pytest.raises(ParameterError, match="expected a list of subjects, got Guidance: write"):
        parametrize_with_checks(PLAIN)
    with pytest.raises(ParameterError, match="expected one subject or more, got an empty list"):
        parametrize_with_checks([])
    with pytest.raises(ParameterError, match="expected subjects only, got function: wrap it"):
        parametrize_with_checks([decorated])
    with pytest.raises(UnknownNameError, match=r"expected a check that runs, out of bat, .* got 'eq': correct it in"):
        decorated(expected_failed_checks={"eq": ("why", case)})
    with pytest.raises(ParameterError, match=r"expected a reason and a case for bat, got 'why': write"):
        decorated(expected_failed_checks={"bat": "why"})
    with pytest.raises(ParameterError, match="expected a test with the arguments subject, check, case, got none named"):
        parametrize_with_checks([PLAIN])(lambda subject, case: None)
    with pytest.raises(ParameterError, match="expected a test function to decorate, got type"):
        parametrize_with_checks([PLAIN])(RunCase)


def test_a_check_takes_a_pasted_case_and_nothing_else():
    eq = next(check for check in CHECKS if check.name == "eq")

    def run(model, z, steps, space):
        return model(z, (0.0, 1.0))

    sampler = Sampler(run, lambda t: t, spaces=("x0", "eps"), state="vp")
    before = torch.get_rng_state()
    with pytest.raises(CheckFailure, match="eps differs from x0 in the final latent"):
        eq(sampler, RunCase(steps=1))
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(TypeError, match=r"expected a Case or Hypothesis' data\(\), got int: use given"):
        eq(sampler, 3)
    with pytest.raises(TypeError, match="expected a Case or Hypothesis"):
        eq(sampler, st.data())
