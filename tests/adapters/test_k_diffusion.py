from dataclasses import replace

import pytest

from cfg_equiv.adapters.k_diffusion import SAMPLERS, subjects
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import run
from cfg_equiv.testing.subjects import Twin
from tests.adapters.runs import outcome, status

MISSING = [name for name in LAYERS_NEED if installed(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
CHECKS = ("eq", "nan", "bat", "sens", "st")


FEW = ("sample_euler", "sample_heun", "sample_lms", "sample_dpmpp_2m", "sample_euler_ancestral")  # the default tier


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FEW else [pytest.mark.slow]) for name in SAMPLERS]
)
def test_one_denoiser_behind_every_wrapper_gives_one_trajectory(name):
    for subject in subjects(name):
        assert status(subject, "eq", 2) == "passed", str(subject)


@pytest.mark.parametrize("name", ["sample_dpmpp_2m"])
def test_the_other_checks_pass_too(name):
    subject = subjects(name)[0]
    assert {check: status(subject, check) for check in CHECKS} == dict.fromkeys(CHECKS, "passed")


def test_step_sizes_that_the_rest_of_the_batch_decides_are_declared_and_would_be_found():
    declared = subjects("sample_dpm_adaptive")[0]
    assert outcome(declared, "bat").status == "not_applicable"
    record = outcome(replace(declared, couples_items=""), "bat")
    assert record.status == "failed"
    assert "batch" in record.message


def test_a_wrong_wrapper_is_found(monkeypatch):
    from cfg_equiv.adapters.k_diffusion import released

    honest = released().external.VDenoiser.get_scalings

    def wrong(self, sigma):
        c_skip, c_out, c_in = honest(self, sigma)
        return c_skip, -c_out, c_in

    monkeypatch.setattr(released().external.VDenoiser, "get_scalings", wrong)
    assert status(subjects("sample_euler")[0]) == "failed"


def test_all_wrappers_show_the_latent_on_the_circle():
    subject = subjects("sample_euler")[0]
    case = RunCase(steps=3)
    for space in subject.spaces:  # raises where a level is off the declared path
        assert run(subject, case, space, case.z).shape == (4, *case.shape)


def test_the_twin_follows_the_options():
    twins = {str(s): s.twin for s in subjects("*")}
    assert twins["sample_lms[order=2]"] == Twin("lms_2")
    assert twins["sample_dpm_2_ancestral"] == Twin("dpm_2_ancestral")
    assert twins["sample_dpm_2_ancestral[eta=0.0]"] == Twin("dpm_2")
    assert twins["sample_dpmpp_2s_ancestral[eta=0.5]"] == Twin("dpmpp_2s_ancestral", {"eta": 0.5})
    assert twins["sample_dpmpp_2m_sde"] == Twin("dpmpp_2m_sde")
    white = "noise_sampler=default_noise_sampler"
    assert twins[f"sample_dpmpp_2m_sde[solver_type=heun,{white}]"] == Twin("dpmpp_2m_sde_heun")
    assert twins["sample_euler[s_churn=2.0]"] is None
    brownian = {str(s).partition("[")[0] for s in subjects("*") if s.brownian}
    assert brownian == {"sample_dpmpp_sde", "sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde"}
    assert not any(s.brownian for s in subjects("*") if white in str(s))


@pytest.mark.parametrize("name", ["sample_dpmpp_3m_sde", pytest.param("sample_dpmpp_sde", marks=pytest.mark.slow)])
def test_with_white_noise_a_sampler_of_the_sde_is_its_twin(name):
    (white,) = [s for s in subjects(name) if str(s) == f"{name}[noise_sampler=default_noise_sampler]"]
    assert status(white, "twin", 3) == "passed"


def test_names_are_distinct():
    names = [str(s) for s in subjects("*")]
    assert len(names) == len(set(names))
    assert {name.partition("[")[0] for name in names} == SAMPLERS.keys()


def test_an_unknown_sampler_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'sample_dpmpp_2m'"):
        subjects("sample_dpmpp_2n")


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_is_green(name):
    drawn_by_default = [s for s in subjects(name) if "noise_sampler" not in s.options]
    red = {(str(s), c) for s in drawn_by_default for c in CHECKS if status(s, c, 8) in ("failed", "error")}
    assert red == set()
