from dataclasses import replace

import pytest
import torch

from cfg_equiv.rounding import constants
from cfg_equiv.rounding.constants import FORMATS, RoundingAssumptionError, format_of, self_check


@pytest.mark.parametrize("name", FORMATS)
def test_the_constants_are_those_of_torch(name):
    info, f = torch.finfo(getattr(torch, name)), FORMATS[name]
    assert 2 * f.u == info.eps
    assert f.smallest_normal == info.smallest_normal
    smallest = info.smallest_normal * info.eps
    assert f.eta == (smallest if name == "float64" else smallest / 2)
    assert format_of(getattr(torch, name)) is f


def test_the_machine_rounds_as_assumed():
    self_check()


@pytest.mark.parametrize("name", FORMATS)
def test_a_smaller_unit_roundoff_is_refused(monkeypatch, name):
    monkeypatch.setitem(FORMATS, name, replace(FORMATS[name], u=FORMATS[name].u / 2))
    with pytest.raises(RoundingAssumptionError, match=rf"expected .* in {name} to round within its constant"):
        constants._check_format(name)


def test_a_smaller_constant_of_the_functions_is_refused(monkeypatch):
    monkeypatch.setattr(constants, "LIBM_UNITS", 0.25)
    with pytest.raises(RoundingAssumptionError, match=r"expected log in float32 to round within its constant"):
        constants._check_format("float32")


def test_flush_to_zero_is_noticed():
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormal numbers to zero")
    try:
        with pytest.raises(RoundingAssumptionError, match=r"expected gradual underflow in float32.*set_flush_denormal"):
            constants._check_format("float32")
    finally:
        torch.set_flush_denormal(False)


def test_a_dtype_without_constants_is_one_clear_sentence():
    with pytest.raises(
        ValueError, match=r"expected a dtype with rounding constants \(float64, .*\), got int64; convert"
    ):
        format_of(torch.int64)
