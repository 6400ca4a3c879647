"""MOM: the messages, the three ways of looking, what does not apply."""

from dataclasses import replace

import pytest

from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="point_mass", shape=(2, 2), steps=3, weight=1)


def run(subject, case=CASE):
    return check_for(subject, "mom")(subject, case)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SharedNoise", r"the noise is shared: elements 0 and 2 of the flat batch have covariance .*, 0 is right"),
        (
            "SameNoise",
            r"its variance at network call 3 is .*; the error of mean and variance falls by less than an order",
        ),
        ("VarianceOfFresh", "its variance at network call 2 is .* where sigma.2 = "),
        ("VarianceElsewhere", "the variance is off by .*, .* standard deviations of the estimate from 4096 items"),
    ],
)
def test_the_message_says_what_is_wrong_with_the_noise(name, message):
    with pytest.raises(CheckFailure, match=message):
        run(entry(f"sampler.{name}"))


def test_what_never_approaches_is_vacuous_where_it_is_not_exact():
    declared = replace(entry("sampler.VarianceOfFresh"), never_exact="a joke")
    assert run(declared) == "not exact on data at one point, and not meant to be in the limit: a joke"
    elsewhere = replace(entry("sampler.VarianceElsewhere"), never_exact="a joke")
    assert run(elsewhere) == "noise that cannot be replaced, and no limit: a joke"


def test_a_sampler_that_declares_no_noise_is_not_asked():
    subject = entry("sampler.Euler")
    assert check_for(subject, "mom").inapplicable(subject) == "it declares no noise"
