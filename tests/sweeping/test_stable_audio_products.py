import pytest

from cfg_equiv.adapters.stable_audio import SHIFTED, TRANSFORMER, UNET
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.sweeping.stable_audio_products import OF_NETWORK, names
from cfg_equiv.sweeping.targets import expand, product_of, subject
from cfg_equiv.testing.subjects import Twin
from tests.adapters.runs import status

MISSING = [name for name in (*LAYERS_NEED, "stable-audio-tools", "einops") if installed(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
RF, K = "stable_audio:sample_rf", "stable_audio:sample_k"


def test_options_are_those_that_change_the_numbers():
    assert product_of("stable_audio:sample").values == {
        "eta": (0.0, 0.5, 1.0),
        "sigma_max": (1, 0.75, 0.1),
        "dist_shift": (None, True, "use_sine"),
        "cfg_pp": (False, True),
    }
    assert product_of(RF).values["sampler_type"] == ("euler", "rk4", "dpmpp", "pingpong")
    assert {"k-dpm-fast", "v-ddim-cfgpp"} < set(product_of(K).values["sampler_type"])


def test_options_change_what_is_declared():
    assert subject("stable_audio:sample", eta=0.5).stochastic
    assert subject(RF, sampler_type="rk4").order == 4
    assert subject(K, sampler_type="k-dpm-adaptive").couples_items
    assert subject(K, sampler_type="dpmpp-2m-sde", sigma_max=0.75).never_exact.startswith("it starts where the data")
    assert (subject(K, sigma_min=0.01).twin, subject(K).twin) == (None, Twin("heun"))
    assert str(subject("stable_audio:sample", cfg_pp=True)) == "sample[cfg_pp=True]"


def test_cfg_pp_without_guidance_is_the_sampler_without_it():
    assert [status(subject("stable_audio:sample", cfg_pp=True), c, 1) for c in ("twin", "sch")] == ["passed"] * 2


def test_an_option_that_is_not_read_is_found():
    """sample_rf hands dist_shift on beside its own times, and then it is not looked at."""
    assert status(subject(RF, dist_shift=True), "sens", 1) == "failed"
    assert status(subject("stable_audio:sample_rk4", dist_shift=True), "sens", 1) == "passed"


def test_options_that_a_type_is_not_meant_to_read_are_not_compared():
    assert subject(K, sampler_type="v-ddim", rho=3.0, sigma_min=0.01, sigma_max=100.0).variants == {}
    assert subject(K, sampler_type="v-ddim", sigma_max=0.75).variants.keys() == {"sigma_max"}
    assert subject(K, sampler_type="k-dpm-fast", rho=3.0, sigma_min=0.01).variants.keys() == {"sigma_min"}
    assert subject(K, rho=3.0, sigma_max=100.0).variants.keys() == {"rho", "sigma_max"}
    assert subject("stable_audio:sample", cfg_pp=True, eta=0.5).variants.keys() == {"eta"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (TRANSFORMER, {"conditioning": "prepend_cond", "return_info": True, "diffusion_objective": "rf_denoiser"}),
        (TRANSFORMER, {"conditioning": "cross_attn_cond and prepend_cond", "cfg_interval": "(0.5, 1)"}),
        (UNET, {"batch_cfg": True, "negative": True}),
    ],
)
def test_guidance_is_plain_however_it_is_asked_for(name, options):
    made = subject(f"stable_audio:{name}", **options)
    assert [status(made, check, 2) for check in ("cfg_end_points", "cfg_translation")] == ["passed", "passed"]


@pytest.mark.slow
def test_the_rescale_is_an_option():
    assert status(subject(f"stable_audio:{TRANSFORMER}", scale_phi=0.7), "cfg_translation", 5) == "failed"


def test_the_shift_reaches_its_ends_for_every_length():
    assert status(subject(f"stable_audio:{SHIFTED}", seq_len=64, use_sine=True), "sch", 1) == "passed"


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of(RF)
    assert product.code({**product.default, "dist_shift": "use_sine", "sigma_max": 0.75}) == (
        "sample_rf(model, noise, steps=steps, sampler_type='euler', sigma_max=0.75, "
        "dist_shift=DistributionShift(use_sine=True))"
    )
    network = product_of(f"stable_audio:{TRANSFORMER}")
    assert network.code({**network.default, "scale_phi": 0.7}) == "DiffusionTransformer.forward(scale_phi=0.7)"


def test_every_name_has_a_product():
    assert expand(["stable_audio:*"]) == [f"stable_audio:{name}" for name in names()]
    assert {*OF_NETWORK, SHIFTED} < set(names())
    for name in names():
        assert str(subject(f"stable_audio:{name}")).startswith(name)
    with pytest.raises(UnknownNameError, match="did you mean 'sample_rf'"):
        product_of("stable_audio:sample_rff")
