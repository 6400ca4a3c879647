"""SCH: what is told to the network, and what its time stands for."""

from dataclasses import replace

import pytest

from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from tests.testing.checks.named import check_for, entry

CASE = RunCase(steps=20, weight=1)


def run(subject, case=CASE):
    return check_for(subject, "sch_time")(subject, case)


def test_the_message_says_what_the_time_stands_for_and_what_was_shown():
    message = (
        r"the network is told t = 0.1937\d*, which stands for sigma/alpha = 0.303347, and shown a latent at "
        r"sigma/alpha = 0.3141: 0.035 of it off, with 20 step\(s\)"
    )
    with pytest.raises(CheckFailure, match=message):
        run(entry("sampler.told_the_nearest"))


def test_where_no_time_is_rounded_nothing_is_wrong():
    assert run(entry("sampler.told_the_nearest"), RunCase(steps=1, weight=1)) is None  # 31/32 is in the table
    assert run(entry("sampler.told_its_time")) is None


def test_between_two_times_of_a_table_anything_between_their_levels_is_right():
    def about(t):
        return Euler().level(-(-64 * t // 1) / 64), Euler().level(64 * t // 1 / 64)

    assert run(replace(entry("sampler.told_its_time"), trained=about)) is None
    below = replace(entry("sampler.told_its_time"), trained=lambda t: (about(t)[1], about(t)[1]))
    with pytest.raises(CheckFailure, match="of it off"):
        run(below)


def test_the_ends_of_a_table_stand_for_what_lies_beyond():
    beyond = replace(entry("sampler.told_its_time"), trained=lambda t: ((0.0, 1.0), Euler().level(0.01)))
    assert run(beyond) is None
    with pytest.raises(CheckFailure, match="which stands for sigma/alpha = inf to 3"):
        run(replace(beyond, trained=lambda t: ((0.0, 1.0), Euler().level(0.8))))


def test_it_does_not_apply_without_a_table():
    silent = entry("sampler.Euler")
    assert check_for(silent, "sch_time").inapplicable(silent) == "it does not say which levels its times stand for"
    assert run(replace(silent, trained=lambda t: None)) == "its times stand for no level"


@pytest.mark.parametrize("came", [3.0, (0.6, 0.8), ((0.6, 0.8),)])
def test_another_answer_is_one_sentence(came):
    with pytest.raises(SubjectError, match=r"expected trained\(t\) to return two levels \(alpha, sigma\) or None, got"):
        run(replace(entry("sampler.Euler"), trained=lambda t: came))
