"""Released guidance options are the catalogue's rules, and a changed release is found out."""

import sys

import pytest
import torch

from cfg_equiv.peers import guiders, guiders_findings, guiders_stable_audio
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.released_rules import Released, agrees
from tests.peers.sabotage import mutated, sabotage

MISSING = [name for name in ("diffusers", *guiders_stable_audio.NEEDS) if installed(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

NAMED = {one.symbol: one for one in (*guiders.linear(), *guiders.nonlinear())} if not MISSING else {}
QUICK = [  # the others run in the slow tests
    "AutoGuidance",
    "PerturbedAttentionGuidance",
    "LTX2Guidance(modality_scale)",
    "ClassifierFreeZeroStarGuidance(zero_init_steps)",
]


@pytest.mark.parametrize("symbol", QUICK)
def test_a_released_option_is_its_rule(symbol):
    assert agrees(NAMED[symbol])


@pytest.mark.slow
@pytest.mark.parametrize("comparison", guiders.COMPARISONS, ids=lambda one: one.name)
def test_every_option_of_diffusers_is_its_rule(comparison):
    result = comparison()
    assert result.status == "agrees", result.detail


def test_every_guider_is_covered():
    import diffusers.guiders as module

    exported = {name for name in vars(module) if name.endswith("Guidance") and name != "BaseGuidance"}
    without = {"FrequencyDecoupledGuidance"}  # needs kornia
    assert exported - without == {symbol.partition("(")[0] for symbol in NAMED} - {"rescale_noise_cfg"}


@pytest.mark.parametrize("comparison", guiders_findings.COMPARISONS, ids=lambda one: one.name)
def test_findings_in_diffusers(comparison):
    result = comparison()
    assert result.status == "differs_as_proved", result.detail


@pytest.mark.parametrize(
    ("name", "function", "old", "new", "symbol"),
    [
        ("auto_guidance", "AutoGuidance.forward", "pred_cond - pred_uncond", "pred_uncond - pred_cond", "AutoGuidance"),
        ("ltx2_guidance", "LTX2Guidance.forward", "self.modality_scale - 1.0", "self.modality_scale", QUICK[2]),
        (
            "classifier_free_zero_star_guidance",
            "ClassifierFreeZeroStarGuidance.forward",
            "torch.zeros_like(pred_cond)",
            "torch.ones_like(pred_cond)",
            QUICK[3],
        ),
        pytest.param(
            "adaptive_projected_guidance",
            "normalized_guidance",
            "diff_orthogonal + eta * diff_parallel",
            "diff_orthogonal - eta * diff_parallel",
            "AdaptiveProjectedGuidance(original, rescale)",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "classifier_free_zero_star_guidance",
            "cfg_zero_star_scale",
            "+ eps",
            "+ 1e6 * eps",
            "ClassifierFreeZeroStarGuidance",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "tangential_classifier_free_guidance",
            "normalized_guidance",
            "Vh_modified[:, 1] = 0",
            "Vh_modified[:, 0] = 0",
            "TangentialClassifierFreeGuidance",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_changed_guider_is_found(monkeypatch, name, function, old, new, symbol):
    import diffusers.guiders  # noqa: F401

    owner = sys.modules[f"diffusers.guiders.{name}"]
    path, _, attribute = function.rpartition(".")
    owner = getattr(owner, path) if path else owner
    monkeypatch.setattr(owner, attribute, mutated(getattr(owner, attribute), old, new))
    with pytest.raises(AssertionError, match=r"generators hold as|it gives"):
        agrees(NAMED[symbol])


def test_a_wrong_rule_is_found():
    claimed = Released("CFG", "a rule of its own", "x0", lambda c, u, w: c + w * (c - u), exact=True)
    with pytest.raises(AssertionError, match=r"a rule of its own: it gives .*, CFG gives"):
        agrees(claimed)
    with pytest.raises(AssertionError, match=r"generators hold as .*'translation': False"):
        agrees(Released("CFG", "a rule of its own", "x0", lambda c, u, w: w * (c - u), exact=True))


def test_an_answer_of_which_nothing_is_known_is_no_agreement():
    def vague(cond, uncond, w):
        return (
            uncond
            + w * (cond - uncond)
            + 2.0**46 * (cond / 3 - cond / 3 * (1 + 2.0**-50)) * 0
            + 2.0**50 * (cond - (cond + 2.0**-50) + 2.0**-50)
        )

    with pytest.raises(AssertionError, match=r"too wide to compare|it gives"):
        agrees(Released("CFG", "vague", "x0", vague, dtype=torch.float64))


def test_copies_are_compared_without_their_docstrings():
    text = 'def f(x):\n    "one"\n    return x\n'
    assert guiders._body(text, "f") == guiders._body(text.replace("one", "two"), "f")
    assert guiders._body(text, "f") != guiders._body(text.replace("return x", "return -x"), "f")


@pytest.mark.slow
def test_the_verdicts_by_rule():
    found = guiders.released_verdicts()
    assert {one.commutes for one in found["CFG"]} == {True}
    assert {one.commutes for one in found["CFG rescale"]} == {False}
    assert {one.space for one in found["STG"]} == {"x0"}
    assert all(one.library == "diffusers" for verdicts in found.values() for one in verdicts)


@pytest.mark.slow
def test_stable_audio():
    for comparison in guiders_stable_audio.COMPARISONS:
        result = comparison()
        assert result.status == comparison.holds, result.detail
    found = guiders_stable_audio.released_verdicts()
    assert {rule: {one.commutes for one in verdicts} for rule, verdicts in found.items()} == {
        "CFG": {True},
        "negative prompt": {True},
        "scale_phi": {False},
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("DiffusionTransformer.forward", "(cond_output - uncond_output) * cfg_scale", "cond_output * cfg_scale"),
        ("DiffusionTransformer.forward", "cond_output.std(dim=1", "uncond_output.std(dim=1"),
        ("DiffusionTransformer.forward", "cfg_interval[0] <= sigma[0] <=", "cfg_interval[0] <= 1 - sigma[0] + 1 <="),
    ],
)
def test_a_changed_transformer_is_found(monkeypatch, target, old, new):
    sabotage(monkeypatch, guiders_stable_audio, target, old, new)
    result = guiders_stable_audio.COMPARISONS[0]()
    assert result.status == "failed"
    assert "generators hold as" in result.detail or "it gives" in result.detail
