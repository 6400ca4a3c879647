"""The rules of the catalogue on tensors say what they say in exact arithmetic."""

from dataclasses import replace
from fractions import Fraction as F

import pytest
import torch

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.errors import MismatchError
from cfg_equiv.exact.interval_vectors import INTERVALS, enclosed
from cfg_equiv.exact.intervals import endpoints
from cfg_equiv.exact.rational import Vector
from cfg_equiv.guided.rows import guide_rows, has_vectors
from cfg_equiv.rounding import calibrated_spread
from cfg_equiv.theorems.verdicts import apply, lift

COND, UNCOND, Z = ((F(2), F(-1), F(3), F(1, 2)), (F(1), F(1), F(1, 2), F(-2)), (F(1), F(-2), F(1, 2), F(3)))
RUNS = {
    name: rule for name, rule in RULES.items() if list(rule.branches.items()) == [("cond", "here"), ("uncond", "here")]
}


def tensors(n):
    return [torch.tensor([[float(x) for x in v[:n]]], dtype=torch.float64) for v in (COND, UNCOND, Z)]


def exact(rule):
    """The result as pairs of bounds."""
    c, u, z = (lift(rule, Vector(v[: rule.elements])) for v in (COND, UNCOND, Z))
    found = apply(rule, {"cond": c, "uncond": u}, z, rule.parameters)
    return [endpoints(enclosure_of(x).interval) for x in found]


def enclosure_of(x):
    """A rational number, a sum of square roots, or an enclosure, as an enclosure."""
    terms = {1: x} if isinstance(x, int | F) else getattr(x, "terms", None)
    if terms is None:
        return x
    return sum((INTERVALS.sqrt(enclosed(F(k))) * q for k, q in terms.items()), enclosed(F(0)))


def agrees(rule, formula=None):
    """Whether the tensor result encloses the exact one, by the calibrated rerun."""
    given = replace(rule, formula=formula or rule.formula)
    spread = calibrated_spread(
        lambda nudge, c, u, z: guide_rows(given, c, u, rule.parameters["w"], z), tensors(rule.elements)
    )
    pairs = zip(spread.result[0].tolist(), spread.bound[0].tolist(), exact(rule), strict=True)
    return all(low <= F(x) + F(e) and F(x) - F(e) <= high for x, e, (low, high) in pairs)


@pytest.mark.parametrize("name", RUNS)
def test_a_rule_on_tensors_is_the_rule_in_exact_arithmetic(name):
    assert agrees(RULES[name])


def test_the_comparison_sees_a_neighbouring_formula():
    rescale = RULES["CFG rescale"]
    assert not agrees(rescale, formula=lambda xp, cond, uncond, w, phi: uncond + w * (cond - uncond))


def test_items_do_not_see_each_other_and_weights_broadcast():
    c, u, z = tensors(4)
    rule = RULES["CFG rescale"]
    weights = torch.tensor([2.0, 5.0], dtype=torch.float64).reshape(2, 1, 1)
    together = guide_rows(rule, torch.stack((c, 2 * c)), torch.stack((u, u)), weights, torch.stack((z, z)))
    assert torch.equal(together[0], guide_rows(rule, c, u, 2, z))
    assert torch.equal(together[1], guide_rows(rule, 2 * c, u, 5, z))


def test_a_fraction_is_rounded_once():
    c, u, z = tensors(2)
    assert torch.equal(guide_rows(RULES["CFG"], c, u, F(1, 3), z), u + (1 / 3) * (c - u))


def test_vectors_fix_the_number_of_elements():
    assert {name for name in RUNS if has_vectors(RULES[name])} >= {"VideoLinearCFG", "FDG", "FreSca", "S-CFG"}
    assert not has_vectors(RULES["limited interval"])
    with pytest.raises(MismatchError, match=r"expected 4 elements, as its parameters have, got 2 for rule 'FDG': use"):
        guide_rows(RULES["FDG"], *tensors(2)[:2], 1, tensors(2)[2])


def test_other_branches_are_refused():
    c, u, z = tensors(2)
    with pytest.raises(
        MismatchError, match=r"expected a rule of cond and uncond .* got pred \(here\), gradient \(const"
    ):
        guide_rows(RULES["classifier guidance"], c, u, 1, z)
