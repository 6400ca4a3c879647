import re

import pytest

from cfg_equiv.algebra.guidance import ABSENT_RULES, RULES
from cfg_equiv.atlas.guidance import guidance, numbers, record
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.theorems.verdicts import changed, verdict


def test_a_rule_that_commutes_has_no_counterexample_and_any_space_is_its_own():
    found = record(RULES["CFG"])
    assert (found["class"], found["commutes"], found["canonical_space"]) == ("A", True, "any")
    assert found["counterexample"] is None
    assert all(cell == {"same": True, "size": None} for cell in found["pairs"].values())
    assert {"library": "EDM2", "does": "generate_images.py ref.lerp(D, w), on x0"} in found["libraries"]


def test_a_rule_that_does_not_says_where_it_belongs_and_shows_it():
    found = record(RULES["relu"])
    assert (found["class"], found["commutes"], found["canonical_space"]) == ("C", False, "x0")
    assert found["counterexample"]["result"]["x0"] != found["counterexample"]["result"]["eps"]
    assert found["generators"] == {"translation": True, "scale": True, "sign": False}
    assert "xp.maximum(cond - uncond, 0)" in found["code"]


def test_the_verdict_of_the_record_is_that_of_the_formula():
    assert not record(changed(RULES["CFG"], RULES["CFG"].twin))["commutes"]


def test_the_code_has_what_it_calls_of_its_kind():
    text = record(RULES["limited interval"])["code"]
    assert text.count("def ") > 1
    assert text.index("def cfg(") < text.rindex("def ")


def test_branches_of_another_level_carry_their_own():
    rule = RULES["Rectified-CFG++"]
    found = numbers(rule, verdict(rule).counterexample)
    ahead = found["branches"]["cond_ahead"]
    assert (ahead["alpha"], ahead["sigma"]) != (found["alpha"], found["sigma"])
    assert found["uncond"] is None
    assert set(found["branches"]) == set(rule.branches)


def test_a_gradient_is_not_mapped_back_and_a_constant_not_converted():
    gradient, constant = RULES["SDS"], RULES["classifier guidance"]
    assert not numbers(gradient, verdict(gradient).counterexample)["mapped_back"]
    found = numbers(constant, verdict(constant).counterexample)
    assert found["mapped_back"]
    assert any(branch["seen"] == "constant" and "value" in branch for branch in found["branches"].values())


def test_roots_and_enclosures_say_that_they_are_no_rationals():
    rule = RULES["SNF"]
    assert numbers(rule, verdict(rule).counterexample)["numbers"] == "middles of enclosures"
    assert numbers(RULES["relu"], verdict(RULES["relu"]).counterexample)["numbers"] == "rationals"


def test_the_atlas_is_by_class_and_names_what_is_absent():
    told = []
    found = guidance(["relu", "CFG", "SDS"], told.append)
    assert [one["name"] for one in found["guidance"]] == ["CFG", "relu", "SDS"]
    assert told == ["guidance relu", "guidance CFG", "guidance SDS"]
    assert {one["name"]: one["reason"] for one in found["absent"]} == ABSENT_RULES


def test_an_unknown_rule_is_named():
    with pytest.raises(UnknownNameError, match=re.escape("got 'PAGG': did you mean 'PAG'?")):
        guidance(["PAGG"])


@pytest.mark.slow
def test_every_rule_has_a_record():
    found = guidance()["guidance"]
    assert {one["name"] for one in found} == set(RULES)
    for one in found:
        assert one["commutes"] == (one["class"] in "AB") == (one["counterexample"] is None)
        assert one["commutes"] == all(cell["same"] for cell in one["pairs"].values())
