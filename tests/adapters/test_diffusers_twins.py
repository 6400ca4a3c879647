"""Which solver a class of diffusers is, by its options; and that the released ones are."""

import re

import pytest

pytest.importorskip("diffusers")

from cfg_equiv.adapters.diffusers_schedulers import SCHEDULERS
from cfg_equiv.adapters.diffusers_twins import TWINS
from cfg_equiv.sweeping.targets import subject
from cfg_equiv.testing.subjects import Twin
from tests.adapters.runs import outcome, status

MULTISTEP = "DPMSolverMultistepScheduler"
SDE = {"algorithm_type": "sde-dpmsolver++"}
NOISE = {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}
OF_OPTIONS = [
    (MULTISTEP, {}, "dpmpp_2m"),
    (MULTISTEP, {"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"}, "dpmpp_2m"),
    (MULTISTEP, {"solver_order": 1, "solver_type": "heun"}, "dpm_solver_pp_1"),
    (MULTISTEP, {**NOISE, "solver_type": "heun"}, "dpm_solver_2m_taylor"),
    (MULTISTEP, {**SDE, "solver_type": "heun"}, "sde_dpmpp_2m_heun"),
    ("EDMDPMSolverMultistepScheduler", SDE, "sde_dpmpp_2m"),
    ("DPMSolverSinglestepScheduler", {}, ""),
    ("DPMSolverSinglestepScheduler", {"solver_order": 1}, "dpm_solver_pp_1"),
    ("DEISMultistepScheduler", {"solver_order": 1}, "dpm_solver_1"),
    ("UniPCMultistepScheduler", {"solver_type": "bh1", "predict_x0": False}, "unipc_bh1_2_eps"),
    ("LMSDiscreteScheduler", {"order": 2}, "lms_2"),
    ("DDIMScheduler", {"eta": 1.0}, "ddim_eta"),
    ("DDPMScheduler", {"variance_type": "fixed_large"}, "ddpm_fixed_large"),
    ("TCDScheduler", {}, ""),
    ("TCDScheduler", {"eta": 0.0}, "ddim_eps"),
    ("EulerDiscreteScheduler", {"s_churn": 0.5}, ""),
    ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}, "renoise"),
    ("LTXEulerAncestralRFScheduler", {"eta": 0.0}, "euler_flow"),
]


@pytest.mark.parametrize(("name", "options", "twin"), OF_OPTIONS)
def test_the_options_that_choose_the_solver_choose_the_twin(name, options, twin):
    declared = subject(f"diffusers:{name}", **options).twin
    assert (declared.solver if declared else "") == twin


def test_a_lower_order_at_the_end_is_not_compared():
    third = "dpmpp_3m_diffusers"
    assert subject(f"diffusers:{MULTISTEP}", solver_order=3).twin == Twin(third, but=1)
    assert subject(f"diffusers:{MULTISTEP}", solver_order=3, lower_order_final=False).twin == Twin(third)
    assert subject(f"diffusers:{MULTISTEP}").twin.but == 0


def test_the_noise_of_a_brownian_path_is_declared():
    brownian = {"CosineDPMSolverMultistepScheduler": "sde_dpmpp_2m", "DPMSolverSDEScheduler": "dpmpp_sde"}
    for name, twin in brownian.items():
        declared = subject(f"diffusers:{name}")
        assert (declared.twin, declared.brownian) == (Twin(twin), True)
    assert not subject(f"diffusers:{MULTISTEP}", **SDE).brownian


def test_a_network_that_the_class_converts_for_another_path_has_no_twin():
    swept = f"diffusers:{MULTISTEP}"
    assert not subject(swept, prediction_type="flow_prediction").twin
    assert subject(swept, prediction_type="flow_prediction", use_flow_sigmas=True).twin == Twin("dpmpp_2m")
    assert subject(swept, prediction_type="v_prediction").twin == Twin("dpmpp_2m")
    assert not subject(swept, prediction_type="v_prediction", use_flow_sigmas=True).twin


def test_the_classes_are_those_with_an_adapter():
    assert TWINS.keys() <= SCHEDULERS.keys()
    assert len(TWINS) >= 25


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (MULTISTEP, SDE),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in (
                (MULTISTEP, {**SDE, "solver_type": "heun"}),
                (MULTISTEP, {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"}),
                (MULTISTEP, {"solver_order": 3}),
                ("DPMSolverMultistepInverseScheduler", {}),
                ("DPMSolverMultistepInverseScheduler", {"solver_order": 1}),
                ("CogVideoXDPMScheduler", {}),
                ("CosineDPMSolverMultistepScheduler", {}),
                ("DDIMScheduler", {"eta": 1.0}),
                ("DDPMScheduler", {"variance_type": "fixed_large"}),
                ("EulerAncestralDiscreteScheduler", {}),
                ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}),
                ("UniPCMultistepScheduler", {"solver_order": 3}),
                ("DEISMultistepScheduler", {"solver_order": 3, "lower_order_final": False}),
            )
        ),
    ],
)
def test_a_released_scheduler_is_its_twin(name, options):
    assert status(subject(f"diffusers:{name}", **options), "twin", 3) == "passed"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            *(MULTISTEP, {**SDE, "solver_order": 3}),
            "sde_dpmpp_3m run over the same levels with.* noise shows the network another latent at call [45]",
        ),
        ("KDPM2AncestralDiscreteScheduler", {}, "dpm_2_ancestral run over the same levels without noise shows"),
    ],
)
def test_what_is_wrong_with_a_released_scheduler_is_found(name, options, message):
    found = outcome(subject(f"diffusers:{name}", **options), "twin", 8)
    assert found.status == "failed"
    assert re.match(message, found.message)
