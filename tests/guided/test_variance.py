"""The Gaussian numbers of guidance, measured: exact in the steps, statistical in the samples."""

import math
from dataclasses import replace
from functools import cache

import pytest

from cfg_equiv.algebra.guided_gaussian import tilted_variance
from cfg_equiv.errors import ParameterError
from cfg_equiv.guided.record import SIGNIFICANCE
from cfg_equiv.guided.variance import COND, UNCOND, closed_form, two_sided_chi_squared, variance_runs


@cache
def runs():
    found = variance_runs(etas=(0.0, 0.5, 1.0), steps=(40, 80, 160), samples=2000)
    return {(run.weight, run.eta): run for run in found}


def approaches(run):
    """Whether the steps converge to the closed form: both slopes nearer to order one than to none."""
    return all(math.log2(a / b) > 1 / 2 for a, b in zip(run.errors, run.errors[1:], strict=False))


def test_the_numbers():
    assert closed_form(3, 0) == 1 / 64
    assert closed_form(3, 1) == 341 / 5120
    assert [closed_form(1, eta) for eta in (0, 0.5, 1)] == [0.25] * 3
    assert closed_form(0, 0.5) == 1
    assert closed_form(3, 0.5) is None
    assert closed_form(2, 1) is None


@pytest.mark.parametrize("key", [(1, 0.0), (1, 0.5), (1, 1.0), (3, 0.0), (3, 1.0)])
def test_the_steps_converge_to_the_closed_form(key):
    assert approaches(runs()[key])


def test_they_do_not_converge_to_the_tilted_density():
    tilted = float(tilted_variance(COND, UNCOND, 3))
    for eta in (0.0, 1.0):
        assert not approaches(replace(runs()[3, eta], closed_form=tilted))
    assert runs()[3, 0.5].errors == ()


def test_without_guidance_churn_does_not_matter_with_it_does():
    plain, guided = ([runs()[w, eta] for eta in (0.0, 0.5, 1.0)] for w in (1, 3))
    assert len({run.closed_form for run in plain}) == 1
    ode, between, sde = (run.propagated[-1] for run in guided)
    assert ode < between < sde
    assert sde - ode > sum(run.errors[-1] for run in (guided[0], guided[2]))


def test_samples_have_the_variance_of_their_steps():
    assert all(run.consistent for run in runs().values())


def test_the_test_of_samples_sees_another_variance():
    run = runs()[3, 1.0]
    for factor in (2 / 3, 3 / 2):
        value = run.samples * run.measured * factor / run.propagated[-1]
        wrong = replace(run, p_value=two_sided_chi_squared(value, run.samples))
        assert not wrong.consistent
        assert wrong.p_value < SIGNIFICANCE


def test_chi_squared_with_two_degrees_is_an_exponential():
    median = 2 * math.log(2)
    assert two_sided_chi_squared(median, 2) > max(two_sided_chi_squared(median * f, 2) for f in (0.9, 1.1))
    assert two_sided_chi_squared(0.0, 2) == 0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"weights": (1.5,)}, "expected integer weights, got 1.5: the closed forms are powers"),
        ({"weights": ()}, "0 weights"),
        ({"steps": (1, 2)}, "steps (1, 2) and 4000 samples: give more"),
        ({"samples": 1}, "1 samples: give more"),
        ({"etas": (2.0,)}, "eta in [0, 1]"),
    ],
)
def test_bad_input_is_named(given, text):
    with pytest.raises(ParameterError) as caught:
        variance_runs(**given)
    assert text in str(caught.value)
