import pytest
import torch

from cfg_equiv.peers import stable_audio as peer
from cfg_equiv.peers.compare import installed
from tests.peers.sabotage import sabotage

MISSING = [name for name in (*peer.NEEDS, *peer.SAMPLE_NEEDS) if installed(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

PLAIN, PHI, LOOP = peer.COMPARISONS


@pytest.mark.parametrize(("comparison", "status"), [(PLAIN, "agrees"), (PHI, "differs_as_proved"), (LOOP, "agrees")])
def test_the_release_does_as_proved(comparison, status):
    result = comparison()
    assert result.status == status, result.detail


@pytest.mark.parametrize(
    ("comparisons", "old", "new"),
    [
        ((PLAIN, PHI), "(cond_output - uncond_output) * cfg_scale", "(uncond_output - cond_output) * cfg_scale"),
        ((PLAIN,), "uncond_output + (cond_output", "cond_output + (cond_output"),
        ((PLAIN, PHI), "torch.cat([x, x], dim=0)", "torch.cat([x, 2 * x], dim=0)"),
        (
            (PLAIN, PHI),
            "torch.cat([cross_attn_cond, null_embed], dim=0)",
            "torch.cat([null_embed, cross_attn_cond], dim=0)",
        ),
        ((PHI,), "cond_output.std(dim=1", "uncond_output.std(dim=1"),
        ((PHI,), "cond_output.std(dim=1", "cond_output.std(dim=2"),
        ((PHI,), "cond_output.std(dim=1, keepdim=True)", "cond_output.std(dim=1, keepdim=True, correction=0)"),
        ((PHI,), "(1-scale_phi) * cfg_output", "(1+scale_phi) * cfg_output"),
        ((PHI,), "(cond_out_std/out_cfg_std)", "(out_cfg_std/cond_out_std)"),
        ((PHI,), "if scale_phi != 0.0", "if False"),
    ],
)
def test_changed_guidance_fails(monkeypatch, comparisons, old, new):
    sabotage(monkeypatch, peer, "DiffusionTransformer.forward", old, new)
    for comparison in comparisons:
        result = comparison()
        assert result.status == "failed", result.detail


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("sample", "pred = x * alphas[i] - v * sigmas[i]", "pred = x * alphas[i] + v * sigmas[i]"),
        ("sample", "eps = x * sigmas[i] + v_eps * alphas[i]", "eps = x * sigmas[i] - v_eps * alphas[i]"),
        ("sample", "pred * alphas[i + 1] + eps", "pred * alphas[i + 1] - eps"),
        ("sample", "(sigmas[i + 1]**2 - ddim_sigma**2)", "(sigmas[i + 1]**2 + ddim_sigma**2)"),
        ("sample", "(1 - alphas[i]**2 / alphas[i + 1]**2)", "(1 - alphas[i]**2)"),
        ("sample", "torch.randn_like(x) * ddim_sigma", "2 * torch.randn_like(x) * ddim_sigma"),
        ("sample", "return pred", "return x"),
        ("get_alphas_sigmas", "torch.sin(t * math.pi / 2)", "torch.sin(t * math.pi / 3)"),
    ],
)
def test_a_changed_loop_fails(monkeypatch, target, old, new):
    sabotage(monkeypatch, peer, target, old, new)
    result = LOOP()
    assert result.status == "failed", result.detail


def test_the_global_generator_is_left_as_it_was():
    before = torch.get_rng_state()
    LOOP()
    assert torch.equal(torch.get_rng_state(), before)
