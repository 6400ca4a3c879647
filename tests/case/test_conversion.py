"""The case of one conversion: its exact value, its bound, and how it prints."""

from dataclasses import replace
from fractions import Fraction

import pytest

from cfg_equiv.case import ConversionCase, Plain
from cfg_equiv.errors import UnknownNameError

V = ConversionCase(
    source="v",
    target="x0",
    dtype="float64",
    shape=(2, 1),
    latent=(0.5, 0.75),
    conditional=(1.0, 1.25),
    level=("3/5", "4/5"),
)


def test_the_case_is_the_conversion_by_hand():
    half = replace(V, level=(0.5, 0.25), latent=(1, 2), conditional=(3, -1))
    scale = Fraction(1, 4) + Fraction(1, 16)
    assert half.exact() == [[(Fraction(z, 2) - Fraction(v, 4)) / scale] for z, v in ((1, 3), (2, -1))]
    assert bool((half.bound() > 0).all())
    assert Plain.from_json(half.to_json()) == half
    assert eval(repr(half)) == half
    assert "weight" not in repr(half)
    with pytest.raises(UnknownNameError, match="expected a parameterization out of"):
        replace(V, target="vee")


def test_a_root_in_a_row_is_enclosed():
    case = replace(V, source="F", target="x0", level=(1, 1), latent=(1, 2), conditional=(1, 2), sigma_data=1)
    # with R = sqrt(2): F = (x0 - eps)/R and z = x0 + eps, so x0 = z (1 + sqrt(2))/2 where z = F
    for z, (x,) in zip((1, 2), case.exact(), strict=True):
        assert abs((2 * x / z - 1) ** 2 - 2) < Fraction(1, 10**50)  # the enclosure has 60 digits
