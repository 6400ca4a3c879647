"""The options of released classes: found in the signature, refused where the library refuses them."""

import pytest
import torch

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.targets import product_of, subject

pytest.importorskip("diffusers", reason="diffusers is not installed")


def test_options_come_from_the_signature_and_the_declared_values():
    values = product_of("diffusers:DPMSolverMultistepScheduler").values
    assert values["algorithm_type"] == ("dpmsolver++", "dpmsolver", "sde-dpmsolver", "sde-dpmsolver++")
    assert values["solver_order"] == (2, 1, 3)
    assert values["use_flow_sigmas"] == (False, True)
    assert values["prediction_type"] == ("epsilon", "sample", "v_prediction", "flow_prediction")
    assert {"trained_betas", "variance_type", "use_dynamic_shifting", "num_train_timesteps"}.isdisjoint(values)


def test_options_of_step_and_fixed_ones_have_their_default_first():
    values = product_of("diffusers:DDIMScheduler").values
    assert values["eta"] == (0.0, 1.0)
    assert values["clip_sample"] == (False, True)  # the adapter's default: a clip is for data within the unit cube


def test_a_run_has_the_network_it_names_and_one_to_compare_it_with():
    assert subject("diffusers:EulerDiscreteScheduler").spaces == ("eps",)
    assert subject("diffusers:EulerDiscreteScheduler", prediction_type="v_prediction").spaces == ("v", "eps")
    edm = "epsilon of a true eps network"
    assert subject("diffusers:EDMEulerScheduler", prediction_type=edm).spaces == ("eps", "F")


def test_options_change_what_is_declared():
    flow = subject("diffusers:DPMSolverMultistepScheduler", use_flow_sigmas=True, solver_order=3)
    assert (flow.state, flow.order, flow.stochastic) == ("flow", 3, False)
    assert flow.name == "DPMSolverMultistepScheduler[solver_order=3,use_flow_sigmas=True]"
    assert subject("diffusers:DDIMScheduler", eta=1.0).stochastic
    assert subject("diffusers:PNDMScheduler", skip_prk_steps=False).steps == (4, 6)
    thresholded = subject("diffusers:DDIMScheduler", thresholding=True)
    assert (thresholded.clip, thresholded.never_exact) == (1.0, "it clips its prediction to a quantile")


def test_what_the_library_refuses_is_known_before_a_run():
    product = product_of("diffusers:EulerDiscreteScheduler")
    options = product.complete({"use_karras_sigmas": True, "use_beta_sigmas": True})
    assert product.rejected(options).startswith("Only one of")
    with pytest.raises(ValueError, match="Only one of"):
        product.make(options)
    assert product.rejected(product.default) == ""


def test_what_the_library_refuses_in_a_step_is_a_refusal_too():
    with pytest.raises(ValueError, match="prediction_type given as flow_prediction must be one of"):
        subject(
            "diffusers:DPMSolverMultistepScheduler",
            prediction_type="flow_prediction",
            algorithm_type="dpmsolver",
            final_sigmas_type="sigma_min",
        )


def test_thresholding_is_shown_images():
    seen = []
    thresholded = subject("diffusers:DDIMScheduler", thresholding=True)
    end = thresholded.run(lambda z, t: seen.append(z.shape) or torch.zeros_like(z), torch.ones(2, 3), 2, "eps")
    assert {*seen, end.shape} == {(2, 3)}


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of("diffusers:EulerDiscreteScheduler")
    assert product.code(product.complete({"s_churn": 0.5, "use_karras_sigmas": True})) == (
        "diffusers.EulerDiscreteScheduler(use_karras_sigmas=True, prediction_type='epsilon')"
        "  # and s_churn=0.5 to step()"
    )


def test_names_that_are_not_there():
    with pytest.raises(UnknownNameError, match="did you mean 'DDIMScheduler'"):
        product_of("diffusers:DDIMSchedular")
    with pytest.raises(UnknownNameError, match="got 'RePaintScheduler': needs an image"):
        product_of("diffusers:RePaintScheduler")


@pytest.mark.slow
def test_every_class_has_options_and_its_defaults_are_accepted():
    from cfg_equiv.sweeping.targets import expand

    targets = expand(["diffusers:*"])
    assert len(targets) > 30
    for target in targets:
        product = product_of(target)
        assert product.rejected(product.default) == "", target
        assert product.make(product.default).name == target.partition(":")[2]
