import math

import pytest
import torch

from cfg_equiv.errors import LevelError, MismatchError, ParameterError, UnknownNameError
from cfg_equiv.validation import (
    broadcast,
    level_at,
    per_element,
    require_alike,
    require_latent,
    require_parameterization,
    row_parameters,
)

Z = torch.zeros(2, 3, 4)


def test_numbers_become_tensors_of_the_latents_dtype():
    assert per_element("w", 7.5, Z.half()).dtype == torch.float16
    assert per_element("w", 7, Z).dtype == torch.float32
    one_an_item = torch.ones(2, 1, 1)
    assert per_element("w", one_an_item, Z) is one_an_item


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(4), r"alpha to be a number or to broadcast against shape \(2, 3, 4\) .*: give one level an item as "
                        r"alpha\.reshape\(-1, 1, 1\)"),
        (torch.ones(3, 1, 1), r"got a float32 tensor of shape \(3, 1, 1\)"),
        (torch.ones(()).double(), r"alpha to have the latent's dtype and device .*, got a float64 tensor .*: "
                                  r"use alpha\.to\(z\), or pass a Python float"),
        ("1", r"alpha to be a number or a tensor, got '1': pass a float"),
        (True, r"alpha to be a number or a tensor, got True"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_the_latent(value, message):
    with pytest.raises(MismatchError, match=message):
        per_element("alpha", value, Z)


@pytest.mark.parametrize(
    ("alpha", "sigma", "message"),
    [
        (-0.5, 1.0, r"alpha to be finite and not negative, got -0\.5: check the schedule"),
        (0.5, math.nan, r"sigma to be finite and not negative, got nan"),
        (math.inf, 1.0, r"alpha to be finite and not negative, got inf"),
        (0.0, 0.0, r"alpha or sigma to be positive, got both zero in torch\.float32: z = 0 carries neither"),
        (1e-60, 1e-60, r"both zero in torch\.float32"),  # zero once rounded to the latent's dtype
    ],
)
def test_levels_no_path_has(alpha, sigma, message):
    with pytest.raises(LevelError, match=message):
        level_at(alpha, sigma, Z)


def test_one_bad_item_of_a_batch_is_found():
    with pytest.raises(LevelError, match=r"got -1\.0"):
        level_at(torch.tensor([0.5, -1.0]).reshape(2, 1, 1), 1.0, Z)


def test_the_two_ends_are_levels():
    assert level_at(0, 1, Z).lam == -math.inf
    assert level_at(1, 0, Z).lam == math.inf


@pytest.mark.parametrize("other", [Z[:1], Z.double()])
def test_tensors_that_differ(other):
    with pytest.raises(
        MismatchError, match=r"pred to have the shape, dtype and device of z \(a float32 tensor of shape "
    ):
        require_alike(z=Z, pred=other)


def test_latents_are_float_tensors():
    with pytest.raises(
        MismatchError, match=r"z to be a tensor of floats, got \[1\.0\]: convert it with torch\.as_tensor"
    ):
        require_latent("z", [1.0])
    with pytest.raises(MismatchError, match=r"got a int64 tensor of shape \(1,\)"):
        require_latent("z", torch.tensor([1]))


def test_parameterizations_by_name():
    assert require_parameterization("source", "v") == "v"
    with pytest.raises(UnknownNameError, match=r"a source parameterization out of .*, got 'vv': did you mean 'v'\?"):
        require_parameterization("source", "vv")


def test_row_parameters():
    assert set(row_parameters(("F", "v"), {"sigma_data": 0.5}, Z)) == {"sigma_data"}
    for names, given, message in (
        (("F",), {}, r"sigma_data= for parameterization 'F', got nothing: pass sigma_data of the network"),
        (("velocity",), {"dalpha": 1.0}, r"dsigma= for parameterization 'velocity', got nothing: pass the derivatives"),
        (("F",), {"sigma_data": 0.0}, r"sigma_data to be finite and positive, got 0\.0"),
        (("velocity",), {"dalpha": math.inf, "dsigma": 1.0}, r"dalpha to be finite, got inf"),
        (("v", "eps"), {"sigma_data": 0.5}, r"no parameter for 'v' and 'eps', got sigma_data=: leave it out"),
    ):
        with pytest.raises(ParameterError, match=message):
            row_parameters(names, given, Z)


def test_broadcast():
    assert [x.shape for x in broadcast(torch.zeros(2, 1), torch.zeros(()), torch.zeros(2, 3))] == [(2, 3)] * 3
