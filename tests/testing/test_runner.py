"""`check` as data: counts, statuses, hostile subjects, and the time a failure costs."""

import json
import sys
import time
import unittest
import warnings
from dataclasses import asdict

import pytest
import torch

import cfg_equiv
from cfg_equiv.case import GuidanceCase
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.testing import Guidance, RunCase, Sampler, from_step, runner
from cfg_equiv.testing.protocol import PROPERTIES

CASE = GuidanceCase(
    source="x0",
    dtype="float64",
    shape=(2, 3, 4, 4),
    weight=3.0,
    latent=(0.5,),
    conditional=(1.0,),
    unconditional=(0.0,),
    level=("3/5", "4/5"),
)


def plain(c, u, w):
    return u + w * (c - u)


def guidance(combine, **names):
    return Guidance(combine, convention="u+w(c-u)", **names)


CLIPPED = guidance(lambda c, u, w: plain(c, u, w).clamp(-1, 1), name="clipped", options={"radius": 1})


def step(z, x0, s, t, space):  # DDIM for x0 and eps
    if space == "eps":
        x0 = (z - s.sigma * x0) / s.alpha
    return t.alpha * x0 + t.sigma * (z - s.alpha * x0) / s.sigma


def levels(steps):
    return [((k + 0.5) / (steps + 0.5), 1 - (k + 0.5) / (steps + 0.5)) for k in range(steps + 1)]


DDIM = from_step(step, levels, ("x0", "eps"), state="flow")


def by_name(report):
    return {record.name: record for record in report.checks}


def test_a_good_rule_passes_and_the_counts_say_how_much_ran():
    report = cfg_equiv.check(guidance(plain, version="1.2"), examples=10)
    assert report.holds
    assert (report.subject, report.version) == ("plain", "1.2")
    assert report.counts["ran"] == report.counts["passed"] == len(report.checks) == 8
    assert report.counts["examples"] == sum(record.examples for record in report.checks) == 80
    assert {record.property for record in report.checks} <= set(PROPERTIES)


def test_the_records_have_exactly_the_documented_keys_and_survive_json():
    report = cfg_equiv.check(CLIPPED, checks=["cfg_scale", "bat"], examples=5)
    data = report.to_dict()
    assert set(data) == {"subject", "version", "checks", "counts"}
    keys = {"name", "property", "status", "examples", "vacuous", "message", "case", "options", "measured"}
    assert all(set(record) == keys for record in data["checks"])
    assert data["checks"][0]["options"] == {"radius": 1}
    assert SubjectReport.from_dict(json.loads(json.dumps(data))) == report
    assert json.loads(json.dumps(asdict(report))) == json.loads(json.dumps(data))


def test_a_failure_has_a_small_case_that_pastes_back_and_its_size():
    found = by_name(cfg_equiv.check(CLIPPED))
    record = found["cfg_scale"]
    assert record.status == "failed"
    assert "times the bound" in record.message
    case = eval(record.case, {"GuidanceCase": GuidanceCase})
    assert max(abs(x) for x in (*case.conditional, *case.unconditional)) <= 2
    check = next(check for check in runner.checks_for(CLIPPED) if check.name == "cfg_scale")
    with pytest.raises(AssertionError, match="positive scales"):
        check(CLIPPED, case)
    assert found["cfg_sign"].status == "passed"


def test_the_same_result_every_time():
    assert cfg_equiv.check(CLIPPED, examples=8) == cfg_equiv.check(CLIPPED, examples=8)


def stop(c, u, w):
    sys.exit(3)


def noisy(c, u, w):
    print("noise")
    print("noise", file=sys.stderr)
    warnings.warn("noise", stacklevel=2)
    torch.set_default_dtype(torch.float64)
    return plain(c, u, w)


def raises(c, u, w):
    raise ZeroDivisionError("a\nb")


def overwrites(c, u, w):
    return u.add_(w * (c - u))


HOSTILE = {  # name -> rule, the status and the message of the named check
    "raises": (raises, "cfg_scale", "error", "it raises ZeroDivisionError: a b (test_runner.py, line"),
    "exits": (stop, "bat", "error", "it raises SystemExit: 3"),
    "None": (lambda c, u, w: None, "st", "error", "expected combine() to return a tensor, got NoneType"),
    "tuple": (lambda c, u, w: (c, u), "cfg_scale", "error", "expected combine() to return a tensor, got tuple"),
    "shape": (lambda c, u, w: c[:1], "bat", "error", "expected combine() to return shape"),
    "dtype": (lambda c, u, w: c.half(), "cfg_sign", "error", "expected combine() to return torch.float64, got"),
    "NaN": (lambda c, u, w: c * torch.nan, "cfg_end_points", "failed", "the result must be the conditional"),
    "overwrites": (overwrites, "st", "failed", "the rule writes into the predictions"),
    "random": (lambda c, u, w: plain(c, u, w) + torch.randn(1), "st", "failed", "the same call gives another result"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_rule_costs_one_line_and_the_rest_goes_on(name):
    combine, check, status, message = HOSTILE[name]
    report = cfg_equiv.check(guidance(combine), examples=5)
    assert len(report.checks) == 8
    assert not report.holds
    record = by_name(report)[check]
    assert (record.status, "\n" in record.message) == (status, False)
    assert message in record.message
    json.dumps(report.to_dict())


def test_what_a_subject_prints_or_warns_or_sets_stays_inside(capfd):
    state = torch.get_rng_state()
    assert cfg_equiv.check(guidance(noisy), examples=3).holds
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.get_rng_state(), state)
    assert "noise" not in "".join(capfd.readouterr())


SAMPLERS = {
    "None": (lambda model, z, steps, space: None, "expected run() to return a tensor, got NoneType"),
    "no call": (lambda model, z, steps, space: z, "expected the sampler to call the network at least once"),
    "random": (
        lambda model, z, steps, space: model(z + torch.rand(1, generator=GENERATOR), (0.6, 0.8)),
        "deterministic",
    ),
    "level": (lambda model, z, steps, space: model(z, (0.6, 0.6)), "expected levels on the declared path 'vp'"),
    "token": (lambda model, z, steps, space: model(z, 3), "it raises TypeError: cannot unpack non-iterable int object"),
}
GENERATOR = torch.Generator()


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_hostile_sampler_is_an_error_of_eq(name):
    run, message = SAMPLERS[name]

    def level(t):
        alpha, sigma = t
        return alpha, sigma

    sampler = Sampler(run, level, ("x0", "eps"), state="vp", name=name)
    report = cfg_equiv.check(sampler, examples=3)
    record = by_name(report)["eq"]
    assert record.status == "error"
    assert message in record.message
    assert len(report.checks) >= 5


def test_a_hang_is_cut_off_once_and_hurries_the_rest(monkeypatch):
    def hang(c, u, w):
        time.sleep(60)

    monkeypatch.setattr(runner, "LIMIT", 0.3)
    monkeypatch.setattr(runner, "HURRY", 0.1)
    start = time.monotonic()
    report = cfg_equiv.check(guidance(hang))
    assert time.monotonic() - start < 5
    assert {record.status for record in report.checks} == {"error"}
    assert report.checks[0].message == "expected one example to end within 0.3 s: the subject hangs, or is too slow"
    assert "within 0.1 s" in report.checks[1].message


def test_a_slow_failure_is_not_shrunk_for_long(monkeypatch):
    def slow(c, u, w):
        time.sleep(0.02)
        return CLIPPED.combine(c, u, w)

    monkeypatch.setattr(runner, "SHRINK_SECONDS", 0.2)
    start = time.monotonic()
    record = cfg_equiv.check(guidance(slow), checks=["cfg_scale"]).checks[0]
    assert time.monotonic() - start < 5
    assert record.status == "failed"


def test_a_slow_search_ends_with_the_examples_it_had_time_for(monkeypatch):
    def slow(c, u, w):
        time.sleep(0.03)
        return plain(c, u, w)

    monkeypatch.setattr(runner, "SEARCH_SECONDS", 0.3)
    record = cfg_equiv.check(guidance(slow), checks=["cfg_end_points"]).checks[0]
    assert record.status == "passed"
    assert 1 <= record.examples < 25


def test_expected_failures():
    expected = {"cfg_scale": ("it clips", CASE), "clipped-cfg_translation": ("it clips", CASE), "st": ("no", CASE)}
    found = by_name(cfg_equiv.check(CLIPPED, expected_failed_checks=expected, examples=3))
    assert found["cfg_scale"].status == found["cfg_translation"].status == "expected"
    assert found["cfg_scale"].message.startswith("it clips: positive scales")
    assert found["cfg_scale"].examples == 1
    assert found["st"].status == "failed"
    assert "expected to fail (no), but it passes: take it out" in found["st"].message
    crash = cfg_equiv.check(guidance(raises), checks=["bat"], expected_failed_checks={"bat": ("no", CASE)})
    assert crash.checks[0].status == "error"


def test_what_does_not_apply_and_what_shows_nothing_is_said():
    one = from_step(step, levels, ("x0",), state="flow")
    record = by_name(cfg_equiv.check(one, checks=["eq"], examples=2))["eq"]
    assert record.status == "not_applicable"
    assert record.message == "only one parameterization is declared: x0"
    nan = from_step(lambda z, *rest: z * torch.nan, levels, ("x0", "eps"), state="flow", name="nan")
    found = by_name(cfg_equiv.check(nan, checks=["eq", "nan"], examples=3))
    assert (found["eq"].status, found["eq"].vacuous) == ("not_applicable", 3)
    assert found["eq"].message.startswith("none of 3 cases could have shown a fault: no finite bound")
    assert found["nan"].status == "failed"


def test_a_strategy_that_cannot_be_made_is_an_error():
    broken = Sampler(lambda model, z, steps, space: z, lambda t: t, ("x0",), clip=object())
    record = by_name(cfg_equiv.check(broken, checks=["nan"]))["nan"]
    assert record.status == "error"
    assert record.message.startswith("no case could be made: it raises")


def test_progress_says_which_check_runs():
    seen = []
    cfg_equiv.check(guidance(plain), checks=["bat", "st"], examples=1, progress=seen.append)
    assert seen == ["plain bat", "plain st"]


def test_a_wrong_request_is_one_sentence():
    with pytest.raises(ParameterError, match="expected subjects only, got function"):
        cfg_equiv.check(plain)
    with pytest.raises(UnknownNameError, match=r"expected a check out of .*, got 'nans': did you mean 'nan'\?"):
        cfg_equiv.check(CLIPPED, checks=["nans"])
    with pytest.raises(ParameterError, match=r"expected a list of names of checks, got 'bat': write \['bat'\]"):
        cfg_equiv.check(CLIPPED, checks="bat")
    with pytest.raises(ParameterError, match="expected 1 example or more, got 0"):
        cfg_equiv.check(CLIPPED, examples=0)


class Conformance(unittest.TestCase):
    """What a reader of unittest writes; run by the test below, not collected."""

    __test__ = False

    def runTest(self):
        for record in cfg_equiv.check(from_step(wrong_eps, levels, ("x0", "eps"), state="flow"), examples=4).checks:
            with self.subTest(record.name):
                record.require()


def wrong_eps(z, pred, s, t, space):
    return step(z, 1.01 * pred if space == "eps" else pred, s, t, space)


def test_unittest_sub_tests(monkeypatch):
    monkeypatch.setattr(runner, "SHRINK_SECONDS", 0)
    result = unittest.TestResult()
    Conformance().run(result)
    assert [str(test[0]) for test in result.failures] == [
        "runTest (tests.testing.test_runner.Conformance.runTest) [eq]"
    ]
    assert "EQ failed: eps differs from x0" in result.failures[0][1]
    assert result.errors == []


def test_a_record_that_does_not_apply_skips():
    record = CheckRecord("eq", "EQ", "not_applicable", 0, 0, "one space", "", {})
    with pytest.raises(unittest.SkipTest, match="one space"):
        record.require()
    assert SubjectReport("a", "", (record,)).holds is False


def test_a_right_sampler_passes():
    report = cfg_equiv.check(DDIM, examples=2)
    assert report.holds, report
    assert RunCase().steps in range(*DDIM.steps)
