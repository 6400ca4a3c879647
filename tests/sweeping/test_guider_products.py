import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed")

from cfg_equiv.adapters.diffusers_guiders import GUIDERS, NEEDS
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.guider_products import BOTH, FURTHER, names
from cfg_equiv.sweeping.targets import expand, product_of, subject
from tests.adapters.runs import status

SKIP = "diffusers.guiders:SkipLayerGuidance"
APG = "diffusers.guiders:AdaptiveProjectedGuidance"


def guided(made, w, cond=3.0, uncond=1.0):
    """The rule on numbers: every element of the predictions is the same, but for a sign that keeps them apart."""
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(2, 8).reshape(2, 1, 4, 4)
    return made.combine(cond * signs, uncond * signs, w)[0, 0, 0, 0].item()


def test_a_star_is_every_guider_whose_needs_are_there():
    targets = expand(["diffusers.guiders:*"])
    assert targets == [f"diffusers.guiders:{name}" for name in names()]
    assert GUIDERS.keys() - NEEDS.keys() <= set(names()) <= GUIDERS.keys()


def test_options_come_from_the_signature_with_the_librarys_default_first():
    values = product_of(APG).values
    assert values["use_original_formulation"] == (False, True)
    assert values["adaptive_projected_guidance_momentum"] == (None, -0.5)
    assert values["eta"] == (1.0, 0.5, 0.0)
    assert product_of("diffusers.guiders:AdaptiveProjectedMixGuidance").values["eta"][0] == 0.0
    assert {"enabled", "guidance_scale", "branches"}.isdisjoint(values)


def test_options_change_what_is_declared():
    assert subject(SKIP).convention == "u+w(c-u)"
    assert subject(SKIP, use_original_formulation=True).convention == "c+w(c-u)"
    assert subject("diffusers.guiders:LTX2Guidance", branches="spatio-temporal").convention == "c+w(c-u)"
    assert subject("diffusers.guiders:TangentialClassifierFreeGuidance").dtypes == ("float32",)
    named = subject(APG, eta=0.0, adaptive_projected_guidance_rescale=1.0)
    assert named.name == "AdaptiveProjectedGuidance[rescale=1.0,eta=0.0]"


@pytest.mark.parametrize("name", FURTHER)
def test_the_weight_is_that_of_the_branches_together(name):
    """c + (w-1)(c-u) out of whichever branches: 3 + 3*2 at w = 4; as c + w(c-u) it is 3 + 4*2."""
    for branch in FURTHER[name]:
        made = subject(f"diffusers.guiders:{name}", branches=branch)
        assert guided(made, 4.0) == {"u+w(c-u)": 9.0, "c+w(c-u)": 11.0}[made.convention], branch
    assert product_of(f"diffusers.guiders:{name}").default["branches"] == "guidance"


def test_the_scale_that_starts_later_is_the_weight_from_its_step_on():
    mix = "diffusers.guiders:AdaptiveProjectedMixGuidance"
    made = subject(mix, adaptive_projected_guidance_start_step=0, eta=1.0, adaptive_projected_guidance_rescale=0.0)
    # A projection taken apart and put together: two sums over 16 numbers, a root and a quotient, a rounding each.
    assert abs(guided(made, 4.0) - 9.0) <= 2 * (16 + 2) * torch.finfo(torch.float64).eps * 9.0
    code = product_of(mix).code({**product_of(mix).default, "adaptive_projected_guidance_start_step": 0})
    assert code.startswith("diffusers.guiders.AdaptiveProjectedMixGuidance(adaptive_projected_guidance_scale=w, ")


def test_a_momentum_is_kept_from_call_to_call():
    kept = subject(APG, adaptive_projected_guidance_momentum=-0.5, adaptive_projected_guidance_rescale=0.0)
    assert guided(kept, 4.0) != guided(kept, 4.0)
    new = subject(APG, adaptive_projected_guidance_rescale=0.0)
    assert guided(new, 4.0) == guided(new, 4.0)


def test_a_guider_that_takes_sequences_is_handed_them():
    assert status(subject("diffusers.guiders:MagnitudeAwareGuidance"), "st", 1) == "passed"


def test_what_the_library_refuses_is_known_before_a_run(monkeypatch):
    from cfg_equiv.sweeping import guider_products

    assert product_of(SKIP).rejected(product_of(SKIP).default) == ""
    monkeypatch.setitem(guider_products.VALUES, "stop", (1.0, 2.0))
    product = product_of(SKIP)
    refused = {**product.default, "stop": 2.0}
    assert product.rejected(refused).startswith("Expected `stop` to be between 0.0 and 1.0, but got 2.0")
    with pytest.raises(ValueError, match="Expected `stop`"):
        product.make(refused)


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of(SKIP)
    assert product.code({**product.default, "branches": "both", "guidance_rescale": 0.7}) == (
        f"diffusers.guiders.SkipLayerGuidance(guidance_scale=w - {BOTH:g}, skip_layer_guidance_layers=[0], "
        f"skip_layer_guidance_scale={BOTH}, guidance_rescale=0.7)"
    )


def test_images_of_a_pyramid_stand_twice_as_large():
    from cfg_equiv.sweeping.guider_products import _shaped

    seen = []
    rule = _shaped("FrequencyDecoupledGuidance", lambda c, u, w: seen.append(c.shape) or u + w * (c - u))
    for shape in ((2, 3, 4, 4), (2, 4, 8)):
        cond, uncond = torch.randn(2, *shape).unbind()
        assert torch.equal(rule(cond, uncond, 3.0), uncond + 3.0 * (cond - uncond))
    assert seen == [(2, 3, 8, 8), (2, 4, 4, 8)]


def test_names_that_are_not_there():
    with pytest.raises(UnknownNameError, match="did you mean 'AutoGuidance'"):
        product_of("diffusers.guiders:AutoGuidence")
