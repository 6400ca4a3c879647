"""Cases: lossless, readable, pasteable; tensors on access; the exact value and its bound fit together."""

import json
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings

from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.case import DTYPES, Case, GuidanceCase, StepCase, route
from cfg_equiv.errors import MismatchError, ParameterError, SingularEndError, UnknownNameError
from cfg_equiv.rounding import assert_within
from cfg_equiv.strategies import guidance_cases, step_cases
from tests.properties.subject import public_step

GUIDANCE = GuidanceCase(
    source="v",
    dtype="float32",
    shape=(2,),
    weight=7.5,
    latent=(1.0, 2.0),
    conditional=(1.0, -0.25),
    unconditional=(0.0, 0.5),
    level=("3/5", "4/5"),
)
STEP = StepCase(
    sampler="ddim_eps",
    source="x0",
    dtype="float64",
    shape=(2,),
    weight=1.0,
    latent=(3.0, 1.0),
    conditional=(2.0, 1.0),
    unconditional=(0.0, 0.25),
    levels=((0.5, 0.5), (0.75, 0.25)),
)


def test_tensors_are_built_on_access_in_the_dtype():
    assert torch.equal(GUIDANCE.cond, torch.tensor([1.0, -0.25]))
    assert torch.equal(GUIDANCE.uncond, torch.tensor([0.0, 0.5]))
    assert torch.equal(GUIDANCE.z, torch.tensor([1.0, 2.0]))
    assert torch.equal(GUIDANCE.w, torch.tensor(7.5))
    assert torch.equal(GUIDANCE.alpha, torch.tensor(0.6))
    assert torch.equal(GUIDANCE.sigma, torch.tensor(0.8))
    for name, dtype in DTYPES.items():
        case = replace(GUIDANCE, dtype=name)
        assert {x.dtype for x in (case.cond, case.uncond, case.z, case.w, case.alpha, case.sigma)} == {dtype}


def test_by_hand():
    assert GUIDANCE.exact() == [Fraction(15, 2), Fraction(-41, 8)]
    assert STEP.exact() == [Fraction(5, 2), Fraction(1)]  # x0 = 2, z = 3: eps = 4, and 0.75*2 + 0.25*4
    assert replace(STEP, convention="c+w(c-u)").exact()[0] == Fraction(7, 2)  # x0 = 4, eps = 2
    last = ((0.75, 0.25), (1.0, 0.0))
    assert replace(STEP, levels=last).exact() == [2, 1]  # at clean data the step is x0


def test_several_steps_are_a_chain_with_fresh_answers():
    levels = ((0.5, 0.5), (0.75, 0.25), (0.875, 0.125))  # every division is by a power of two
    both = replace(STEP, levels=levels)
    first = tuple(map(float, replace(STEP, levels=levels[:2]).exact()))
    second = replace(STEP, levels=levels[1:], latent=first, conditional=(1.0, 2.0), unconditional=(0.25, 0.0))
    assert torch.equal(both.predict(1)[0], second.cond)
    assert torch.equal(both.predict(2)[1], both.uncond)
    assert both.exact() == second.exact() != replace(both, levels=levels[::2]).exact()
    assert_within(public_step(second), both.exact(), both.bound())


@settings(max_examples=50)
@given(step_cases(), guidance_cases())
def test_repr_and_json_are_lossless(step, guidance):
    for case in (step, guidance):
        assert eval(repr(case)) == case
        assert Case.from_json(case.to_json()) == case
        assert type(case).from_json(case.to_json()) == case
        assert json.loads(case.to_json())["case"] == type(case).__name__


def test_defaults_are_not_printed_and_cases_are_frozen():
    assert "sigma_data" not in repr(GUIDANCE)
    assert "sigma_data=2.0" in repr(replace(GUIDANCE, sigma_data=2.0))
    with pytest.raises(FrozenInstanceError):
        GUIDANCE.weight = 1.0
    assert hash(GUIDANCE) == hash(eval(repr(GUIDANCE)))


@settings(max_examples=50)
@given(step_cases())
def test_the_shipped_step_is_within_the_bound(case):
    assert_within(public_step(case), exact=case.exact(), bound=case.bound())


def test_the_bound_includes_the_width_of_an_enclosure():
    stochastic = replace(STEP, sampler="sde_dpm_solver_pp_1", fresh_noise=(1.0, 2.0))
    assert not stochastic.rational
    assert stochastic.bound().min() > 0
    assert_within(public_step(stochastic), stochastic.exact(), stochastic.bound())
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(public_step(stochastic) * (1 + 2**-40), stochastic.exact(), stochastic.bound())


def test_zero_dimensional_cases():
    scalar = replace(STEP, shape=(), latent=(3.0,), conditional=(2.0,), unconditional=(0.0,))
    assert scalar.exact() == Fraction(5, 2)
    assert_within(public_step(scalar), scalar.exact(), scalar.bound())


def test_where_a_step_has_a_value():
    assert route("ddim_eps", "x0", True, False) == "limit"
    assert route("ddim_x0", "x0", True, False) == "native"
    assert route("ddim_eps", "eps", True, False) == "none"
    assert route("dpm_solver_1", "eps", False, True) == "limit"
    assert {route(name, row, False, False) for name in SAMPLERS for row in ("eps", "x0", "F")} == {"native"}
    with pytest.raises(
        SingularEndError, match="levels at which a step of 'ddim_eps' from 'eps' has a value, got the lev"
    ):
        replace(STEP, source="eps", levels=((0.0, 1.0), (0.75, 0.25))).bound()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"source": "epsilon"}, UnknownNameError, "expected a parameterization out of .*, got 'epsilon'"),
        ({"dtype": "float8"}, UnknownNameError, "expected a dtype out of .*'float8': did you mean"),
        ({"convention": "w"}, UnknownNameError, "expected a guidance convention out of"),
        ({"sampler": "dimm"}, UnknownNameError, "expected a sampler out of .*'dimm'"),
        ({"levels": ((1.0, 0.0),)}, MismatchError, r"expected two levels or more, got 1 level\(s\): a step goes"),
        ({"latent": ()}, MismatchError, r"expected 1 to 2 numbers for shape \(2,\), got 0 numbers in latent: shorten"),
        ({"conditional": (1.0,) * 3}, MismatchError, "got 3 numbers in conditional"),
        ({"sampler": "renoise"}, MismatchError, "got 0 numbers in fresh_noise"),
        ({"weight": float("nan")}, ParameterError, "expected weight to be finite, got nan: leave such values out"),
        ({"weight": torch.tensor(1.0)}, ParameterError, "expected weight in Python numbers, .*, got Tensor: use .item"),
        ({"latent": [1.0, 2.0]}, ParameterError, "expected latent in Python numbers, .*, got list"),
    ],
)
def test_bad_fields_are_one_sentence(changes, error, text):
    with pytest.raises(error, match=text):
        replace(STEP, **changes)


def test_the_names_a_user_imports():
    import cfg_equiv

    assert cfg_equiv.StepCase is StepCase
    assert cfg_equiv.assert_within is assert_within
    assert cfg_equiv.Case.from_json(STEP.to_json()) == STEP


def test_json_of_something_else():
    with pytest.raises(UnknownNameError, match=r"expected a case out of .*StepCase, got None"):
        Case.from_json("{}")


def test_a_short_pattern_is_repeated_and_shifted():
    tiled = replace(GUIDANCE, shape=(2, 3), conditional=(1.0, 2.0), latent=(0.0,), unconditional=(0.0,))
    assert tiled.cond.tolist() == [[1.0, 2.0, 1.0], [1.25, 2.25, 1.25]]
