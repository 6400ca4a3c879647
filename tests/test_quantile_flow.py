"""The exact flow of scalar mixtures: against the closed form of one Gaussian, and against the equation it solves."""

from fractions import Fraction

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import MODEL, PROBABILITIES
from cfg_equiv.errors import MismatchError, ParameterError
from cfg_equiv.models import Gaussian, Mixture, point_mass
from cfg_equiv.quantile_flow import deviation, quantiles
from cfg_equiv.rounding import assert_within, calibrated_spread
from cfg_equiv.schedules import on_path

ONE = Mixture(*(torch.tensor([x], dtype=torch.float64) for x in (1.0, 0.5, 0.25)))


def test_of_one_component_it_is_the_flow_of_the_gaussian():
    high, low = on_path(8.0, "vp"), on_path(0.75, "vp")
    allowed = calibrated_spread(lambda _, p: quantiles(ONE, low, p), [PROBABILITIES])
    moved = Gaussian(ONE.means, ONE.variances).flow(quantiles(ONE, high, PROBABILITIES), high, low)
    assert_within(moved, allowed.result, allowed.bound)
    wrong = Gaussian(ONE.means, 2 * ONE.variances).flow(quantiles(ONE, high, PROBABILITIES), high, low)
    with pytest.raises(AssertionError, match="outside"):
        assert_within(wrong, allowed.result, allowed.bound)


def slope_gap(model, kappa, h):
    """How far the difference quotient of the trajectories is from the equation, dz/dkappa = eps on the VE path."""
    here, before, after = (Point(1.0, kappa + step) for step in (0, -h, h))
    quotient = (quantiles(MODEL, after, PROBABILITIES) - quantiles(MODEL, before, PROBABILITIES)) / (2 * h)
    return (quotient - model.eps(quantiles(MODEL, here, PROBABILITIES), here)).abs().max().item()


@pytest.mark.parametrize("kappa", [0.25, 1.0, 8.0])
def test_of_a_mixture_it_solves_the_probability_flow_equation(kappa):
    def decay(model):
        return slope_gap(model, kappa, kappa / 64) / slope_gap(model, kappa, kappa / 128)

    assert round(decay(MODEL)) == 4  # what a central difference leaves is of second order
    assert round(decay(ONE)) == 1


def test_latents_are_in_the_order_of_their_probabilities():
    latents = quantiles(MODEL, Point(1.0, 1.0), PROBABILITIES)
    assert (latents.diff() > 0).all()
    assert len(latents) >= 8


def test_the_deviation_is_that_of_the_data():
    assert deviation(ONE) == 0.5
    tables = (MODEL.weights, MODEL.means, MODEL.variances)
    weights, means, variances = ([Fraction(x) for x in table.tolist()] for table in tables)
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    square = sum(w * (m * m + v) for w, m, v in zip(weights, means, variances, strict=True))
    # Two sums of that many terms, three products in each, a difference and a root, whose square doubles it.
    roundings = 2 * len(weights) + 3 + 3 + 2 + 2
    allowed = roundings * Fraction(1, 2**53) * (square + mean * mean)
    assert abs(Fraction(deviation(MODEL)) ** 2 - (square - mean * mean)) <= allowed


def test_other_data_and_other_probabilities_are_named():
    pair = Mixture(MODEL.weights, MODEL.means[:, None].expand(3, 2), MODEL.variances[:, None].expand(3, 2))
    with pytest.raises(
        MismatchError, match=r"a Mixture of scalars, means of shape \(K,\), got means of shape \(3, 2\)"
    ):
        deviation(pair)
    with pytest.raises(MismatchError, match="got Gaussian: its exact flow is known in one dimension only"):
        quantiles(point_mass(MODEL.means), Point(1.0, 1.0), PROBABILITIES)
    with pytest.raises(ParameterError, match=r"between 0 and 1, got \[0.5, 1.0\]: leave the ends out"):
        quantiles(MODEL, Point(1.0, 1.0), torch.tensor([0.5, 1.0]))
