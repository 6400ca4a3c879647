"""What released libraries do right stays green; and what looks like a fault, and has an explanation, is not called one.

One denoiser is written in every parameterization that a class accepts, behind every wrapper; rules commute; times stand
for their levels. Of a solver that is right, the order is looked at where it tends to be misread.
"""

import math

import pytest

pytest.importorskip("diffusers")

import torch

from cfg_equiv.adapters.k_diffusion import OTHER_WRAPPERS, SAMPLERS
from cfg_equiv.algebra.points import Point
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.schedules import RectifiedFlow, VPCosine
from cfg_equiv.solving import solve
from cfg_equiv.sweeping.targets import subject
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.subjects import Sampler
from cfg_equiv.testing.targets import resolve
from tests.adapters.runs import outcome, status
from tests.faults.drawn import drawn

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Should have t")]  # torchsde, below its interval
HOLDS = ("passed", "not_applicable")

CLEAN = {  # classes of diffusers, and option values at which all their parameterizations are one
    "DDIMScheduler": ({"timestep_spacing": "leading"}, {"eta": 1.0}),
    "DDPMScheduler": ({}, {"variance_type": "fixed_large"}),
    "DPMSolverMultistepScheduler": ({"solver_order": 1}, {}, {"algorithm_type": "sde-dpmsolver++"}),
    "DPMSolverSinglestepScheduler": ({"solver_order": 1}, {}),
    "DEISMultistepScheduler": ({},),
    "UniPCMultistepScheduler": ({}, {"solver_type": "bh2", "solver_order": 3}),
    "SASolverScheduler": ({"algorithm_type": "data_prediction"},),
    "HeunDiscreteScheduler": ({},),
    "LMSDiscreteScheduler": ({},),
    "KDPM2DiscreteScheduler": ({},),
    "LCMScheduler": ({},),
    "TCDScheduler": ({},),
}
OTHERS = ("sample", "v_prediction")  # each beside eps
NOT_DECLARED = {("KDPM2DiscreteScheduler", "sample")}  # refused by the library


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(name, options, id=f"{name}{options or ''}") for name, rows in CLEAN.items() for options in rows],
)
def test_a_scheduler_is_one_map_in_every_parameterization(name, options):
    for other in OTHERS:
        if (name, other) not in NOT_DECLARED:
            made = subject(f"diffusers:{name}", prediction_type=other, **options)
            assert len(made.spaces) == 2
            assert outcome(made, "eq", 2).status == "passed", str(made)
    assert status(subject(f"diffusers:{name}", **options), "sch_time", 2) in HOLDS


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_is_one_map_behind_every_other_wrapper(name):
    if absent := [each for each in LAYERS_NEED if installed(each) is None]:
        pytest.skip(f"not installed: {', '.join(absent)}")
    for wrappers in OTHER_WRAPPERS:
        made = subject(f"k_diffusion:{name}", **wrappers)
        assert made.spaces == ("x0", "eps", "v", "F")
        assert outcome(made, "eq", 1).status == "passed", str(made)


RULES = (
    "ClassifierFreeGuidance",
    "AutoGuidance",
    "SkipLayerGuidance",
    "PerturbedAttentionGuidance",
    "SmoothedEnergyGuidance",
    "AdaptiveProjectedGuidance",
)
BENT = ("guidance_rescale", "momentum", "eta=0", "rescale=1", "]norm")  # options with which a rule does not commute


@pytest.mark.parametrize("name", RULES)
def test_a_rule_commutes_in_both_conventions(name):
    straight = [s for s in resolve(f"diffusers.guiders:{name}") if not any(option in str(s) for option in BENT)]
    assert {s.convention for s in straight} == {"u+w(c-u)", "c+w(c-u)"}
    for rule in straight:
        checks = ("cfg_translation", "cfg_scale", "cfg_sign")
        assert [status(rule, check, 4) for check in checks] == ["passed"] * 3, str(rule)


def test_conversions_are_exact():
    pytest.importorskip("flow_matching")
    assert status(*resolve("flow_matching:AffineProbPath"), "rt", 4) == "passed"


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "EulerDiscreteScheduler"])
def test_a_level_without_data_that_is_clamped_is_finite(name):
    clamped = subject(f"diffusers:{name}", rescale_betas_zero_snr=True, timestep_spacing="trailing")
    assert status(clamped, "nan", 8) == "passed"


# What is explained.


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "EulerDiscreteScheduler"])
def test_digits_that_eps_loses_where_alpha_is_small_are_no_difference(name):
    """The table ends at sigma/alpha of 2e4: so many ulps of eps are one of the data."""
    made = subject(f"diffusers:{name}", prediction_type="sample", beta_schedule="squaredcos_cap_v2")
    assert status(made, "eq", 8) in HOLDS


def karras(steps, last):
    """Variance preserving levels from sigma/alpha of 10 to 0.1, and 0 if ``last`` says so."""
    ends = 10.0 ** (1 / 7), 0.1 ** (1 / 7)
    kappas = [(ends[0] + k / (steps - 1) * (ends[1] - ends[0])) ** 7 for k in range(steps)]
    return [point(1 / math.sqrt(1 + k * k), k / math.sqrt(1 + k * k)) for k in (*kappas, *((0.0,) if last else ()))]


def point(*coordinates):
    return Point(*(torch.tensor(x, dtype=torch.float64) for x in coordinates))


def catalogue(name, levels, order, path="vp"):
    """A solver of the catalogue as a sampler, from a cold start."""

    def run(model, z, steps, space):
        points = levels(steps)
        return solve(name, model, points[0].sigma * z, points, source=space, path=path, allow_short=True)

    return Sampler(run, lambda at: (at.alpha, at.sigma), ("x0",), state=path, order=order, name=name, steps=(2, 6))


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("check", ["ord", "history"])
def test_a_right_third_order_is_none_too_low_wherever_the_run_ends(check, last):
    assert status(catalogue("dpmpp_3m_corrected", lambda steps: karras(steps, last), 3), check, 1) == "passed"


def test_beside_it_the_stock_one_is_of_second_order():
    record = outcome(catalogue("dpmpp_3m", lambda steps: karras(steps, True), 3), "history", 1)
    assert record.message.startswith("order 3 is claimed, ")


@pytest.mark.parametrize(
    ("name", "order", "levels", "path", "check"),
    [
        ("lms_4", 4, VPCosine(), "vp", "ord"),
        ("dpmpp_3m_corrected", 3, RectifiedFlow(), "flow", "ord"),
        ("dpmpp_3m_corrected", 3, RectifiedFlow(), "flow", "history"),
    ],
)
def test_a_start_of_first_order_is_not_the_order(name, order, levels, path, check):
    """The first step of a multistep method is Euler's, and long where levels are even in time."""
    cold = catalogue(name, lambda steps: [levels(31 / 32 * (1 - k / steps)) for k in range(steps)], order, path)
    assert status(cold, check, 1) in HOLDS


def test_more_than_the_claim_is_no_fault():
    """The midpoint rule gains an order on some data."""
    assert status(catalogue("dpm_2", lambda steps: karras(steps, True), 1), "ord", 1) == "passed"


def test_strong_guidance_is_ill_conditioned_and_no_difference():
    (eq,) = (check for check in CHECKS if check.name == "eq")
    made = subject("diffusers:DPMSolverMultistepScheduler", prediction_type="v_prediction")
    outcomes = [
        eq(made, RunCase(dtype="float32", network=name, weight=30, steps=6)) for name in ("gaussian", "mixture")
    ]
    assert None in outcomes


def test_a_gap_between_the_branches_shows_in_every_case_that_counts():
    """A rule that is handed two equal predictions commutes, whatever it does."""
    rule = next(s for s in resolve("diffusers.guiders:ClassifierFreeGuidance") if "guidance_rescale" in str(s))
    (check,) = (check for check in CHECKS if check.name == "cfg_translation")
    cases = drawn(check, rule, 0, 40)
    gaps = [float((case.cond - case.uncond).abs().max()) for case in cases]
    assert min(gap for gap in gaps if gap) >= 1 / 4
    same = next((case for case, gap in zip(cases, gaps, strict=True) if gap == 0), None)
    assert same is None or check(rule, same) == "the two predictions are equal"
