"""SCH: the messages for samplers and schedules."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from cfg_equiv.errors import ParameterError
from cfg_equiv.faults.schedules import cosine
from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase, TimeCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Sampler
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="point_mass", steps=3, weight=1)


def run(subject, case):
    return check_for(subject, "sch")(subject, case)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ConstantStride", "the latent of network call 2 is at alpha = .*, its level is declared as alpha = "),
        ("one_call_too_many", r"the network is called 5 times in 3 step\(s\), 3 are declared"),
    ],
)
def test_the_message_says_which_level_it_is(name, message):
    with pytest.raises(CheckFailure, match=message):
        run(entry(f"sampler.{name}"), CASE)


def test_levels_that_turn_back_are_found():
    def back(model, z, steps, space):
        for t in (0.9, 0.5, 0.6, 0.1):
            model(z, t)
        return z

    with pytest.raises(CheckFailure, match=r"sigma/alpha turns back between network calls 2 and 3: from 1 to 1.37638"):
        run(Sampler(back, Euler().level, ("eps",), state="vp"), CASE)


@pytest.mark.parametrize("subject", [Euler(), entry("sampler.Ancestral")], ids=["deterministic", "stochastic"])
def test_a_negative_level_is_a_fault_of_the_schedule(subject):
    def crossed(t):
        return -156.4, 157.4

    with pytest.raises(CheckFailure, match=r"is alpha = -156.4, sigma = 157.4: neither may be negative"):
        run(Sampler(subject.run, crossed, ("eps",), stochastic=getattr(subject, "stochastic", False)), CASE)


def along_a_circle(shift=0.0, never_exact=""):
    """Euler's method in t on a quarter of a circle, along which no step of it is exact."""

    def level(t):
        return math.sin(math.pi / 2 * t), math.cos(math.pi / 2 * t)

    def run(model, z, steps, space):
        times = [0.95 * (k + 0.1) / steps for k in range(steps + 1)]
        z = level(times[0])[1] * z
        for t, then in pairwise(times):
            x0 = model(z, t)
            eps = (z - level(t + shift)[0] * x0) / level(t + shift)[1]
            z = z + math.pi / 2 * (then - t) * (level(t)[1] * x0 - level(t)[0] * eps)
        return z

    return Sampler(run, level, ("x0",), never_exact=never_exact)


def test_on_a_path_of_its_own_what_a_step_is_off_must_vanish_with_more():
    assert run(along_a_circle(), CASE) is None
    with pytest.raises(CheckFailure, match=r"the latent of network call .* is at alpha = .*, its level is declared as"):
        run(along_a_circle(shift=0.1), CASE)
    with pytest.raises(CheckFailure, match="its level is declared as"):
        run(replace(along_a_circle(), state="vp"), CASE)
    assert run(along_a_circle(never_exact="a tolerance"), CASE) == (
        "a step of its own path need not be exact, and there is no limit: a tolerance"
    )


def test_of_a_stochastic_sampler_only_the_calls_are_counted():
    noisy = entry("sampler.Ancestral")
    assert check_for(noisy, "sch").inapplicable(noisy).startswith("it draws noise, so that MOM compares its levels")
    counted = replace(noisy, evaluations=lambda steps: steps + 1)
    assert check_for(counted, "sch").inapplicable(counted) == ""
    with pytest.raises(CheckFailure, match="the network is called 3 times"):
        run(counted, CASE)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("duplicates_of_times", "positions 1 and 2 list the same time 0.9"),
        ("noise_end_missed", "alpha = 0.0784590957 at the first time, where 0 is declared"),
        ("past_one", r"alpha = 1.0000000000000002 at t = 0.0 is not in \[0, 1\]"),
        ("bump", "alpha must not fall, nor sigma rise"),
    ],
)
def test_a_schedule_out_of_order_is_named_with_its_times(name, message):
    subject = entry(f"schedule.{name}")
    with pytest.raises(CheckFailure, match=message):
        run(subject, TimeCase(last=len(subject.times) - 1))


def test_declared_repeats_are_no_fault_and_a_part_of_the_times_has_no_ends():
    twice = replace(cosine(), times=(1.0, 0.5, 0.5, 0.0))
    with pytest.raises(CheckFailure, match="list the same time"):
        run(twice, TimeCase(last=3))
    assert run(replace(twice, repeats=True), TimeCase(last=3)) is None
    assert run(twice, TimeCase(first=2, last=3)) is None


def test_ends_are_two_levels():
    with pytest.raises(ParameterError, match=r"expected two levels \(alpha, sigma\) in ends"):
        replace(cosine(), ends=((0.0,), (1.0, 0.0)))
