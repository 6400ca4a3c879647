import pytest

pytest.importorskip("diffusers", reason="pip install diffusers")

from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from cfg_equiv.peers import diffusers as peer
from tests.peers.sabotage import mutated

BY_NAME = {comparison.name: comparison for comparison in peer.COMPARISONS}
DDIM = ("symbols", "float64", "float32")


@pytest.mark.parametrize("name", BY_NAME)
def test_the_release_agrees(name):
    result = BY_NAME[name]()
    assert result.status == "agrees", result.detail


@pytest.mark.parametrize("kind", DDIM)
@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("step", "(sample - beta_prod_t ** (0.5) * model_output)", "(sample + beta_prod_t ** (0.5) * model_output)"),
        ("step", "(beta_prod_t**0.5) * model_output", "beta_prod_t * model_output"),
        ("step", "(sample - alpha_prod_t", "(sample - 2 * alpha_prod_t"),
        ("step", "(1 - alpha_prod_t_prev - std_dev_t**2)", "(1 - alpha_prod_t_prev + std_dev_t**2)"),
        ("step", "prev_sample + variance", "prev_sample - variance"),
        ("step", "prev_sample = alpha_prod_t_prev ** (0.5)", "prev_sample = alpha_prod_t ** (0.5)"),
        (
            "_get_variance",
            "variance = (beta_prod_t_prev / beta_prod_t) * (1 -",
            "variance = (beta_prod_t_prev / beta_prod_t) * (1 +",
        ),
        ("_get_variance", "variance = (beta_prod_t_prev / beta_prod_t)", "variance = (beta_prod_t_prev * beta_prod_t)"),
    ],
)
def test_a_changed_scheduler_fails(monkeypatch, kind, method, old, new):
    monkeypatch.setattr(DDIMScheduler, method, mutated(getattr(DDIMScheduler, method), old, new))
    result = BY_NAME[f"diffusers DDIMScheduler, {kind}"]()
    assert result.status == "failed", result.detail
    assert result.detail.startswith(("DDIM, ", "the proof does not close"))


def test_a_change_below_float32_rounding_fails_in_float64(monkeypatch):
    changed = mutated(DDIMScheduler.step, "model_output) / alpha_prod_t", "model_output) * (1 + 2**-24) / alpha_prod_t")
    monkeypatch.setattr(DDIMScheduler, "step", changed)
    assert BY_NAME["diffusers DDIMScheduler, float64"]().status == "failed"


def test_a_wrong_v_breaks_the_one_trajectory(monkeypatch):
    changed = mutated(
        DDIMScheduler.step, "(alpha_prod_t**0.5) * model_output + (", "(alpha_prod_t**0.5) * model_output - ("
    )
    monkeypatch.setattr(DDIMScheduler, "step", changed)
    result = BY_NAME["diffusers DDIMScheduler, one trajectory"]()
    assert result.status == "failed"
    assert result.detail.startswith("guided v_prediction, timestep")


@pytest.mark.parametrize("kind", ["symbols", "floats"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pred_cond - pred_uncond", "pred_uncond - pred_cond"),
        ("pred_cond if self.use_original_formulation else pred_uncond", "pred_cond"),
        ("pred + self.guidance_scale * shift", "pred - self.guidance_scale * shift"),
        ("self.guidance_scale * shift", "2 * self.guidance_scale * shift"),
    ],
)
def test_a_changed_guider_fails(monkeypatch, kind, old, new):
    monkeypatch.setattr(ClassifierFreeGuidance, "forward", mutated(ClassifierFreeGuidance.forward, old, new))
    result = BY_NAME[f"diffusers ClassifierFreeGuidance, {kind}"]()
    assert result.status == "failed", result.detail
    assert "the guider" in result.detail


def test_the_guider_says_nothing_while_it_is_built(caplog, capfd):
    peer.guider_proved()
    assert not caplog.records
    assert "experimental" not in capfd.readouterr().err
