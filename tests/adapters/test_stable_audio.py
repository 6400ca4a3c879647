from itertools import pairwise

import pytest

from cfg_equiv.adapters.stable_audio import RF, SAMPLERS, released, subjects
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import run
from tests.adapters.runs import status

MISSING = [name for name in (*LAYERS_NEED, "stable-audio-tools", "einops") if installed(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore:Should have t"),  # torchsde, asked below the interval of its tree
]
CHECKS = ("twin", "sch", "ord", "mom", "dt", "nan", "bat", "sens", "st")


def named(name):
    (subject,) = [s for s in subjects(name.partition("[")[0]) if str(s) == name]
    return subject


def test_every_subject_is_known_by_one_name_and_runs():
    every = subjects("*")
    names = [str(s) for s in every]
    assert len(names) == len(set(names))
    assert {name.partition("[")[0] for name in names} == {
        *SAMPLERS,
        "DiffusionTransformer",
        "UNetCFG1d",
        "DistributionShift",
    }
    for subject in (s for s in every if hasattr(s, "order")):
        case = RunCase(dtype="float32", steps=3)
        assert run(subject, case, subject.spaces[0], case.z).shape[1:] == case.shape


@pytest.mark.parametrize("name", ["sample", "sample_k[sampler_type=dpmpp-2m]"])
def test_a_sampler_is_its_twin_at_its_levels(name):
    assert [status(named(name), check, 1) for check in ("twin", "sch")] == ["passed", "passed"]


@pytest.mark.parametrize("name", ["DiffusionTransformer[negative]", "UNetCFG1d"])
def test_plain_guidance_commutes_and_has_the_declared_convention(name):
    checks = ("cfg_translation", "cfg_scale", "cfg_sign", "cfg_end_points")
    assert [status(named(name), check, 3) for check in checks] == ["passed"] * 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DiffusionTransformer[scale_phi=0.7]", "UNetCFG1d[rescale_cfg=True]"])
def test_the_rescale_does_not_commute(name):
    assert status(named(name), "cfg_translation", 5) == "failed"


@pytest.mark.slow
def test_a_wrong_history_is_found(monkeypatch):
    def sampler(model, x, steps, dist_shift=None):
        import torch

        t, old = torch.linspace(1, 0, steps + 1), None
        for s, u in pairwise(t):
            data = x - s * model(x, s.expand(len(x)))
            mixed = data if old is None or u == 0 else 2 * data - old  # whatever the ratio of the steps
            x, old = u / s * x + (1 - u - (1 - s) * u / s) * mixed, data
        return x

    monkeypatch.setattr(released(), "sample_flow_dpmpp", sampler)
    assert status(named("sample_flow_dpmpp"), "twin", 4) == "failed"


def test_a_wrong_level_is_found(monkeypatch):
    import torch

    honest = released().get_alphas_sigmas
    monkeypatch.setattr(released(), "get_alphas_sigmas", lambda t: honest(t * torch.tensor(0.97)))
    assert status(named("sample"), "sch", 3) == "failed"


def test_an_unknown_sampler_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'sample_rf'"):
        subjects("sample_rff")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sample", "sample_discrete_euler", "sample_flow_dpmpp", "sample_flow_pingpong"])
def test_every_loop_is_green(name):
    red = {c for s in subjects(name) if not s.options for c in CHECKS if status(s, c, 2) in ("failed", "error")}
    assert red == set()


def test_rf_is_over_the_loops_it_names():
    assert [str(s) for s in subjects("sample_rf")] == [f"sample_rf[sampler_type={kind}]" for kind in RF]
