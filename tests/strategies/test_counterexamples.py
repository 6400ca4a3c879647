"""Three planted bugs: what Hypothesis prints is a small case that pastes back and fails again."""

import contextlib
import io
import re
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from cfg_equiv import strategies as cst
from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.points import Row
from cfg_equiv.case import GuidanceCase, StepCase  # a printed case is evaluated with these names
from cfg_equiv.guidance import guide
from cfg_equiv.rounding import assert_within
from tests.properties.subject import public_step

NAMES = {"GuidanceCase": GuidanceCase, "StepCase": StepCase}


def clip_before_guidance(case):
    return guide(case.cond.clamp(-2, 2), case.uncond.clamp(-2, 2), case.w, convention=case.convention)


def off_by_one_weight(case):
    return guide(case.cond, case.uncond, case.w + 1, convention=case.convention)


def v_of_the_wrong_sign(case):
    guided = guide(case.cond, case.uncond, case.w)
    x0 = convert(case.z, guided, case.s, Row(case.s.sigma, -case.s.alpha), Row(1, 0))
    return case.t.alpha * x0 + case.t.sigma / case.s.sigma * (case.z - case.s.alpha * x0)


GUIDANCE = cst.guidance_cases(dtype="float32")
STEPS = cst.step_cases(sampler="ddim_x0", source="v", dtype="float64", ends="none")
BUGS = {
    "clip before guidance": (clip_before_guidance, GUIDANCE),
    "w + 1 for w": (off_by_one_weight, GUIDANCE),
    "v row of the wrong sign": (v_of_the_wrong_sign, STEPS),
}


def check(take, case):
    assert_within(take(case), exact=case.exact(), bound=case.bound())


@cache
def printed_counterexample(take, cases):
    """The text Hypothesis prints for a property that fails."""

    @settings(derandomize=True, database=None, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def holds(case):
        check(take, case)

    with (
        pytest.raises(AssertionError, match="outside the rounding bound") as failure,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        holds()
    return "\n".join(failure.value.__notes__)


def pasted(text):
    """The case in the printed text, evaluated as a reader would who pastes it."""
    inside = text[text.index("case=") + len("case=") :]
    depth = 0
    for end, character in enumerate(inside):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ")" and depth == 0:
            return eval(inside[: end + 1], dict(NAMES))
    raise AssertionError(f"no case in {text}")


@pytest.mark.parametrize("bug", BUGS)
def test_the_printed_counterexample_is_small_and_fails_again(bug):
    take, cases = BUGS[bug]
    text = printed_counterexample(take, cases)
    case = pasted(text)
    assert "tensor(" not in text
    numbers = [float(x) for x in re.findall(r"-?\d+\.?\d*", repr(case).split("shape")[1])]
    assert max(map(abs, numbers)) <= 30, text
    assert case.z.numel() <= 4, text
    assert case.weight in (0.0, 0.5), text
    for again in (case, eval(repr(case)), type(case).from_json(case.to_json())):
        with pytest.raises(AssertionError, match="outside the rounding bound"):
            check(take, again)


def test_the_clip_needs_one_element_beyond_it():
    case = pasted(printed_counterexample(*BUGS["clip before guidance"]))
    beyond = (torch.cat([case.cond, case.uncond]).abs() > 2).sum()
    assert beyond == 1, case


@pytest.mark.parametrize("cases", [GUIDANCE, STEPS])
def test_the_right_code_has_no_counterexample(cases):
    @settings(max_examples=50)
    @given(case=cases)
    def holds(case):
        right = public_step if isinstance(case, StepCase) else lambda c: guide(c.cond, c.uncond, c.w)
        check(right, case)

    holds()
