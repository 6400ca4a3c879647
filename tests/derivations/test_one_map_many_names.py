"""What the second derivation says of its names: equal where it says one map, apart where it says near miss."""

import pytest
import sympy as sp
import torch

import cfg_equiv as ce
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.report.markdown import Table
from cfg_equiv.rounding import calibrated_spread
from tests.derivations.running import FOLDER, run_source

pytestmark = pytest.mark.slow

FORMS = ("ddim_eps", "ddim_x0", "ddim_v", "euler_ve", "euler_flow", "dpm_solver_1", "dpm_solver_pp_1")


@pytest.fixture(scope="module")
def ran():
    return run_source(FOLDER / "02_one_map_many_names.py")


@pytest.fixture(scope="module")
def names(ran):
    """What the cells leave behind."""
    return ran.names


def largest(run, *inputs):
    """How far one ulp in the inputs and in what the network says moves the result, at most."""
    return calibrated_spread(run, inputs).bound.max().item()


@pytest.fixture(scope="module")
def of_a_step(names):
    """What rounding explains of one step, on any path and with noise."""
    truth, sampler = names["truth"], SAMPLERS["euler_ve"]

    def euler(path):
        s, t = (names["on_path"](kappa, path) for kappa in (2.0, 1.0))

        def run(nudge, z):
            return sampler.step(torch, nudge(z), nudge(emit(torch, *truth, s, sampler.space)), s, t)

        return run, s.alpha * truth[0] + s.sigma * truth[1]

    def noisy(nudge, z):
        pred = nudge(emit(torch, *truth, names["here"], "v"))
        options = {"s": names["here"], "t": names["there"], "noise": names["fresh"], "eta": 1.0}
        return ce.step("euler_ancestral", z, pred, source="v", **options)

    return max(largest(noisy, names["latent"]), *(largest(*euler(path)) for path in names["paths"]))


@pytest.fixture(scope="module")
def of_a_run(names):
    """What rounding explains of the eight steps."""

    def run(nudge, z):
        network = lambda z, at: nudge(names["two_modes"].predict(z, at, "v"))  # noqa: E731
        return ce.solve("dpmpp_2m", network, z, names["levels"], source="v") / names["levels"][-1].alpha

    return largest(run, names["exact"][0])


def test_five_forms_leave_nothing_and_two_leave_their_condition(names):
    residuals = names["residuals"]
    assert tuple(residuals) == FORMS
    assert [name for name, left in residuals.items() if left != 0] == ["ddim_v", "euler_flow"]
    (alpha_s, sigma_s, _), (alpha_t, sigma_t, _) = names["positive"]
    circle = residuals["ddim_v"].subs(alpha_s, sp.sqrt(1 - sigma_s**2))
    line = residuals["euler_flow"].subs(alpha_s, alpha_t + sigma_t - sigma_s)
    assert sp.simplify(circle) == sp.simplify(line) == 0


def test_each_conditional_form_is_off_on_the_other_paths_alone(names, of_a_step):
    off = {name: [gap > of_a_step for gap in gaps] for name, gaps in names["off"].items()}
    assert off.pop("ddim_v") == [False, True, True]  # on vp, ve, flow
    assert off.pop("euler_flow") == [True, True, False]
    assert all(gaps == [False, False, False] for gaps in off.values())


def test_the_picture_shows_one_line_on_the_left_and_four_on_the_right(names, of_a_run):
    same, other = names["same"], names["other"]
    for states in same.values():
        assert (states - same["ddim_eps"]).abs().max() < of_a_run
    ends = [states[-1] for states in other.values()]
    gaps = [(a - b).abs().max() for k, a in enumerate(ends) for b in ends[:k]]
    assert min(gaps) > of_a_run
    heun, ddim = ((other[name][-1] - other["exact"][-1]).abs().max() for name in ("heun", "ddim_eps"))
    assert heun < ddim / 2


def test_members_of_the_family_agree_with_the_same_noise_and_outsiders_do_not(names, of_a_step):
    reference, others = names["reference"], names["others"]

    def alike(name, known):
        return bool((others[name] - reference[known]).abs().max() < of_a_step)

    assert [name for name in others if alike(name, "ddim_eta, eta = 0.5")] == ["euler_ancestral, eta = 0.5"]
    assert [name for name in others if alike(name, "ddpm_posterior")] == [
        "ddim_eta, eta = 1",
        "sde_dpm_solver_pp_1",
        "dpmpp_sde_eta, eta = 1",
    ]


def test_paths_agree_where_they_should_and_variables_do_not(ran, of_a_run):
    tables = {(table.header[0], table.header[-1]): table for table in ran.of(Table)}
    alike = tables["z/alpha at the end", "flow against VP"]
    apart = tables["one", "largest difference at the end"]
    assert all(gap < of_a_run for row in alike.rows for gap in row[1:])
    assert all(row[-1] > of_a_run for row in apart.rows)


def test_the_classes_are_those_of_the_catalogue(names):
    classes = names["classes"]
    assert set(FORMS) <= set(classes[0])
    assert sum(map(len, classes)) + len(names["alone"]) == len(names["SOLVERS"])
    (kept,) = [members for members in classes if "res_multistep" in members]
    assert {"dpmpp_2m_heun", "sa_predictor_2_x0", "unip_vary_2_x0"} <= set(kept)
    assert "dpmpp_2m" not in kept
    (singlestep,) = [found for found in names["shared"] if "sample_dpm_2" in found.get("k_diffusion", [])]
    assert "KDPM2DiscreteScheduler" in singlestep["diffusers"]


def test_compare_answers_as_told(ran):
    assert [line[-1] for line in ran.printed.splitlines() if line.startswith("exit status")] == ["0", "0", "1", "1"]
