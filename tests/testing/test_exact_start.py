"""The network of no data: nothing before its stretch and after it, and the closed form solves the equation between."""

import math
from itertools import pairwise

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.ddim import ddim_eps
from cfg_equiv.testing.exact_start import SPAN, START

Z = torch.tensor([-1.5, -0.25, 0.5, 1.25], dtype=torch.float64)


def at(kappa):
    return Point(*(torch.tensor(x, dtype=torch.float64) for x in (1.0, kappa)))


@pytest.mark.parametrize("kappa", [80.0, START.kappa, START.kappa / SPAN, 0.01])
def test_outside_its_stretch_it_predicts_nothing(kappa):
    assert torch.equal(START.x0(Z, at(kappa)), torch.zeros_like(Z))
    assert torch.equal(START.eps(Z, at(kappa)), Z / kappa)


def test_it_has_a_value_at_both_ends():
    noise, data = (Point(*(torch.tensor(x).double() for x in pair)) for pair in ((0.0, 1.0), (1.0, 0.0)))
    assert torch.equal(START.eps(Z, noise), Z)
    assert torch.equal(START.x0(Z, data), torch.zeros_like(Z))
    assert torch.equal(START.eps(Z, data), torch.zeros_like(Z))


def test_inside_it_depends_on_the_latent_and_is_not_linear():
    x0 = START.x0(Z, at(1.0))
    assert x0.unique().numel() == Z.numel()
    assert not torch.equal(START.x0(2 * Z, at(1.0)), 2 * x0)


def test_data_and_noise_make_up_the_latent():
    level = Point(*(torch.tensor(x, dtype=torch.float64) for x in (0.6, 0.8)))
    x0, eps = START.x0(Z, level), START.eps(Z, level)
    off = (level.alpha * x0 + level.sigma * eps - Z).abs()
    assert bool((off <= 4 * torch.finfo(torch.float64).eps * (Z.abs() + x0.abs())).all())


def test_the_closed_form_is_where_ever_finer_steps_go():
    """Euler's error halves with the step: a closed form that is off by a constant would leave one."""
    errors = []
    for n in (500, 1000, 2000):
        levels = [at(16.0 * (1 / 32) ** (k / n)) for k in range(n + 1)]
        z = 16.0 * Z
        for s, t in pairwise(levels):
            z = ddim_eps(torch, z, START.eps(z, s), s, t)
        errors.append(float(START.off(16.0 * Z, levels[0], z, levels[-1]).abs().max()))
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    assert [round(slope) for slope in slopes] == [1, 1]
    assert errors[-1] < errors[0] / 3


def test_before_it_begins_a_step_is_exact():
    levels = [at(80.0), at(9.0)]
    z = ddim_eps(torch, Z, START.eps(Z, levels[0]), *levels)
    assert bool((START.off(Z, levels[0], z, levels[1]).abs() <= 4 * torch.finfo(torch.float64).eps * Z.abs()).all())
