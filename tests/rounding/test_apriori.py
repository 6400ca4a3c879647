import math
import subprocess
import sys
from fractions import Fraction

import pytest

from cfg_equiv.algebra.points import det
from cfg_equiv.rounding import apriori
from cfg_equiv.rounding.apriori import (
    FLOATS,
    MAJORANT,
    MUTATION,
    RATIONALS,
    STORED,
    Majorant,
    guided_step,
    majorant,
    share,
    shares,
)
from cfg_equiv.rounding.constants import FORMATS

ROUNDINGS = {"eps": 11, "x0": 10, "v": 15, "score": 15, "flow": 13, "F": 39}


def holds(factor=1):
    return all(share <= 1 for _, share in shares(factor))


def test_every_lattice_step_is_within_the_bound_and_a_mutated_one_is_not():
    found = [share for _, share in shares()]
    assert len(found) == 1080
    assert max(found) <= 1
    assert not holds(1 + MUTATION)
    assert min(share(row, STORED, factor=1 + MUTATION) for row in ("eps", "x0", "v", "score", "flow")) > 1


@pytest.mark.parametrize("value", [2.0**-10, math.inf])
def test_a_wrong_slack_is_noticed(monkeypatch, value):
    monkeypatch.setattr(apriori, "SLACK", value)
    assert not holds()


def test_a_wrong_conversion_leaves_the_bound(monkeypatch):
    from cfg_equiv.algebra import convert as module
    from cfg_equiv.algebra import stepping

    def off(z, pred, at, source, target):
        error = 1 + 2.0**-40 if isinstance(z, float) else 1
        return module.convert(z, pred, at, source, target) * error

    monkeypatch.setattr(stepping, "convert", off)
    assert not holds()


def test_it_needs_no_torch():
    code = (
        "import sys; from cfg_equiv.rounding.apriori import shares; next(shares()); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("row", "k"), ROUNDINGS.items())
def test_the_number_of_roundings_is_counted(row, k):
    assert majorant(row, STORED).k == k


def test_the_terms_of_a_conversion_are_the_majorant_of_the_statement():
    x = {name: Majorant.exact(v) for name, v in STORED.items()}
    at, row = (x["alpha_s"], x["sigma_s"]), (-x["sigma_s"], x["alpha_s"])
    radius = det(at, row)
    assert radius.size == radius.value
    assert radius.k == 2
    cancelling = det(at, (x["sigma_s"], x["alpha_s"]))
    assert cancelling.size > abs(cancelling.value)


def test_a_divisor_that_cancels_has_no_bound():
    a, b = Majorant.exact(0.7), Majorant.exact(0.6)
    assert (a / (a * a - b * b)).bound == math.inf
    assert MAJORANT.sqrt(a * a - b * b).bound == math.inf
    assert math.isfinite((a / (a - b)).bound)  # a difference of exact numbers is rounded once


def test_one_rounding_is_one_unit():
    a, b = Majorant.exact(0.7), Majorant.exact(-0.6)
    for result in (a + b, a * b, a / b):
        assert result.k == 1
        unit = abs(result.value) * 2.0**-53
        assert unit <= result.bound <= unit * (1 + 2.0**-29)
    assert (a * 1 + 0).bound == (a * 0).bound == (-a).bound == 0


def test_underflow_is_counted():
    tiny = Majorant.exact(2.0**-600)
    product = tiny * tiny
    assert product.value == 0
    assert product.bound >= 2.0**-1074
    assert (product * Majorant.exact(2.0**100)).bound >= 2.0**-974


@pytest.mark.parametrize("name", FORMATS)
def test_a_coarser_format_has_a_larger_bound(name):
    f = FORMATS[name]
    assert majorant("v", STORED, format=f).bound >= majorant("v", STORED).bound * f.u / 2.0**-53


def test_the_bound_exceeds_the_observed_error_of_the_stored_point():
    got = guided_step(FLOATS, "eps", STORED)
    exact = guided_step(RATIONALS, "eps", {name: Fraction(v) for name, v in STORED.items()})
    assert abs(Fraction(got) - exact) <= Fraction(majorant("eps", STORED).bound)


def test_an_irrational_root_is_one_clear_sentence():
    with pytest.raises(ValueError, match="expected the square of a rational number, got 2; choose a Pythagorean point"):
        RATIONALS.sqrt(Fraction(2))
