import itertools

import pytest
import torch

from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from, to_space
from cfg_equiv.rounding import assert_within, calibrated_spread
from cfg_equiv.rounding.rerun import FACTOR, RERUNS

STEPS = 10


def trajectory(dtype, row, wrong=0.0):
    """DDIM on the exact denoiser of a Gaussian, as any row; ``wrong`` is a relative error of the last alpha."""
    lam = torch.linspace(-4, 4, STEPS + 1, dtype=torch.float64)
    alpha, sigma = (torch.sigmoid(sign * 2 * lam).sqrt().to(dtype) for sign in (1, -1))

    def run(nudge, z):
        levels = [point(torch, a, s) for a, s in zip(alpha.to(z.dtype), sigma.to(z.dtype), strict=True)]
        for i, (s, t) in enumerate(itertools.pairwise(levels)):
            x0 = 0.5 + s.alpha * (z - s.alpha * 0.5) / (s.alpha * s.alpha + 4 * s.sigma * s.sigma)
            t = t._replace(alpha=t.alpha * (1 + wrong)) if i == STEPS - 1 else t
            pred = nudge(to_space(torch, z, x0, s, "x0", row))
            z = step_from(torch, SAMPLERS["ddim_x0"], row, z, pred, s, t)
        return z

    return run


@pytest.mark.parametrize("row", ["eps", "v"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_correct_trajectory_is_within_and_a_wrong_one_is_not(dtype, row):
    z = torch.linspace(-2, 2, 16).to(dtype)
    run = trajectory(dtype, row)
    spread = calibrated_spread(run, [z])
    assert not spread.vacuous
    assert spread.reruns == RERUNS
    assert spread.nudged == STEPS + 1
    assert torch.equal(spread.result, run(lambda x: x, z))
    assert_within(spread.result, run(lambda x: x, z.double()), spread.bound)
    wrong = trajectory(dtype, row, wrong=2 * FACTOR * float(spread.bound.max()))
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(wrong(lambda x: x, z), run(lambda x: x, z.double()), spread.bound)


def test_the_spread_grows_with_the_amplification():
    x = torch.ones(8)
    small, large = (calibrated_spread(lambda nudge, x, m=m: m * x - m + 1, [x]) for m in (1.0, 1000.0))
    assert float(large.bound.min()) > 100 * float(small.bound.max())


def test_a_point_that_attracts_everything_keeps_the_rounding_of_its_own():
    spread = calibrated_spread(lambda nudge, x: 0 * x + 3, [torch.ones(2)])
    assert spread.bound.tolist() == [FACTOR * 3 * 2.0**-24] * 2


def test_inputs_and_the_global_generator_are_left_alone():
    x, state = torch.ones(3), torch.get_rng_state()
    calibrated_spread(lambda nudge, x: x.mul_(2), [x])
    assert x.tolist() == [1, 1, 1]
    assert torch.equal(torch.get_rng_state(), state)


def test_an_infinite_result_is_vacuous():
    assert calibrated_spread(lambda nudge, x: x / 0, [torch.ones(2)]).vacuous


@pytest.mark.parametrize("size", [0.0, 0.1, 0.5, 0.9, 1.1, 10.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_who_stops_at_the_first_rerun_that_is_enough_gets_the_verdict_of_all(dtype, size):
    z = torch.linspace(-2, 2, 16).to(dtype)
    run, seen = trajectory(dtype, "v"), []
    whole = calibrated_spread(run, [z])
    difference = size * whole.bound  # as far as that is off, or further

    def enough(found):
        seen.append(found)
        return bool((difference <= found.bound).all())

    first = calibrated_spread(run, [z], enough=enough)
    assert bool((difference <= first.bound).all()) == (size <= 1)
    assert [found.reruns for found in seen] == list(range(1, first.reruns + 1))
    assert all(bool((a.bound <= b.bound).all()) for a, b in itertools.pairwise([*seen, whole]))
    assert size > 0 or first.reruns == 1
    if size > 1:
        assert first.reruns == RERUNS
        assert torch.equal(first.bound, whole.bound)


def test_where_one_ulp_changes_the_shape_the_spread_is_infinite():
    found = calibrated_spread(lambda nudge, x: x[x >= 1], [torch.ones(8)])
    assert found.vacuous
    assert found.bound.shape == (8,)


def test_bad_runs_are_one_clear_sentence():
    with pytest.raises(ValueError, match="expected a deterministic run, got two results from the same inputs"):
        calibrated_spread(lambda nudge, x: x + torch.rand(2), [torch.ones(2)])
    with pytest.raises(TypeError, match="expected run to return one floating-point tensor, got tuple"):
        calibrated_spread(lambda nudge, x: (x, x), [torch.ones(2)])
    with pytest.raises(ValueError, match="expected something to perturb, got no floating-point input"):
        calibrated_spread(lambda nudge, n: n.double(), [torch.arange(3)])
