"""Names of solvers in libraries, and whether two of them are one map."""

import json
import sys

import pytest

from cfg_equiv.__main__ import main
from cfg_equiv.compare import compare
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.naming import resolve_solver


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("dpmpp_2m", "dpmpp_2m"),
        ("k_diffusion:dpmpp_2m", "dpmpp_2m"),
        ("k-diffusion:sample_heun", "heun"),
        ("diffusers:DPMSolverMultistepScheduler", "dpmpp_2m"),
        ("diffusers:DPMSolverMultistepScheduler(solver_order=3)", "dpmpp_3m_diffusers"),
        ("diffusers:DPMSolverMultistepScheduler(algorithm_type='dpmsolver')", "dpm_solver_2m"),
        ("k_diffusion:dpmpp_2m_sde(eta=0)", "dpmpp_2m_sde"),
        ("comfyui:seeds_2(eta=0)", "seeds_2"),
    ],
)
def test_a_name_stands_for_an_entry_by_its_options_or_the_declared_defaults(text, entry):
    assert resolve_solver(text).solver == entry


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dpmpp_2mm", "did you mean 'dpmpp_2m'"),
        ("nothing:x", "expected a library out of azula"),
        ("diffusers:HeunDiscrete", "did you mean 'HeunDiscreteScheduler'"),
        ("k_diffusion:dpmpp_2m_sde", r"eta=0.*: give the options in brackets"),
        ("diffusers:DPMSolverMultistepScheduler(solver_order=7)", "expected options of DPMSolverMultistepScheduler"),
    ],
)
def test_a_name_that_stands_for_none_is_refused_in_one_sentence(text, message):
    with pytest.raises(UnknownNameError, match=message):
        resolve_solver(text)


def test_one_map_by_two_names():
    assert (
        compare("k_diffusion:dpmpp_2m", "diffusers:DPMSolverMultistepScheduler").detail == "one entry of the catalogue"
    )
    found = compare("dpmpp_2m_heun", "comfyui:res_multistep")
    assert found.same
    assert found.detail == "proved on any path: one tableau at every depth of the past"
    assert compare("euler_flow", "ddim_eps").detail.startswith("proved on the flow path")


@pytest.mark.slow
def test_one_map_through_other_members_of_the_class():
    assert compare("dpmpp_2s_midpoint", "dpmpp_2s_ancestral_rf").detail == "proved through other members of their class"


def test_two_maps_are_told_by_their_first_difference():
    found = compare("dpmpp_2m", "dpmpp_2m_heun")
    assert not found.same
    assert found.detail.startswith("on any path, with 2 outputs in hand the coefficient of x_s in the step is ")
    assert found.detail.endswith("(L0, L1, ... are the logarithms of kappa, in the order the step takes them)")
    assert found.leading == "one step in z/alpha from one past differs by -X'/12 * h^3 + O(h^4)"
    assert compare("plms", "f_pndm").leading.endswith("none in the full form: they differ with 1 output(s) in hand")
    assert "inside the step they call the network at t and at no point" in compare("heun", "ddim_eps").detail
    assert compare("euler_flow", "ddim_v").detail == "no path in common: flow and vp"


def test_the_command_line(capsys, tmp_path):
    file = tmp_path / "record.json"
    names = ["k_diffusion:dpmpp_2m", "diffusers:DPMSolverMultistepScheduler"]
    assert main(["compare", *names, "--json", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "one map: one entry of the catalogue"
    assert json.loads(file.read_text())["same"] is True
    assert main(["compare", "dpmpp_2m", "heun"]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("two maps: ")
    assert main(["compare", "dpmpp_2m", "nothing"]) == 2
    assert "expected a solver out of" in capsys.readouterr().err


def test_without_the_library_only_the_options_given_are_known(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    text = "diffusers:DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=2)"
    assert resolve_solver(text).solver == "dpmpp_2m"
    with pytest.raises(UnknownNameError, match="give the options in brackets"):
        resolve_solver("diffusers:DPMSolverMultistepScheduler")
