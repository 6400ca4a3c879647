from dataclasses import replace
from fractions import Fraction

import pytest

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.atlas.pairs import PAIRS, distance, needs, pairs
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.rational import Vector
from cfg_equiv.theorems.verdicts import changed, verdict


def same(rule) -> set[str]:
    return {pair.name for pair in pairs(rule, verdict(rule)) if pair.same}


def test_a_pair_needs_the_generators_of_its_own_maps():
    assert needs("eps", "score") == {"scale", "sign"}
    assert needs("eps", "v") == {"scale", "translation"}
    assert needs("x0", "eps") == {"scale", "sign", "translation"}
    assert all(needs(a, b) == needs(b, a) for a, b in PAIRS)


def test_plain_cfg_is_the_same_in_every_pair_and_its_twin_in_none_that_shifts():
    assert len(same(RULES["CFG"])) == len(PAIRS) == 10
    assert same(changed(RULES["CFG"], RULES["CFG"].twin)) == {"eps score"}


def test_a_rule_that_only_the_sign_breaks_splits_the_spaces_in_two():
    assert same(RULES["relu"]) == {"x0 score", "eps flow", "eps v", "flow v"}


def test_a_gradient_is_the_same_in_no_pair():
    assert same(RULES["SDS"]) == set()


def test_every_difference_is_shown_with_its_size():
    found = [pair for pair in pairs(RULES["relu"], verdict(RULES["relu"])) if not pair.same]
    assert all(pair.size for pair in found)
    assert {pair.size for pair in found} == {3.0}


def test_a_difference_that_no_data_show_is_an_error():
    wrong = replace(verdict(RULES["relu"]), translation=False, letter="D", counterexample=None)
    rule = changed(RULES["relu"], RULES["relu"].twin)  # it commutes: there is nothing to be shown
    with pytest.raises(ExactError, match="relu fails a generator that x0 and eps need, but no data show it"):
        pairs(rule, wrong)


def test_the_distance_is_the_largest_of_the_elements():
    assert distance(Vector([Fraction(1), Fraction(0)]), Vector([Fraction(1, 2), Fraction(-3)])) == 3.0
