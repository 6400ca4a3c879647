"""When slopes fail a claim, and when they say nothing: on errors that are given."""

import pytest

from cfg_equiv.testing import slopes
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.slopes import observed
from tests.testing.checks.named import entry

CASE = RunCase(network="scalars", shape=(2, 6), steps=320, weight=1)


@pytest.fixture(autouse=True)
def nothing_is_explained(monkeypatch):
    """One ulp explains none of these errors; to find that out of a sampler takes seconds, and is a test of its own."""
    monkeypatch.setattr(slopes, "_explained", lambda subject, case, looked_at: 0.0)


def verdict(errors, order=2, rounding=0.0, calls=1, last=None, more=True):
    """What is said of a sampler with these errors at 10, 20, 40, ... steps, or at 40 and more if they are four.

    With ``last`` at 640 steps, or with the last slope again.
    """
    first = 40 if len(errors) == 4 else 10
    known = {first * 2**k: error for k, error in enumerate(errors)}
    known[640] = errors[-1] ** 2 / errors[-2] if last is None else last
    measured = []

    def measure(subject, case):
        measured.append(case.steps)
        return known[case.steps], rounding, calls * case.steps

    def looked_at(subject, case, states, levels):
        return states

    found = observed(entry("sampler.Euler"), CASE, lambda steps, calls: order, measure, looked_at, more=more)
    return found, measured


def test_the_claim_is_met():
    assert verdict([1.0, 0.25, 0.0625, 0.015625]) == (None, [40, 80, 160, 320])


def test_both_slopes_below_the_claim_by_more_than_a_half_fail():
    message = r"order 2 is claimed, 1.00 and 1.00 are the last slopes: errors 1, 0.5, 0.25, 0.125 at 40, 80, 160, 320"
    with pytest.raises(CheckFailure, match=message):
        verdict([1.0, 0.5, 0.25, 0.125])
    assert verdict([1.0, 0.5, 0.25, 0.125], order=1)[0] is None


def test_slopes_that_still_rise_towards_the_claim_say_nothing():
    found, _ = verdict([1.0, 0.95, 2**-1.0, 2**-2.4])  # 0.07, 0.93, 1.4
    assert found == "the slopes still rise, and with as much again the claim is met"


def test_before_a_claim_is_called_missed_there_is_one_run_more():
    """The adapter of azula's zAB on six decades of sigma: 1.31 and 1.35 up to 320 steps, 1.86 to 640, 1.96 to 1280."""
    errors = [0.0571, 0.0217, 0.00872, 0.00342]
    found, measured = verdict(errors, last=0.000945)
    assert (found, measured[-1]) == ("with as many steps again the claim is met", 640)
    with pytest.raises(CheckFailure, match=r"order 2 is claimed, 1.3. and 1.35 are the last slopes"):
        verdict(errors)
    with pytest.raises(CheckFailure, match=r"order 2 is claimed, 1.3. and 1.35 are the last slopes"):
        verdict(errors, last=0.000945, more=False)


def test_slopes_that_do_not_agree_say_nothing():
    assert verdict([1.0, 0.5, 0.4, 0.1])[0] == "the last slopes do not agree, or rounding hides them"


def test_an_error_below_rounding_is_not_counted_and_fewer_steps_are_tried():
    found, measured = verdict([1.0, 0.25, 2**-4, 2**-6, 2**-8, 2**-10], rounding=2**-7.5)
    assert found is None
    assert measured == [40, 80, 160, 20]


def test_where_the_first_hidden_error_would_meet_the_claim_nothing_is_said():
    """Slopes 2.0 and 2.2 of four, while the next error, which does not count, is at the slope of four."""
    errors = [2.0**-k for k in (3.0, 5.0, 7.2, 11.2, 12.0)]
    errors = [errors[0], *errors]  # at 10 steps, which are not taken
    found, measured = verdict(errors, order=4, rounding=2**-10.0)
    assert found == "the last slopes do not agree, or rounding hides them"
    assert 10 not in measured


def test_a_run_without_a_finite_latent_says_so():
    found = observed(entry("sampler.Euler"), CASE, lambda steps, calls: 1, lambda s, c: None, lambda *a: a[2])
    assert found == "the run has no finite latent where it is looked at"


def test_a_claim_may_depend_on_the_calls():
    seen = []

    def claim(steps, calls):
        seen.append((steps, calls))
        return 1

    observed(entry("sampler.Euler"), CASE, claim, lambda s, c: (1 / c.steps, 0.0, 2 * c.steps), lambda *a: a[2])
    assert seen == [(320, 640)]


@pytest.mark.slow  # 17 runs of 80 steps
def test_what_one_ulp_explains_is_no_failure(monkeypatch):
    monkeypatch.undo()
    errors = [1e-14, 0.5e-14, 0.25e-14, 0.125e-14]  # of order 1, and of the size of roundings
    with pytest.raises(CheckFailure):
        verdict([1.0, 0.5, 0.25, 0.125])
    assert verdict(errors)[0] == "the last slopes do not agree, or rounding hides them"
