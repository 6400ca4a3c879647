"""Counterexamples stated for the middle of the flow path, recomputed: what a rule gives in x0, in eps and in flow.

There ``eps = 2z - x0`` and ``flow = 2z - 2*x0``, so every number here can be checked by hand.
"""

from fractions import Fraction

import pytest

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.points import Point
from cfg_equiv.exact.rational import Vector, vector
from cfg_equiv.theorems import verdicts
from cfg_equiv.theorems.verdicts import Data, changed, results

F = Fraction
MIDDLE = Point(F(1, 2), F(1, 2))
E1, MINUS_E4, E3 = vector(1, 0, 0, 0), vector(0, 0, 0, -1), vector(0, 0, 1, 0)
ZERO2, ZERO4 = vector(0, 0), vector(0, 0, 0, 0)

# rule, whether its twin, changed parameters, z, branches, then x0, eps, flow (None: with roots, another one)
KNOWN = [
    ("max", False, {"w": 1}, ZERO2, (vector(1, -1), ZERO2), (1, 0), (0, -1), (0, -1)),
    (
        "FDG",
        True,
        {},
        E3,
        (E1, MINUS_E4),
        ("5/2", "5/2", "-5/2", "13/2"),
        ("9/2", "1/2", "7/2", "1/2"),
        ("5/2", "5/2", "5/2", "3/2"),
    ),
    (
        "FreSca",
        True,
        {},
        E1,
        (ZERO4, ZERO4),
        (0, 0, 0, 0),
        ("-1/8", "1/8", "-1/8", "1/8"),
        ("-1/16", "1/16", "-1/16", "1/16"),
    ),
    (
        "Perp-Neg",
        True,
        {},
        vector(0, 1),
        (vector(1, 0), vector(1, 1), ZERO2),
        (1, -1),
        ("-1/5", "-3/5"),  # eps: n - u = (-1, -1), c = (-1, 2), so the part along c is (1, -2)/5
        (0, -1),  # flow: n - u = (-2, -2), c = (-2, 2), which are perpendicular already
    ),
    (
        "Perp-Neg (guard)",
        False,
        {"w": 2, "s": 2, "guard": F(1, 10**6)},
        ZERO2,
        (vector("1/2000", 0), vector("1/2000", "1/2000"), ZERO2),
        ("-1/2000", "-1/500"),
        ("-1/2000", "-1/500"),
        ("1/1000", "-1/500"),
    ),
    ("ReCFG", False, {}, vector(1), (vector(1), vector(0)), (3,), (1,), (2,)),
    ("epsilon scaling", False, {}, vector(1), (vector(1),), ("200/201",), ("202/201",), (1,)),
    ("SLD", False, {}, vector(0), (vector(1), vector(2), vector(0)), (1,), (2,), (2,)),
    ("Skimmed CFG", False, {}, vector(2), (vector(2), vector(1)), (2,), ("8/3",), ("8/3",)),
    ("beta-CFG", False, {}, ZERO2, (vector(3, 4), ZERO2), (3, 4), (3, 4), ("3/2", 2)),
    ("APG projection", False, {}, vector(0, 1), (vector(1, 0), vector(0, -1)), (1, 1), ("11/5", "3/5"), (2, 1)),
    ("APG threshold", False, {}, ZERO2, (vector(3, 4), ZERO2), (6, 8), (6, 8), ("9/2", 6)),
    (
        "CFG rescale",
        False,
        {"phi": 1},
        vector(0, 1),
        (vector(2, 0), vector(1, 0)),
        (2, 0),
        ("8/3", "2/3"),
        ("12/5", "2/5"),
    ),
    ("norm-preserving CFG", False, {}, vector("3/2"), (vector(1), vector(0)), (1,), (1,), (2,)),
    ("CFG-Renorm", False, {}, vector("3/2"), (vector(1), vector(0)), (1,), (2,), (2,)),
    ("CFG-Zero*", False, {}, vector(0, 1), (vector(1, 1), vector(1, 0)), (1, 2), ("7/5", "6/5"), ("3/2", "3/2")),
    ("zero-init", False, {}, vector(1, 0), (ZERO2,), (0, 0), (2, 0), (1, 0)),
    ("TCFG", False, {}, vector(0, "1/2"), (vector(2, 0), vector(0, 1)), (4, 0), (4, -1), None),
    (
        "mimic-CFG (STD)",
        False,
        {},
        vector(-2, 1, -2),
        (vector(-2, -2, -2), vector(-2, -2, 0)),
        ("-8/3", "-8/3", "-14/3"),
        (-2, -2, -6),
        None,
    ),
    (
        "mimic-CFG",
        False,
        {},
        vector(-2, -1, -2),
        (vector(-2, -2, -2), vector(-2, -2, -1)),
        ("-7/3", "-7/3", "-10/3"),
        ("-7/3", "-11/6", "-23/6"),
        ("-7/3", -2, "-11/3"),
    ),
    ("dynamic thresholding", False, {"percentile": 1}, ZERO2, (vector(1, 0), ZERO2), (1, 0), (1, 0), ("1/2", 0)),
    ("static clip", False, {}, vector(2, 0), (vector(1, 0), ZERO2), (1, 0), (3, 0), (2, 0)),
]


def in_three_spaces(rule, branches: tuple[Vector, ...], z: Vector, elsewhere: Vector, parameters: dict) -> list[Vector]:
    data = Data(
        {"here": z, "other_latent": elsewhere, "other_level": elsewhere},
        dict(zip(rule.branches, branches, strict=True)),
    )
    found = results(rule, data, MIDDLE, {**rule.parameters, **parameters})
    return [found[space] for space in ("x0", "eps", "flow")]


@pytest.mark.parametrize(("name", "twin", "changes", "z", "branches", "x0", "eps", "flow"), KNOWN)
def test_known(name, twin, changes, z, branches, x0, eps, flow):
    rule = changed(RULES[name], RULES[name].twin) if twin else RULES[name]
    found = in_three_spaces(rule, branches, z, z, changes)
    for got, expected in zip(found, (x0, eps, flow), strict=True):
        assert got == vector(*expected) if expected else got not in (vector(*x0), vector(*eps))


# Branches at another level, t = 1/4 where the step is at t = 1/2: eps = (z - (3/4)*x0)/(1/4), flow = eps - x0.
AHEAD = [
    ("TSG", True, {"w": 2}, vector(1), (vector(1), vector(0)), (2,), (4,), (3,)),
    ("Rectified-CFG++", False, {}, vector(0), (vector(1), vector(1), vector(0)), (2,), (4,), (3,)),
]


@pytest.mark.parametrize(("name", "twin", "changes", "z", "branches", "x0", "eps", "flow"), AHEAD)
def test_ahead(monkeypatch, name, twin, changes, z, branches, x0, eps, flow):
    monkeypatch.setattr(verdicts, "BEFORE", Point(F(3, 4), F(1, 4)))
    rule = changed(RULES[name], RULES[name].twin) if twin else RULES[name]
    found = in_three_spaces(rule, branches, z, z, changes)
    assert found == [vector(*expected) for expected in (x0, eps, flow)]


def test_averages_of_predictions_of_two_levels_differ(monkeypatch):
    # x0 = 1 at t = 4/5 with z = 1, then x0 = 1 at t = 1/2 with z = 0: x0 did not change, the velocity did.
    monkeypatch.setattr(verdicts, "BEFORE", Point(F(1, 5), F(4, 5)))
    found = in_three_spaces(RULES["Momentum Guidance"], (vector(1), vector(1)), vector(0), vector(1), {})
    # eps: -1 + (-1 - 1)/2 = -2, x0 = 2. flow: -2 + (-2 - 0)/2 = -3, x0 = 3/2.
    assert found == [vector(1), vector(2), vector("3/2")]


def test_difference_at_a_blurred_latent():
    # z = 0, x0 = 1 at z, and at z = -1/2, where the blurred image is 0 with the same noise, x0 = 1/2.
    found = in_three_spaces(RULES["SAG"], (vector(1), vector(1), vector("1/2")), vector(0), vector("-1/2"), {})
    # The paper's rule is the one in eps: blurred image minus denoised blurred latent, 0 - 1/2, is added to x0.
    assert found == [vector("3/2"), vector("1/2"), vector(1)]


def test_difference_of_noise_estimates_is_what_dds_means():
    rule = RULES["DDS residuals"]
    z, z_ref, noise = vector(3), vector(1), vector(2)
    target, reference_target = (z - noise * F(1, 2)) * 2, (z_ref - noise * F(1, 2)) * 2  # x0 of each image
    pred, reference = vector(5), vector(-1)
    x0, eps, flow = in_three_spaces(rule, (pred, target, reference, reference_target), z, z_ref, {})
    dds = in_three_spaces(RULES["DDS"], (pred, reference), z, z_ref, {})
    assert eps == dds[1]
    assert (x0, flow) == (-eps, eps * 2)  # A = -1 and 2 times that of eps
    assert dds[0] != x0
