"""The rules that read norms, spreads, angles and extremes, each at one point computed by hand."""

import itertools
from fractions import Fraction

import pytest

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.tcfg import damped
from cfg_equiv.exact.interval_vectors import INTERVALS, apart
from cfg_equiv.exact.rational import RATIONAL, vector
from cfg_equiv.theorems.verdicts import apply, lift

F = Fraction
O2 = (0, 0)

# name, branches, changed parameters, z, what it is
VALUES = [
    ("APG", ((1, 0), (1, -6), O2, (0, 8)), {}, O2, (1, 15)),  # (0, 6) + (0, 4) is capped to (0, 5)
    ("APG", ((1, 0), (-5, -8), O2, O2), {"eta": F(1)}, O2, (10, 12)),  # (6, 8) is capped to (3, 4)
    ("APG (no momentum)", ((1, 0), (-5, -8)), {}, O2, (1, 4)),
    ("APG projection", ((1, 0), (0, -1)), {}, O2, (1, 1)),
    ("APG projection", ((1, 0), (0, -1)), {"eta": F(1, 2)}, O2, ("3/2", 1)),
    ("APG threshold", ((3, 4), O2), {}, O2, (6, 8)),
    ("APG threshold", ((3, 4), O2), {"radius": 1}, O2, ("18/5", "24/5")),
    ("APG momentum", ((3,), (1,), (3,), (1,)), {}, (0,), (4,)),
    ("APG (u + w form)", ((1, 0), (0, -1)), {}, O2, (0, 1)),
    ("z-projected APG", ((1, 1), (0, -1)), {}, (0, 1), (1, 3)),
    ("CFG rescale", ((2, 0), (1, 0)), {}, O2, ("13/5", 0)),
    ("scale_phi", ((2, 0), (1, 0)), {"phi": F(1)}, O2, (2, 0)),
    ("z-projected rescale", ((2, 0, 5), (1, 0, 5)), {"phi": F(1)}, (0, 0, 1), (2, 0, 5)),
    ("norm-preserving CFG", ((3, 4), (6, 0)), {}, O2, (0, 5)),
    ("norm-preserving CFG", ((0, 4), (0, 5)), {}, O2, (0, 4)),  # and it lengthens
    ("CFG-Renorm", ((3, 4), (6, 0)), {}, O2, (0, 5)),
    ("CFG-Renorm", ((3, 4), (6, 0)), {"radius": 2}, O2, (0, 8)),
    ("CFGNorm", ((0, 4), (0, 5)), {}, O2, (0, 3)),  # and it only shortens
    ("z-projected renorm", ((3, 4, 1), (6, 0, 2)), {}, (0, 0, 1), (0, 5, 0)),
    ("z-projected renorm", ((0, 4, 1), (0, 5, 2)), {}, (0, 0, 1), (0, 3, 0)),
    ("CFG-Zero*", ((2, 1), (1, 0)), {}, O2, (2, 2)),
    ("CFG-Zero*", ((2, 1), (0, 2)), {}, O2, (4, 1)),
    ("CFGZeroStar (ComfyUI)", ((0, 1), O2), {}, (1, 1), (0, 2)),
    ("CFGZeroStar (ComfyUI)", ((0, 1), (2, 0)), {"w": F(3)}, (1, 1), (2, 3)),  # s = -1/2: 3c - 2su
    ("CFGZeroStar (ComfyUI)", ((1, 0), (0, 1)), {}, (1, 1), (2, 0)),
    ("zero-init", ((5, 2),), {}, O2, O2),
    ("z-projected CFG-Zero*", ((2, 1, 4), (1, 0, 3)), {}, (0, 0, 1), (2, 2, 5)),
    ("TCFG", ((2, 0), (0, 1)), {}, O2, (4, 0)),
    ("TCFG", ((1, 1, 0), (2, 0, 1)), {}, (0, 0, 0), (0, "8/5", "-4/5")),  # v_1 = (5, 1, 2), u' = (2, 2/5, 4/5)
    ("z-projected TCFG", ((1, 1, 0, 7), (2, 0, 1, 3)), {}, (0, 0, 0, 1), (0, "8/5", "-4/5", 11)),
    ("mimic-CFG", ((-2, -2, -2), (-2, -2, -1)), {}, (0, 0, 0), ("-7/3", "-7/3", "-10/3")),
    ("mimic-CFG", ((0, 0, 0, -1), (0, 0, 0, 0)), {"percentile": F(2, 3)}, (0,) * 4, (0, 0, 0, "-9/4")),
    ("mimic-CFG (STD)", ((-2, -2, -2), (-2, -2, 0)), {}, (0, 0, 0), ("-8/3", "-8/3", "-14/3")),
    ("mimic-CFG (ZERO)", ((-2, -2, -2), (-2, -2, 0)), {}, (0, 0, 0), (-1, -1, -3)),
    ("dynamic thresholding", ((1, 0), O2), {}, O2, (1, 0)),
    ("dynamic thresholding", ((2, 1), O2), {"percentile": F(1, 2)}, O2, (1, "2/3")),
    ("dynamic thresholding", ((-2, 1), O2), {"percentile": F(1, 2)}, O2, (-1, "2/3")),
    ("dynamic thresholding", (("1/6", 0), O2), {}, O2, ("1/2", 0)),  # below 1 nothing is stretched
    ("static clip", ((3, "1/4"), O2), {}, O2, (1, "1/2")),
    ("clip before guidance", ((3, "1/4"), O2), {}, O2, (2, "1/2")),
]
# Enclosures: their middles, rounded to a double, are the numbers.
ENCLOSED = [
    ("ADG", ((-5, 0), (-4, -3)), {}, ("-29/5", "12/5")),
    ("ADG", ((1, 0), (0, 1)), {"w": F(1)}, (1, 0)),
    ("MaHiRo", ((1,), (1,)), {}, (1,)),
    ("MaHiRo", ((1,), (-1,)), {}, (2,)),
    ("MaHiRo", ((1, "3/2"), (2, 6)), {}, ("1/2", "-3/2")),  # directions (2, sqrt 12) and (1, 0): cosine 1/2, s = 3
    ("MAMBO-G", ((2,), (1,)), {"w": F(1)}, (2,)),
]
DONE = {name for name, *_ in VALUES + ENCLOSED}


def value(name, branches, changes, z):
    rule = RULES[name]
    vectors = (lift(rule, vector(*branch)) for branch in branches)
    return apply(rule, dict(zip(rule.branches, vectors, strict=True)), lift(rule, z), {**rule.parameters, **changes})


@pytest.mark.parametrize(("name", "branches", "changes", "z", "expected"), VALUES, ids=lambda x: str(x)[:20])
def test_exactly(name, branches, changes, z, expected):
    assert value(name, branches, changes, vector(*z)) == vector(*expected)


@pytest.mark.parametrize(("name", "branches", "changes", "expected"), ENCLOSED, ids=lambda x: str(x)[:20])
def test_enclosed(name, branches, changes, expected):
    rule = RULES[name]
    found = value(name, branches, changes, vector(*[0] * len(expected)))
    assert not apart(found, lift(rule, vector(*expected)))
    # One unit in the last of 30 digits away, it is told apart: the enclosures are narrow.
    assert all(apart(found, lift(rule, vector(*(F(x) + F(shift, 10**30) for x in expected)))) for shift in (1, -1))


def test_every_rule_of_these_files_is_computed_by_hand():
    files = {rule.formula.__module__ for name, rule in RULES.items() if name in DONE} - {
        "cfg_equiv.algebra.guidance.nonlinear"
    }
    assert {name for name, rule in RULES.items() if rule.formula.__module__ in files} <= DONE


def test_the_damped_weight_falls_exponentially_with_the_ratio():
    rule = RULES["MAMBO-G"]
    (found,) = value("MAMBO-G", ((8,), (2,)), {"a": F(2)}, vector(0))  # the ratio is 3: u + 6*(1 + 9*exp(-6))
    assert not apart([INTERVALS.log((found - 8) / 54)], lift(rule, vector(-6)))


def test_at_the_mean_the_mimic_scale_sets_the_largest_deviation():
    found = value("mimic-CFG", ((4, 1, 1), (0, 0, 0)), {}, vector(0, 0, 0))
    low, high = (value("CFG", ((4, 1, 1), (0, 0, 0)), {"w": w}, vector(0, 0, 0)) for w in (2, 3))
    centred = [[x - RATIONAL.mean(v) for x in v] for v in (found, low)]
    assert centred[0] == centred[1]
    assert RATIONAL.mean(found) == RATIONAL.mean(high)


def test_damping_projects_on_the_best_line():
    # On no other line through the origin do both vectors lie with so little left over.
    cond, uncond = vector(1, 1, 0), vector(2, 0, 1)
    kept = damped(RATIONAL, cond, uncond)
    line = kept * F(1, 2)

    def left(direction):
        square = RATIONAL.dot(direction, direction)
        return sum(RATIONAL.dot(x, x) - RATIONAL.dot(x, direction) ** 2 / square for x in (cond, uncond))

    assert RATIONAL.dot(uncond - kept, line) == 0
    others = (line + vector(*step) * F(1, 8) for step in itertools.product((-1, 0, 1), repeat=3) if any(step))
    assert all(left(line) < left(other) for other in others)


@pytest.mark.parametrize("name", ["APG projection", "CFG rescale", "CFG-Zero*", "norm-preserving CFG", "TCFG"])
def test_what_divides_by_a_norm_says_so_at_zero(name):
    nothing = ((0, 0), (0, 0))
    with pytest.raises(ZeroDivisionError):
        value(name, nothing, {}, vector(0, 0))
