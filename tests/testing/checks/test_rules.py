"""CFG, BAT, SENS and ST on guidance rules: messages, vacuous cases, hostile rules."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.case import GuidanceCase
from cfg_equiv.faults import guidance
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.subjects import Guidance
from tests.testing.checks.named import check_for, entry

CASE = GuidanceCase(
    source="x0",
    dtype="float64",
    shape=(2, 4, 2, 2),
    weight=3.0,
    latent=(0.5, -1, 0.25),
    conditional=(1.0, -0.5, 2.25, 1.5, -2),
    unconditional=(0.0, 0.75, -1),
    level=("3/5", "4/5"),
)
CHECKS = ["cfg_translation", "cfg_scale", "cfg_sign", "cfg_end_points", "bat", "sens", "st"]


def run(name, subject, case=CASE):
    return check_for(subject, name)(subject, case)


@pytest.mark.parametrize("name", CHECKS)
def test_plain_guidance_passes_and_the_case_is_not_vacuous(name):
    assert run(name, Guidance(cfg, "u+w(c-u)")) is None


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        (
            "cfg_translation",
            "clip_after",
            r"translations along z: with y -> 1\*y \+ 1\*z the result is .* at \(.*the bound",
        ),
        ("cfg_scale", "norm_threshold", r"positive scales: with y -> 2\*y \+ 0\*z the result is"),
        ("cfg_sign", "raised_only", r"a change of sign: with y -> -1\*y \+ 0\*z the result is"),
        (
            "cfg_end_points",
            "one_too_many",
            r"at w = 1 in the convention u\+w\(c-u\) the result must be the conditional",
        ),
        (
            "cfg_end_points",
            "gate_of_the_other",
            r"at w = -1 in the convention c\+w\(c-u\) the result must be the uncond",
        ),
        ("cfg_end_points", "nan_when_off", "at w = 1 in the convention"),
        ("bat", "interleaved", r"the order of the batch changes item at .* times the bound"),
        ("bat", "rescale_whole_batch", r"the rest of the batch changes item at"),
        ("sens", "three_of_four_channels", r"does not depend on the unconditional prediction in channel\(s\) \[3\]"),
        ("sens", "never_guided", r"does not depend on the unconditional prediction in channel\(s\) \[0, 1, 2, 3\]"),
        ("st", "in_place", "the rule writes into the predictions it was given: update out of place"),
        ("st", "momentum", "the same call gives another result after a call in between: the rule keeps a history"),
        ("st", "shared_buffer", "a later call writes into the result of an earlier one: they share memory"),
    ],
)
def test_the_message_says_what_and_where(name, fault, message):
    with pytest.raises(CheckFailure, match=message):
        run(name, entry(f"guidance.{fault}"))


def test_a_weight_that_is_not_read_is_found():
    with pytest.raises(CheckFailure, match="the result does not depend on the weight"):
        run("sens", Guidance(lambda c, u, w: cfg(c, u, 3), "u+w(c-u)"))


def test_vacuous_cases_say_why():
    plain = Guidance(cfg, "u+w(c-u)")
    same = replace(CASE, unconditional=CASE.conditional)
    assert run("cfg_translation", plain, same) == "the two predictions are equal"
    assert run("sens", plain, same) == "the predictions are equal in some element"
    assert run("sens", plain, replace(CASE, weight=1)) == "at this weight one branch drops out by right"
    never = Guidance(lambda c, u, w: c * float("inf"), "u+w(c-u)")
    assert run("cfg_scale", never) == "no finite bound"
    assert run("bat", never) == "no finite bound"


def test_a_rule_outside_torch_is_calibrated():
    def root(c, u, w):  # rounds: the bound of the dispatcher, which sees nothing of it, is zero
        c, u = np.asarray(c), np.asarray(u)
        return torch.as_tensor(u + w * np.sqrt((c - u) ** 2 / 3) * np.sqrt(3) * np.sign(c - u))

    for name in CHECKS:
        if name != "cfg_end_points":  # there the result is compared with the branches themselves
            assert run(name, Guidance(root, "u+w(c-u)")) is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda c, u, w: None, r"expected combine\(\) to return a tensor, got NoneType: return it alone"),
        (lambda c, u, w: (c, u), "got tuple"),
        (lambda c, u, w: c[:1], r"expected combine\(\) to return shape \(2, 4, 2, 2\), got \(1, 4, 2, 2\)"),
        (lambda c, u, w: c.float(), r"expected combine\(\) to return torch.float64, got torch.float32"),
    ],
)
@pytest.mark.parametrize("name", CHECKS[:-1])
def test_a_broken_protocol_is_one_sentence(name, rule, message):
    with pytest.raises(SubjectError, match=message):
        run(name, Guidance(rule, "u+w(c-u)"))


@pytest.mark.parametrize("rule", [lambda c, u, w: None, lambda c, u, w: (c, u)])
def test_the_purity_check_names_it_too(rule):
    with pytest.raises(SubjectError, match=r"expected combine\(\) to return a tensor"):
        run("st", Guidance(rule, "u+w(c-u)"))


def test_chance_is_a_history():
    def chance(c, u, w):
        return cfg(c, u, w) + torch.rand(())

    with pytest.raises(CheckFailure, match="the same call gives another result"):
        run("st", Guidance(chance, "u+w(c-u)"))


def test_the_catalogue_is_told_apart_by_the_generators():
    """Which of the three maps a rule fails is its own: a threshold the scale, a maximum the sign, a norm the shift."""
    failed = {}
    for fault in ("norm_threshold", "raised_only", "rescale"):
        failed[fault] = set()
        for name in CHECKS[:3]:
            try:
                run(name, entry(f"guidance.{fault}"))
            except CheckFailure:
                failed[fault].add(name)
    assert failed == {
        "norm_threshold": {"cfg_scale"},
        "raised_only": {"cfg_sign"},
        "rescale": {"cfg_translation"},
    }
    assert guidance.SCALE in failed["norm_threshold"]
