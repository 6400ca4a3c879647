"""Every formula at one point, computed by hand."""

from fractions import Fraction

import pytest

from cfg_equiv.algebra.guidance import RULES, fresca, interval, perp_neg, semantic
from cfg_equiv.algebra.guidance.bands import band
from cfg_equiv.algebra.guidance.classifier import gradient_shift
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.rational import RATIONAL, Vector, vector
from cfg_equiv.theorems.verdicts import apply, lift

F = Fraction
ZERO2, ZERO3, ZERO4 = vector(0, 0), vector(0, 0, 0), vector(0, 0, 0, 0)
E1, MINUS_E4 = vector(1, 0, 0, 0), vector(0, 0, 0, -1)

# name: branches, changed parameters, what it is
NUMBERS = [
    ("CFG", (5, 2), {}, 11),
    ("CFG (1+w)", (5, 2), {}, 14),
    ("negative prompt", (5, 2), {}, 11),
    ("composable", (5, 1, 2), {}, 12),
    ("InstructPix2Pix", (5, 3, 2), {}, F(35, 2)),
    ("autoguidance", (5, 2), {}, 11),
    ("PAG", (5, 1), {"w": 2}, 13),
    ("CFG + PAG", (5, 2, 1), {}, 19),
    ("SEG", (5, 2, 1), {}, 19),
    ("SLG", (5, 2, 1), {}, 19),
    ("STG", (5, 2, 1), {}, 19),
    ("TPG", (5, 2, 1), {}, 19),
    ("S2-Guidance", (5, 2, 1), {}, 19),
    ("ICG", (5, 2), {}, 11),
    ("TSG", (5, 2), {}, 11),
    ("distilled guidance", (7,), {}, 7),
    ("limited interval", (5, 2), {}, 11),
    ("limited interval", (5, 2), {"window": (2, -1, 2)}, 5),
    ("MultiDiffusion", (5, 2), {}, 3),
    ("region masks", (8, 4, 2), {}, 11),
    ("SWG", (5, 1, 3), {}, 11),
    ("characteristic guidance", (5, 2), {}, 11),
    ("ReCFG", (1, 1), {}, 2),
    ("epsilon scaling", (1,), {}, F(200, 201)),
    ("TSR", (3,), {}, 2),
    ("Skimmed CFG", (2, 1), {}, 2),
    ("SAG", (5, 2, 1), {}, 12),
    ("Rectified-CFG++", (5, 3, 1), {"w": 2}, 9),
    ("Momentum Guidance", (3, 1), {}, 4),
    ("classifier guidance", (1, 2), {"w": 3}, -2),
    ("SDS", (5, 2), {"w": 2}, 6),
    ("DDS", (5, 2), {}, 3),
    ("DDS residuals", (5, 2, 1, 0), {}, 2),
    ("ISM", (5, 2), {"w": 2}, 6),
    ("max", (-1, 0), {"w": 2}, 0),
    ("relu", (3, 1), {"w": 2}, 5),
]
VECTORS = [
    ("VideoLinearCFG", (vector(1, 1, 1, 1), ZERO4), {"w": 4}, (1, 2, 3, 4)),
    ("VideoTriangleCFG", (vector(1, 1, 1, 1), ZERO4), {"w": 4}, (1, 3, 3, 1)),
    ("DiT channels", (vector(5, 5, 5, 5), vector(2, 2, 2, 2)), {"w": 3}, (11, 11, 11, 5)),
    ("FDG", (E1, MINUS_E4), {}, ("15/2", "-5/2", "-5/2", "13/2")),
    ("FDG", (E1, MINUS_E4), {"parallel": 0}, ("5/2", "5/2", "-5/2", "13/2")),
    ("FreSca", (E1, ZERO4), {}, ("51/16", "-3/16", "3/16", "-3/16")),
    ("Perp-Neg", (vector(1, 0), vector(1, 1), ZERO2), {"w": 2}, (2, -2)),
    ("Perp-Neg (guard)", (vector(1, 0), vector(1, 1), ZERO2), {"w": 2}, ("1/2", -2)),
    ("LEDITS++", (vector(1, -3, 2), ZERO3), {}, (0, -30, 0)),
    ("SEGA", (vector(1, 1, 1), vector(1, -3, 2), ZERO3), {}, (3, -3, 3)),
    ("SEGA momentum", (vector(1, 1, 1), *(vector(1, -3, 2), ZERO3) * 2), {}, (3, "-24/5", 3)),
    ("S-CFG", (vector(1, 3, 1), ZERO3), {}, (6, 18, 12)),
    ("S-CFG", (vector(1, 3, "1/2"), ZERO3), {}, (6, 18, "15/2")),  # rate 4, at most 15/6
    ("Reinhard CFG", (vector(1, -1), ZERO2), {}, ("3/2", "-3/2")),
    ("max", (vector(1, -1), ZERO2), {"w": 1}, (1, 0)),
    ("signed top-k", (vector(1, 3, 2), ZERO3), {"w": 2}, (0, 6, 4)),
    ("SLD", (vector(1, 3), vector(2, 2), ZERO2), {}, (1, 6)),
    ("SLD momentum", (vector(1), vector(2), vector(0)) * 2, {}, ("41/50",)),
    ("SMC-CFG", (vector(3, 2), vector(2, 2), vector(2, 0), ZERO2), {}, ("23/5", 2)),
    ("beta-CFG", (vector(3, 4), ZERO2), {}, (3, 4)),
    ("power-law CFG", (vector(3, 4), ZERO2), {}, (33, 44)),
    ("history projection", (vector(1, 1), ZERO2, vector(1, 0), ZERO2), {}, ("3/2", 3)),
]


def value(rule: Rule, branches: tuple, changes: dict, z: Vector):
    names = dict(zip(rule.branches, branches, strict=True))
    return apply(rule, names, z, {**rule.parameters, **changes})


@pytest.mark.parametrize(("name", "branches", "changes", "expected"), NUMBERS, ids=lambda x: str(x)[:20])
def test_on_numbers(name, branches, changes, expected):
    found = value(RULES[name], tuple(vector(b) for b in branches), changes, vector(2))
    assert found == vector(expected)


@pytest.mark.parametrize(("name", "branches", "changes", "expected"), VECTORS, ids=lambda x: str(x)[:20])
def test_on_vectors(name, branches, changes, expected):
    assert value(RULES[name], branches, changes, ZERO2) == vector(*expected)


def test_every_rule_of_these_files_is_computed_by_hand():
    done = {name for name, *_ in NUMBERS + VECTORS} | {"SNF"}
    files = {rule.formula.__module__ for name, rule in RULES.items() if name in done}
    assert {name for name, rule in RULES.items() if rule.formula.__module__ in files} == done


@pytest.mark.parametrize(("w", "expected"), [("1/3", (1, "2/3", 0)), ("2/3", (2, 0, 0))])
def test_softmax_takes_another_element_at_another_scale(w, expected):
    # The second softmax is e^2a/(e^3a + e^2a + 1), above 1/3 for a < log((1 + sqrt 5)/2) = .481, below it after.
    rule = RULES["SNF"]
    branches = tuple(lift(rule, v) for v in (ZERO3, ZERO3, ZERO3, vector(3, 2, 0)))
    found = value(rule, branches, {"w": F(w)}, lift(rule, ZERO3))
    assert [str(x) for x in found] == [str(x) for x in lift(rule, vector(*expected))]


def test_filter_on_the_prediction():
    found = fresca.fourier_filter(RATIONAL, E1, 1, F(5, 4), (vector(1, -1, 1, -1),))
    assert found == vector("17/16", "-1/16", "1/16", "-1/16")
    assert band(RATIONAL, E1, (vector(1, 1, 0, 0), vector(0, 0, 1, 1))) == vector("1/2", "1/2", 0, 0)


def test_guard_zero_is_no_guard():
    branches = (vector(1, 2), vector(3, -1), vector(0, 1))
    guarded = perp_neg.perp_neg_guarded(RATIONAL, *branches, w=F(2), s=F(1), guard=F(0))
    assert guarded == perp_neg.perp_neg(RATIONAL, *branches, w=F(2), s=F(1))


def test_interval_includes_its_lower_end():
    assert [interval.interval_weight(3, lam, -1, 2) for lam in (-2, -1, 1, 2)] == [1, 3, 3, 1]


def test_a_mask_of_ties_keeps_all_of_them():
    assert semantic.masked_edit(RATIONAL, vector(1, -1, 1), ZERO3, 2, F(1, 2)) == vector(2, -2, 2)


@pytest.mark.parametrize(
    ("space", "expected"), [("x0", "16/15"), ("eps", "-4/5"), ("score", 1), ("v", "-4/3"), ("flow", "-28/15")]
)
def test_shift_by_a_gradient(space, expected):
    at = Point(F(3, 5), F(4, 5))
    assert gradient_shift(F(1), F(1), at, PARAMETERIZATIONS[space].at(None, at)) == F(expected)
    # The same guided prediction, converted.
    z, eps = F(7), F(2)
    guided = apply(RULES["classifier guidance"], {"pred": eps, "gradient": F(1)}, z, {"w": F(1), "sigma": at.sigma})
    moved = [to_space(None, z, pred, at, "eps", space) for pred in (guided, eps)]
    assert moved[0] - moved[1] == F(expected)
