import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.sweeping.targets import expand, product_of, subject

MISSING = [name for name in ("k_diffusion", *LAYERS_NEED) if not installed(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def test_options_are_keywords_and_wrappers():
    values = product_of("k_diffusion:sample_dpmpp_2m_sde").values
    assert values["solver_type"] == ("midpoint", "heun")
    assert (values["eta"], values["s_noise"]) == ((1.0, 0.0), (1.0, 0.5))
    assert values["v"] == ("VDenoiser", "DiscreteVDDPMDenoiser", "CompVisVDenoiser")
    assert product_of("k_diffusion:sample_dpm_adaptive").values["order"] == (3, 2)


def test_options_change_what_is_declared():
    assert not subject("k_diffusion:sample_euler_ancestral", eta=0.0).stochastic
    assert subject("k_diffusion:sample_heun", s_churn=2.0).stochastic
    assert subject("k_diffusion:sample_lms", order=2).order == 2
    assert subject("k_diffusion:sample_heun", s_noise=0.5).never_exact.startswith("with s_noise below 1")


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of("k_diffusion:sample_heun")
    assert product.code(product.complete({"s_churn": 2.0})) == (
        "k_diffusion.sampling.sample_heun(denoiser, x, sigmas, s_churn=2.0)"
        "  # behind DiscreteEpsDDPMDenoiser, VDenoiser"
    )


def test_noise_that_is_drawn_step_by_step_is_an_option_where_it_is_not_the_default():
    product = product_of("k_diffusion:sample_dpmpp_3m_sde")
    white = {"noise_sampler": "default_noise_sampler"}
    assert product.values["noise_sampler"] == (None, "default_noise_sampler")
    assert "noise_sampler=default_noise_sampler(x)" in product.code(product.complete(white))
    assert subject("k_diffusion:sample_dpmpp_3m_sde", **white, eta=1.0).twin.solver == "dpmpp_3m_sde"
    assert not subject("k_diffusion:sample_dpmpp_3m_sde", **white, s_noise=0.5).twin
    assert "noise_sampler" not in product_of("k_diffusion:sample_euler_ancestral").values


def test_every_sampler_has_options():
    assert all(len(product_of(target).values) >= 2 for target in expand(["k_diffusion:*"]))
    with pytest.raises(UnknownNameError, match="did you mean 'sample_heun'"):
        product_of("k_diffusion:sample_hein")
