import pytest

pytest.importorskip("flow_matching", reason="pip install flow_matching")

from flow_matching.path import AffineProbPath

from cfg_equiv.peers import flow_matching as peer
from tests.peers.sabotage import mutated


@pytest.mark.parametrize("comparison", peer.COMPARISONS, ids=lambda comparison: comparison.name)
def test_the_release_agrees(comparison):
    result = comparison()
    assert result.status == "agrees", result.detail


@pytest.mark.parametrize("comparison", peer.COMPARISONS, ids=lambda comparison: comparison.name)
@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("target_to_velocity", "d_alpha_t * sigma_t - d_sigma_t", "d_alpha_t * sigma_t + d_sigma_t"),
        ("epsilon_to_velocity", "a_t = d_alpha_t / alpha_t", "a_t = d_alpha_t / sigma_t"),
        ("velocity_to_target", "a_t = -d_sigma_t", "a_t = d_sigma_t"),
        ("velocity_to_epsilon", "b_t = alpha_t", "b_t = sigma_t"),
        ("epsilon_to_target", "b_t = -sigma_t", "b_t = sigma_t"),
        ("target_to_epsilon", "a_t * x_t + b_t", "a_t * x_t - b_t"),
    ],
)
def test_a_changed_release_fails(monkeypatch, comparison, method, old, new):
    monkeypatch.setattr(AffineProbPath, method, mutated(getattr(AffineProbPath, method), old, new))
    result = comparison()
    assert result.status == "failed", result.detail
    assert method in result.detail
