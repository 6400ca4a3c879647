"""The network of a sampler under test: what a rerun moves when it moves the data."""

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.rounding.constants import FORMATS
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import PARAMETERS, Network
from cfg_equiv.testing.subjects import Sampler

CASE = RunCase(reach=2)
SHIFT = 0.25


def shifted(x):
    return x + SHIFT


def handed(space, at, nudge=lambda x: x, data=False):
    subject = Sampler(lambda *run: CASE.z, lambda t: t, (space,), state="free")
    return Network(subject, CASE, space, nudge, data)(CASE.z, at)


@pytest.mark.parametrize("space", PARAMETERIZATIONS)
@pytest.mark.parametrize("at", [(0.8, 0.6), (1.0, 40.0), (0.5, 0.02)])
def test_moved_data_are_what_the_moved_prediction_stands_for(space, at):
    level = Point(*(torch.tensor(x, dtype=torch.float64) for x in at))
    before, after = handed(space, at), handed(space, at, shifted, data=True)
    x0, moved = (to_space(torch, CASE.z, each, level, space, "x0", **PARAMETERS) for each in (before, after))
    # Each prediction is rounded once, and read with what the row is divided by: a few roundings of the largest term.
    unit = SHIFT / (after - before).abs().amax()
    rounding = (
        16 * FORMATS["float64"].u * (1 + x0.abs().amax() + unit * (before.abs().amax() + CASE.z.abs().amax() / at[1]))
    )
    assert bool(((moved - x0 - SHIFT).abs() <= rounding).all())
    assert not torch.equal(handed(space, at, shifted), after)  # the latent that is seen, and the prediction itself


def test_without_noise_the_data_are_the_latent_and_a_noise_prediction_does_not_hold_them():
    at = (1.0, 0.0)
    assert torch.equal(handed("x0", at, shifted, data=True), handed("x0", at) + SHIFT)
    assert torch.equal(handed("eps", at, shifted, data=True), handed("eps", at))
