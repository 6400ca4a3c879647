import math
from fractions import Fraction

import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.trace import parsed_case, traced_case
from cfg_equiv.testing import Guidance, RunCase, from_step
from tests.sweeping import toy

CASE = RunCase(network="gaussian", steps=3, weight=1.0)


def test_a_case_is_read_from_its_text_and_nothing_is_run():
    assert parsed_case(repr(CASE)) == CASE
    with pytest.raises(UnknownNameError, match=r"expected a case of a run out of RunCase, got 'exit'"):
        parsed_case("exit()")
    with pytest.raises(ValueError, match="expected a case such as RunCase"):
        parsed_case("__import__('os').getcwd()")
    with pytest.raises(ValueError, match="malformed node"):
        parsed_case("RunCase(steps=exit())")


def test_the_element_is_the_one_that_differs_most():
    trace = traced_case(toy.sampler.make({"broken": False}), repr(CASE))
    assert [len(numbers) for numbers in trace["values"].values()] == [4, 4]
    apart = abs(trace["values"]["eps"][2] - trace["values"]["x0"][2])
    assert trace["apart"][2] == apart  # the element is that of the largest difference
    assert trace["apart"][0] == 0
    assert [Fraction(s).limit_denominator(9) for s in trace["sigmas"]] == [2, Fraction(4, 3), Fraction(2, 3)]


def test_what_is_not_finite_is_none():
    def step(z, pred, s, t, space):
        return z * math.inf if space == "x0" else z

    sampler = from_step(step, lambda n: [(1.0, float(n - k)) for k in range(n + 1)], ("eps", "x0"), state="ve")
    trace = traced_case(sampler, repr(CASE))
    assert trace["values"]["x0"][-1] is None
    assert trace["values"]["eps"][-1] is not None
    assert trace["apart"][-1] is None


@pytest.mark.parametrize(
    ("subject", "case"),
    [
        (Guidance(lambda c, u, w: u + w * (c - u), "u+w(c-u)"), repr(CASE)),
        (toy.sampler.make({"broken": False}), ""),
        (toy.sampler.make({"broken": False}), "TimeCase(last=2)"),
        (from_step(lambda *args: 1 / 0, lambda n: [(1.0, 1.0)] * (n + 1), ("eps",), name="raises"), repr(CASE)),
    ],
)
def test_without_a_run_there_is_no_picture(subject, case):
    assert traced_case(subject, case) is None
