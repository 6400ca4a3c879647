"""The released samplers under the checks of exact trajectories, levels, orders and moments."""

import re
from dataclasses import replace

import pytest

pytest.importorskip("diffusers")

from cfg_equiv.adapters import diffusers, k_diffusion
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from tests.adapters.runs import outcome, status

MISSING = [name for name in LAYERS_NEED if installed(name) is None]
with_k_diffusion = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def named(name):
    (subject,) = [s for s in diffusers.subjects(name.partition("[")[0]) if str(s) == name]
    return subject


@pytest.mark.parametrize("check", ["x0", "sch", "twin"])
@pytest.mark.parametrize("name", ["DDIMScheduler", "DPMSolverMultistepScheduler"])
def test_a_right_scheduler_passes(name, check):
    assert status(named(name), check, 2) == "passed"


@with_k_diffusion
@pytest.mark.parametrize("check", ["x0", "sch", "twin"])
def test_a_right_sampler_passes(check):
    assert status(k_diffusion.subjects("sample_dpmpp_2m")[0], check, 2) == "passed"


@pytest.mark.parametrize(
    ("name", "check", "message"),
    [
        ("DDIMScheduler[timestep_spacing=trailing]", "sch", r"the latent of network call \d is at alpha"),
        ("IPNDMScheduler", "x0", "data at one point: the final latent is at alpha = 0, sigma = 0"),
        pytest.param(
            *("EDMDPMSolverMultistepScheduler[solver_order=3]", "history", "order 3 is claimed, "),
            marks=pytest.mark.slow,
        ),
        ("DPMSolverMultistepInverseScheduler[use_flow_sigmas=True]", "x0", "data at one point: the end is at alpha"),
    ],
)
def test_what_is_wrong_with_a_released_scheduler_is_found(name, check, message):
    found = outcome(named(name), check, 5)
    assert found.status == "failed"
    assert re.match(message, found.message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("UniPCMultistepScheduler[use_flow_sigmas=True]", "ord"),  # six digits lost at the start: rounding, no order
        ("DPMSolverSinglestepScheduler[solver_order=3]", "ord"),
        ("EDMEulerScheduler[s_churn=0.5]", "mom"),
    ],
)
def test_what_only_looks_like_a_lower_order_is_not_called_wrong(name, check):
    assert status(named(name), check, 1) in ("passed", "not_applicable")


def test_a_wrong_number_of_network_calls_is_found():
    for name in ("DDIMScheduler", "HeunDiscreteScheduler", "DDPMScheduler"):
        right = named(name)
        assert status(right, "sch", 3) == "passed"
        wrong = replace(right, evaluations=lambda steps: 2 * steps)
        assert outcome(wrong, "sch", 3).message.startswith("the network is called")


def test_an_order_that_an_option_sets_is_the_claim():
    assert named("LMSDiscreteScheduler[order=2]").order == 2
    assert named("PNDMScheduler").order == 2  # whatever the length of its history
    assert named("LCMScheduler").never_exact
    assert named("FlowMatchEulerDiscreteScheduler[stochastic_sampling=True]").never_exact
    assert not named("DDIMScheduler").never_exact


@with_k_diffusion
@pytest.mark.slow
@pytest.mark.parametrize("name", k_diffusion.SAMPLERS)
def test_every_sampler_is_exact_on_a_point_and_at_its_levels(name):
    red = {
        (str(s), check)
        for s in k_diffusion.subjects(name)
        for check in ("x0", "sch", "twin")
        if status(s, check, 3) in ("failed", "error")
    }
    assert red == set()


@with_k_diffusion
@pytest.mark.slow
def test_ancestral_noise_has_the_right_moments():
    assert status(k_diffusion.subjects("sample_euler_ancestral")[0], "mom", 2) == "passed"
    assert status(named("DDIMScheduler[eta=1.0]"), "mom", 2) == "passed"
