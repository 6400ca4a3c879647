"""ORD with an exact start: what only it sees, where the network begins, and what does not apply."""

from dataclasses import replace

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.history import _begins
from cfg_equiv.testing.checks.order import LATENTS
from cfg_equiv.testing.exact_start import SPAN, START
from cfg_equiv.testing.failure import CheckFailure
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="exact_start", shape=(2, 6), steps=320, weight=1, latent=LATENTS[0])
DATA = replace(CASE, network="scalars", reach=0.5)


@pytest.mark.slow  # the default tier has the first half among the faults
def test_a_third_order_that_is_a_second_is_seen_with_an_exact_start_alone():
    subject = entry("sampler.HalfOfSecondDifference")
    with pytest.raises(CheckFailure, match=r"order 3 is claimed, 1.\d\d and 1.\d\d are the last slopes"):
        check_for(subject, "history")(subject, CASE)
    assert check_for(subject, "ord")(subject, DATA) is None


@pytest.mark.slow  # the default tier has the first of them among the faults
@pytest.mark.parametrize("name", ["ThreeSteps", "Heun", "Multistep"])
def test_right_samplers_have_the_order_they_claim(name):
    subject = entry(f"sampler.{name}")
    assert check_for(subject, "history")(subject, CASE) is None


def points(kappas):
    return [Point(*(torch.tensor(x, dtype=torch.float64) for x in (1.0, kappa))) for kappa in kappas]


def test_where_the_network_begins():
    """At its own kappa, but not within the first four calls, from noise to data and back."""
    assert _begins(points([80, 60, 50, 40, 30, 1])) == START.kappa
    assert _begins(points([4, 3, 2.5, 2, 1.5, 1])) == 1.5
    assert _begins(points([0, 0.01, 0.02, 0.03, 0.05, 1, 80])) == START.kappa
    assert _begins(points([1, 2, 3, 4, 5, 80])) == SPAN * 5
    assert _begins([Point(torch.zeros(()), torch.ones(())), *points([9, 8, 7, 6, 5])]) == 6


def test_what_does_not_apply_says_why():
    first, noisy = entry("sampler.Euler"), entry("sampler.Ancestral")
    assert check_for(first, "history").inapplicable(first) == "order 1 needs no history: ord measures it"
    assert check_for(noisy, "history").inapplicable(noisy) == "it draws noise: MOM looks at its limit"


def test_a_run_of_few_calls_has_no_history():
    subject = entry("sampler.Multistep")
    short = replace(subject, run=lambda model, z, steps, space: subject.run(model, z, 2, space))
    assert check_for(short, "history")(short, CASE) == "too few network calls to have a history"
