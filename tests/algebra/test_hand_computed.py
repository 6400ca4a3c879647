"""Anchors: every guidance rule, and what theorems cannot pin down, at points computed by hand.

A rule that commutes with conversion stays commuting when one of its signs is changed; only a number can tell.
"""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.convert import amplification
from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans, weight_off_at_one, weight_off_at_zero
from cfg_equiv.algebra.guidance.composable import composable, weighted_sum
from cfg_equiv.algebra.guidance.instruct_pix2pix import instruct_pix2pix
from cfg_equiv.algebra.guidance.interval import interval_weight
from cfg_equiv.algebra.guidance.learned_variance import guide_all_channels, guide_mean_channels
from cfg_equiv.algebra.guidance.nonlinear import (
    difference_rule,
    norm_cap,
    projected_guidance,
    static_clip,
    std_rescale,
    zero_init,
)
from cfg_equiv.algebra.guided_gaussian import guided_ode_variance, guided_rate, guided_sde_variance_w3, tilted_variance
from cfg_equiv.algebra.points import Point, Row
from cfg_equiv.algebra.samplers.renoise import family_step
from cfg_equiv.exact.rational import RATIONAL, vector


def test_guidance_in_both_conventions():
    assert cfg(5, 2, 3) == 2 + 3 * 3
    assert cfg_from_cond(5, 2, 3) == 5 + 3 * 3
    assert cfg_ho_salimans(5, 2, 3) == 4 * 5 - 3 * 2
    assert weight_off_at_one(3) == 4
    assert weight_off_at_zero(3) == 2


def test_several_conditions():
    assert composable((5, 11), 2, (3, -1)) == 2 + 3 * 3 - 1 * 9
    assert weighted_sum((5, 7, 11), (2, 3, -1)) == 10 + 21 - 11
    assert instruct_pix2pix(text_image=13, image=5, uncond=2, w_text=3, w_image=7) == 2 + 7 * 3 + 3 * 8
    for rule in (composable, weighted_sum):
        arguments = ((1, 2), 0, (1,)) if rule is composable else ((1, 2), (1,))
        with pytest.raises(ValueError, match="argument"):
            rule(*arguments)


@pytest.mark.parametrize(("lam", "weight"), [(-1, 1), (0, 7), (1, 7), (2, 1), (3, 1)])
def test_the_interval_is_closed_below_and_open_above(lam, weight):
    assert interval_weight(7, lam, 0, 2) == weight
    assert interval_weight(7, 5, 0, 2, 0) == 0


def test_variance_channels():
    def rule(c, u):
        return cfg(c, u, 3)

    assert guide_mean_channels(rule, [5, 6, 7], [2, 2, 2], 1) == [11, 6, 7]
    assert guide_mean_channels(rule, [5, 6, 7], [2, 2, 2], 2) == [11, 14, 7]
    assert guide_all_channels(rule, [5, 6, 7], [2, 2, 2], 1) == [11, 14, 17]


def test_std_rescale():
    # std(2, 0) = sqrt 2, std(6, 2) = 2 sqrt 2: the ratio is 1/2; half of it: 1/2 * 1/2 + 1/2 = 3/4
    assert std_rescale(RATIONAL, vector(2, 0), vector(6, 2), F(1, 2)) == vector("9/2", "3/2")


def test_clip_and_zero():
    assert static_clip(RATIONAL, vector(-3, 1, 3), 2) == vector(-2, 1, 2)
    assert zero_init(RATIONAL, vector(3, 4)) == vector(0, 0)


def test_projection():
    # c = (2, 0), u = (1, -1): d = (1, 1), parallel (1, 0), orthogonal (0, 1); w - 1 = 2, eta = 1/4
    assert projected_guidance(RATIONAL, vector(2, 0), vector(1, -1), 3, F(1, 4)) == vector("5/2", 2)


def test_norm_cap():
    # d = (3, 4), norm 5, radius 10/3: scaled by 2/3; w - 1 = 3
    assert norm_cap(RATIONAL, vector(4, 4), vector(1, 0), 4, F(10, 3)) == vector(10, 12)
    assert norm_cap(RATIONAL, vector(4, 4), vector(1, 0), 4, 50) == vector(13, 16)


def test_difference_rule():
    assert difference_rule(lambda d: 3 * d, 5, 2) == 11


def test_gaussians_under_guidance():
    assert guided_rate(F(1, 4), 1, 3, F(1, 4)) == F(3) / F(1, 2) - F(2) / F(5, 4)
    assert tilted_variance(F(1, 4), F(1), 3) == F(1, 10)
    assert guided_ode_variance(F(1, 4), F(1), 3) == F(1, 64)
    assert guided_ode_variance(F(1, 4), F(1), 3, F(3, 4)) == F(16, 49)
    assert guided_sde_variance_w3(F(1, 4), F(1)) == F(341, 5120)
    assert guided_sde_variance_w3(F(2), F(2)) == 2


def test_family_member():
    assert family_step(x0=3, eps=5, t=Point(2, 7), noise=11, rho=13, rest=17) == 2 * 3 + 7 * (13 * 5 + 17 * 11)


def test_amplification():
    assert amplification(Point(F(3), F(4)), Row(0, 1), Row(1, 0)) == F(-4, 3)
