"""ORD: the message, the exact flow it compares with, and what does not apply."""

from dataclasses import replace

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.convergence import MODEL
from cfg_equiv.quantile_flow import quantiles
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.order import LATENTS, REACH, exact_latent
from cfg_equiv.testing.failure import CheckFailure
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="scalars", shape=(2, 6), steps=320, weight=1, reach=REACH, latent=LATENTS[0])


@pytest.mark.slow  # the default tier has the same sampler among the faults
def test_the_message_has_claim_slopes_and_errors():
    subject = entry("sampler.HistoryTwice")
    with pytest.raises(CheckFailure, match=r"order 2 is claimed, 0.\d\d and 0.\d\d are the last slopes: errors"):
        check_for(subject, "ord")(subject, CASE)


def test_the_exact_latent_keeps_its_probability():
    s, t = (Point(*(torch.tensor(x, dtype=torch.float64) for x in pair)) for pair in ((0.1, 2.0), (0.8, 0.6)))
    p = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    start, end = (quantiles(MODEL, Point(at.alpha * REACH, at.sigma), p) for at in (s, t))
    found = exact_latent(start, s, t, REACH)
    # the quantile of a quantile's probability: an ulp of each, over a density that is not small there
    assert float((found - end).abs().max()) < torch.finfo(torch.float64).eps * 2**6
    assert exact_latent(torch.tensor([1e9], dtype=torch.float64), s, t, REACH) is None


def test_what_does_not_apply_says_why():
    noisy, clipped = entry("sampler.Ancestral"), entry("sampler.Clipped")
    declared = replace(entry("sampler.Euler"), never_exact="it follows a tolerance")
    assert check_for(noisy, "ord").inapplicable(noisy) == "it draws noise: MOM looks at its limit"
    assert check_for(clipped, "ord").inapplicable(clipped) == "a clip is no part of the flow"
    assert check_for(declared, "ord").inapplicable(declared) == "it follows a tolerance"
