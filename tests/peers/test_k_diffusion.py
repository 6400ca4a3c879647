import pytest

from cfg_equiv.peers import k_diffusion as peer
from cfg_equiv.peers.compare import installed
from tests.peers.sabotage import sabotage

MISSING = [name for name in peer.LAYERS_NEED if installed(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

BY_NAME = {comparison.name.removeprefix("k-diffusion "): comparison for comparison in peer.COMPARISONS}
SCALINGS = "VDenoiser and Denoiser scalings, symbols"


@pytest.mark.parametrize("name", BY_NAME)
def test_the_release_agrees(name):
    result = BY_NAME[name]()
    assert result.status == "agrees", result.detail


EULER = ("sample_euler through VDenoiser, symbols", "sample_euler through VDenoiser, floats")
ANCESTRAL = ("sample_euler_ancestral, symbols", "sample_euler_ancestral, floats")
SDE = ("sample_dpmpp_2m_sde, first step, symbols", "sample_dpmpp_2m_sde, first step, floats")


@pytest.mark.parametrize(
    ("names", "target", "old", "new"),
    [
        ((SCALINGS,), "Denoiser.get_scalings", "c_out = sigma", "c_out = -sigma"),
        ((SCALINGS,), "Denoiser.get_scalings", "self.sigma_data ** 2 / (", "self.sigma_data / ("),
        ((SCALINGS, *EULER), "VDenoiser.get_scalings", "c_out = -sigma", "c_out = sigma"),
        ((SCALINGS, *EULER), "VDenoiser.get_scalings", "c_in = 1 / (sigma", "c_in = 1 / (2 * sigma"),
        ((SCALINGS, *EULER), "VDenoiser.forward", "input * c_skip", "input * c_in"),
        ((SCALINGS, *EULER), "VDenoiser.forward", "input * c_in", "input"),
        (EULER, "to_d", "(x - denoised)", "(denoised - x)"),
        (EULER, "sample_euler", "x = x + d * dt", "x = x - d * dt"),
        (EULER, "sample_euler", "sigmas[i + 1] - sigma_hat", "sigmas[i + 1] - 2 * sigma_hat"),
        (ANCESTRAL, "get_ancestral_step", "sigma_to ** 2 - sigma_up ** 2", "sigma_to ** 2 + sigma_up ** 2"),
        (ANCESTRAL, "get_ancestral_step", "sigma_from ** 2 - sigma_to ** 2", "sigma_from ** 2"),
        (ANCESTRAL, "sample_euler_ancestral", "* sigma_up", "* sigma_down"),
        (ANCESTRAL, "sample_euler_ancestral", "x + d * dt", "x - d * dt"),
        (SDE, "sample_dpmpp_2m_sde", "(-eta_h).exp() * x", "(eta_h).exp() * x"),
        (SDE, "sample_dpmpp_2m_sde", "(-h - eta_h)", "(-h)"),
        (SDE, "sample_dpmpp_2m_sde", "(-2 * eta_h)", "(-eta_h)"),
        (SDE, "sample_dpmpp_2m_sde", "x = x + noise_sampler", "x = x - noise_sampler"),
    ],
)
def test_a_changed_release_fails(monkeypatch, names, target, old, new):
    for name in names:
        with monkeypatch.context() as patch:
            sabotage(patch, peer, target, old, new)
            result = BY_NAME[name]()
        assert result.status == "failed", f"{name}: {result.detail}"


def test_a_whole_run_that_is_not_its_steps_fails(monkeypatch):
    sabotage(monkeypatch, peer, "sample_euler", "sigmas[i + 1] - sigma_hat", "(i + 1) * (sigmas[i + 1] - sigma_hat)")
    result = BY_NAME["sample_euler through VDenoiser, floats"]()
    assert (result.status, result.detail) == (
        "failed",
        "the whole run of sample_euler is not the chain of its single steps",
    )
