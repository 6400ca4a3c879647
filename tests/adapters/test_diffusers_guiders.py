import pytest

pytest.importorskip("diffusers")

import diffusers.guiders

from cfg_equiv.adapters.diffusers_guiders import GUIDERS, NEEDS, guiders
from cfg_equiv.errors import UnknownNameError
from tests.adapters.runs import status

MAPS = ("cfg_translation", "cfg_scale", "cfg_sign")
COMMUTE = (
    "ClassifierFreeGuidance",
    "ClassifierFreeGuidance[use_original_formulation=True]",
    "AutoGuidance",
    "SkipLayerGuidance[skip_layer_guidance_scale=0.0]",
    "SkipLayerGuidance[guidance_scale=1.0,skip_layer_guidance_scale=w]",
    "PerturbedAttentionGuidance[perturbed_guidance_scale=0.0]",
    "SmoothedEnergyGuidance[seg_guidance_scale=0.0]",
    "LTX2Guidance",
    "AdaptiveProjectedGuidance[rescale=0.0]",
    "AdaptiveProjectedMixGuidance",
)
DO_NOT = {  # and which of the three maps shows it
    "ClassifierFreeGuidance[guidance_rescale=0.7]": "cfg_translation",
    "AdaptiveProjectedGuidance[rescale=0.0,eta=0.0]": "cfg_translation",
    "AdaptiveProjectedGuidance[rescale=1.0]": "cfg_scale",
    "AdaptiveProjectedGuidance[rescale=0.0,momentum=-0.5]": "cfg_translation",
    "ClassifierFreeZeroStarGuidance": "cfg_translation",
    "ClassifierFreeZeroStarGuidance[zero_init_steps=2]": "cfg_translation",
    "TangentialClassifierFreeGuidance": "cfg_translation",
}


def named(name):
    (subject,) = [s for s in guiders(name.partition("[")[0]) if str(s) == name]
    return subject


@pytest.mark.parametrize("name", COMMUTE)
def test_guiders_that_commute_with_every_conversion(name):
    assert {check: status(named(name), check, 8) for check in MAPS} == dict.fromkeys(MAPS, "passed")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n.startswith("Tangential") else []) for n in DO_NOT],  # takes seconds
)
def test_guiders_that_do_not(name):
    assert status(named(name), DO_NOT[name], 8) == "failed"


@pytest.mark.parametrize("name", ["ClassifierFreeGuidance", "ClassifierFreeGuidance[use_original_formulation=True]"])
def test_conventions_are_those_declared(name):
    assert status(named(name), "cfg_end_points", 8) == "passed"


def test_a_gate_of_the_other_convention_is_found():
    subject = named("SkipLayerGuidance[guidance_scale=1.0,skip_layer_guidance_scale=w]")
    assert status(subject, "cfg_end_points", 8) == "failed"


def test_a_history_is_found():
    assert status(named("AdaptiveProjectedGuidance[rescale=0.0,momentum=-0.5]"), "st", 8) == "failed"
    assert status(named("AdaptiveProjectedGuidance[rescale=0.0]"), "st", 8) == "passed"


def test_a_guider_that_raises_is_an_error():
    assert status(named("MagnitudeAwareGuidance"), "cfg_translation") == "error"


def test_every_guider_is_known():
    public = {name for name in dir(diffusers.guiders) if name.endswith("Guidance") and name != "BaseGuidance"}
    assert public == GUIDERS.keys()


def test_all_are_those_whose_dependencies_are_there():
    names = [str(s) for s in guiders("*")]
    assert len(names) == len(set(names))
    assert {name.partition("[")[0] for name in names} >= GUIDERS.keys() - NEEDS.keys()


def test_an_unknown_guider_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'AutoGuidance'"):
        guiders("AutoGuidence")
