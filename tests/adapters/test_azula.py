import inspect
import textwrap
from dataclasses import replace

import pytest

pytest.importorskip("azula")

from cfg_equiv.adapters.azula import SAMPLERS, SCHEDULES, subjects
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.dt import narrow_run
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import run
from tests.adapters.runs import outcome, status

CHECKS = ("eq", "twin", "sch", "ord", "mom", "dt", "nan", "bat", "sens", "st")
FEW = RunCase(steps=3)


def named(name):
    (subject,) = [s for s in subjects(name.partition("[")[0]) if str(s) == name]
    return subject


def test_every_subject_is_known_by_one_name_and_runs():
    every = subjects("*")
    names = [str(s) for s in every]
    assert len(names) == len(set(names))
    assert {name.partition("[")[0] for name in names} == {*SAMPLERS, *SCHEDULES, "CFGDenoiser"}
    for subject in every:
        if hasattr(subject, "spaces"):  # raises where a level is off the declared path
            assert run(subject, FEW, subject.spaces[-1], FEW.z).shape[1:] == FEW.shape


@pytest.mark.parametrize("check", ["eq", "twin", "sch"])
def test_a_sampler_is_green(check):
    assert status(named("zEABSampler"), check, 1) == "passed"


@pytest.mark.parametrize("name", ["zABSampler", "vABSampler", "zEABSampler", "xEABSampler"])
def test_of_order_one_it_is_the_first_order_step_in_that_prediction(name):
    first = named(f"{name}[order=1]")
    assert status(first, "twin", 1) == "passed"
    assert status(replace(first, twin=named(name).twin), "twin", 6) == "failed"


def test_an_overflow_in_half_precision_that_another_form_does_not_have_is_found():
    """The coefficients are as large as 1/sigma, which is multiplied last: finding 2.12."""
    case = RunCase(dtype="float16", reach=2, latent=(0.0,))
    with pytest.raises(CheckFailure, match=r"in float16 the value at \(\d, \d, \d\) is -inf, wider it is -121"):
        narrow_run(named("xEABSampler"), case)
    assert narrow_run(named("zEABSampler"), case) is None


def test_a_wrong_preconditioner_is_found(monkeypatch):
    from azula import denoise

    honest = denoise.KarrasDenoiser.forward

    def wrong(self, x_t, t):
        right = honest(self, x_t, t).mean
        alpha, sigma = self.schedule(t)
        skip = alpha / (alpha**2 + sigma**2) * x_t
        return denoise.DiracPosterior(mean=2 * skip - right)  # the sign of c_out

    monkeypatch.setattr(denoise.KarrasDenoiser, "forward", wrong)
    assert outcome(named("EulerSampler"), examples=1).status == "failed"


def test_a_level_of_the_wrong_time_is_found(monkeypatch):
    from azula import sample

    honest = sample.DDIMSampler.step
    monkeypatch.setattr(sample.DDIMSampler, "step", lambda self, x, t, s: honest(self, x, t, s + (t - s) / 8))
    assert status(named("DDIMSampler"), "sch", 3) == "failed"


@pytest.mark.slow
def test_the_released_rosenbrock_sampler_has_order_one_and_its_repair_two(monkeypatch):
    """One noise level is that of the step's start where its documentation has that of its end."""
    from azula import sample

    subject = named("REABSampler")
    assert status(subject, "ord", 1) == "failed"
    source = textwrap.dedent(inspect.getsource(sample.REABSampler.__call__))
    assert source.count("alpha_s**2 + sigma_t**2") == 1
    scope = {}
    exec(source.replace("alpha_s**2 + sigma_t**2", "alpha_s**2 + sigma_s**2"), vars(sample), scope)
    monkeypatch.setattr(sample.REABSampler, "__call__", scope["__call__"])
    assert status(subject, "ord", 1) == "passed"


@pytest.mark.parametrize(
    ("name", "match"), [("DDIMSampler ", "did you mean 'DDIMSampler'"), ("", "expected a class of azula out of")]
)
def test_an_unknown_class_is_one_sentence(name, match):
    with pytest.raises(UnknownNameError, match=match):
        subjects(name)


@pytest.mark.slow
def test_a_claim_that_is_too_high_is_found():
    """On data the first step hides an order above two; with an exact start it shows, and so does one too many."""
    third = named("zABSampler[order=3]")
    assert third.order == 3
    assert status(third, "history", 1) == "passed"
    assert status(replace(third, order=4), "history", 1) == "failed"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DDPMSampler", "DDIMSampler", "ItoSampler", "xEABSampler", *SCHEDULES])
def test_every_class_is_red_where_it_is_known_to_be(name):
    red = {
        check
        for s in subjects(name)
        if not s.options
        for check in (CHECKS if name in SAMPLERS else ("rt_order", "nan", "sch"))
        if status(s, check, 1) in ("failed", "error")
    }
    assert red == ({"dt"} if name == "xEABSampler" else set())  # finding 2.12
