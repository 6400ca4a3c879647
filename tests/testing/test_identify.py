"""The convention of a function is found from calls alone, with the numbers that say so."""

import re
import time
from functools import partial

import numpy as np
import pytest
import torch

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans
from cfg_equiv.errors import ParameterError
from cfg_equiv.faults import GOOD, guidance
from cfg_equiv.testing import identify
from cfg_equiv.testing.guard import guarded
from cfg_equiv.testing.identify import Identification, identify_convention
from cfg_equiv.testing.subjects import Guidance

AT_ONE, AT_ZERO = "u+w(c-u)", "c+w(c-u)"


@pytest.mark.parametrize("good", [g for g in GOOD if isinstance(g.make(), Guidance)], ids=lambda good: good.name)
def test_good_rules_are_found_and_nothing_is_wrong_with_them(good):
    subject = good.make()
    found = identify_convention(subject.combine)
    assert (found.convention, found.findings) == (subject.convention, ())


@pytest.mark.parametrize(
    ("fn", "convention", "evidence"),
    [
        (cfg, AT_ONE, r"at w = 3, cond = 0.25, uncond = -0.75 the result is 2.25 = u \+ \(w\)\(c - u\)"),
        (cfg_from_cond, AT_ZERO, r"the result is 3.25 = u \+ \(1 \+ w\)\(c - u\); u\+w\(c-u\) gives 2.25"),
        (cfg_ho_salimans, AT_ZERO, "gives 2.25"),
        (lambda c, u, w: cfg(c.float(), u.float(), w), AT_ONE, "gives 3.25"),
        (lambda c, u, w: torch.as_tensor(np.asarray(u) + w * (np.asarray(c) - np.asarray(u))), AT_ONE, "2.25"),
    ],
)
def test_the_evidence_is_in_numbers(fn, convention, evidence):
    found = identify_convention(fn)
    assert found.convention == convention
    assert len(found.evidence) == 1
    assert re.search(evidence, found.evidence[0])


@pytest.mark.parametrize(
    ("fn", "convention", "finding"),
    [
        (guidance.gate_below_one(cfg_from_cond), AT_ZERO, "a gate: at w = -1, 0.25, 0.5, 1 the result is cond"),
        (guidance.gate_below_one(cfg), AT_ONE, "a gate: at w = -1, 0, 0.25, 0.5 the result is cond"),
        (lambda c, u, w: u if w <= 0.5 else cfg(c, u, w), AT_ONE, "a gate: at w = -1, 0.25, 0.5 the result is uncond"),
        (guidance.swapped, AT_ONE, "the branches are swapped"),
        (lambda c, u, w: cfg_from_cond(u, c, w), AT_ZERO, "the branches are swapped"),
        (guidance.three_channels, AT_ONE, r"channel\(s\) \[3\] of 4 are not guided: they are cond"),
        (
            lambda c, u, w: torch.cat([u[:, :1], cfg(c[:, 1:], u[:, 1:], w)], 1),
            AT_ONE,
            r"channel\(s\) \[0\] of 4 are not guided: they are uncond",
        ),
        (
            lambda c, u, w: torch.cat([cfg(c[:, :2], u[:, :2], w), cfg_from_cond(c[:, 2:], u[:, 2:], w)], 1),
            AT_ONE,
            r"channel\(s\) \[2, 3\] follow another rule than channel\(s\) \[0, 1\]",
        ),
        (
            lambda c, u, w: cfg(c, u, max(w, 0.25)),
            AT_ONE,
            "at w = -1, 0 it follows neither its formula nor one branch",
        ),
    ],
)
def test_what_is_wrong_is_found(fn, convention, finding):
    found = identify_convention(fn)
    assert found.convention == convention
    assert re.search(finding, "\n".join(found.findings))


@pytest.mark.parametrize(
    ("fn", "evidence"),
    [
        (guidance.unguided, "the result is cond at every weight tried"),
        (lambda c, u, w: u.clone(), "the result is uncond at every weight tried"),
        (lambda c, u, w: c + u, "the result does not depend on the weight"),
        (lambda c, u, w: cfg(c, u, 2 * w), r"a\(3\) = 6, .*which is neither a = w nor a = 1 \+ w"),
        (partial(guidance.rescaled, guidance.ITEM), r"not u \+ a\(c - u\) with one number a"),
        (guidance.interleaved, r"not u \+ a\(c - u\) with one number a"),
        (lambda c, u, w: None, "at w = -1: expected a tensor, got NoneType: return the guided prediction alone"),
        (lambda c, u, w: (c, u), "expected a tensor, got tuple"),
        (lambda c, u, w: c[0], r"expected a result of shape \(2, 4, 2, 2\), got \(4, 2, 2\)"),
        (lambda c, u, w: c.int(), "expected a floating-point result, got torch.int32"),
        (lambda c, u, w: c / 0, "the result is not finite"),
        (lambda c, u, w: 1 / 0, "the function raised ZeroDivisionError: division by zero"),
        (lambda c, u: c, "the function raised TypeError: .*positional argument"),
    ],
)
def test_other_functions_get_one_sentence(fn, evidence):
    found = identify_convention(fn)
    assert found.convention is None
    assert len(found.evidence) == 1
    assert "\n" not in found.evidence[0]
    assert re.search(evidence, found.evidence[0])


def test_a_function_that_prints_and_writes_in_place_disturbs_nothing(capsys):
    def loud(c, u, w):
        print("noise")
        return c.sub_(u).mul_(w).add_(u)

    assert identify_convention(loud).convention == AT_ONE
    assert capsys.readouterr().out == ""


def test_a_function_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(identify, "guarded", partial(guarded, 0.05))
    found = identify_convention(lambda c, u, w: time.sleep(5))
    assert found.convention is None
    assert "expected one example to end within 0.05 s" in found.evidence[0]


def test_what_is_no_function_is_an_error():
    with pytest.raises(ParameterError, match=r"expected a function fn\(cond, uncond, w\), got Tensor: pass it without"):
        identify_convention(torch.ones(2))


def test_it_prints_as_a_short_text():
    text = str(identify_convention(guidance.three_channels))
    assert text.startswith("convention: u+w(c-u)\n  at w = 3")
    assert "\n  ! channel(s) [3] of 4" in text
    assert str(Identification(None, ("why",))) == "convention: none of the two\n  why"
