"""What is claimed of a step of a solver, and the neighbours that must fall, on a few; the catalogue runs elsewhere."""

import pytest

from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.theorems import solvers
from cfg_equiv.theorems.classes import Partition
from cfg_equiv.theorems.prove import prove
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.solvers import LONG, affine, at_the_end, by_snr_alone, limit_kind, matched, one_class
from cfg_equiv.theorems.tableau import Step, conditions

SOME = ("euler_ve", "dpmpp_2m", "heun")


def decided(claim, step, twins, limit=False):
    part = Part(
        claim,
        twins,
        dict.fromkeys(step.labels, "snr"),
        conditions(step.labels),
        arena="field_only" if limit else "field",
    )
    return prove(Theorem("S0", "made up", "here", "field", (part,)))


@pytest.mark.parametrize("name", SOME)
def test_guiding_the_predictions_is_guiding_the_latents(name):
    step = Step(SOLVERS[name])
    result = decided(affine(step), step, {"weights that sum to 2": {"total": 2}})
    assert result.holds, result.detail


@pytest.mark.parametrize("name", SOME)
def test_in_z_over_alpha_only_the_snr_matters(name):
    step = Step(SOLVERS[name])
    result = decided(by_snr_alone(step), step, {"z itself": {"power": 2}})
    assert result.holds, result.detail


def test_a_step_in_sigma_on_any_path_is_found_to_depend_on_the_path():
    def euler_in_sigma(xp, past, t):
        now = past[0]
        return now.z + (t.sigma - now.at.sigma) * now.pred

    step = Step(Solver("bad", "flow", (euler_in_sigma,), order=1, source="made up"))
    result = decided(by_snr_alone(step), step, {"z itself": {"power": 2}})
    assert result.status == "failed"
    assert "coefficient of" in result.detail


def test_ends():
    assert limit_kind(Step(SOLVERS["ddim_eps"])) == "denoised"
    assert limit_kind(Step(SOLVERS["dpmpp_2m"])) == "none"
    assert limit_kind(Step(SOLVERS["dpmpp_2m"], end=True)) == "denoised"
    assert limit_kind(Step(SOLVERS["heun"])) == "none"

    def half_way(xp, past, t):
        now = past[0]
        return (t.alpha * now.pred + t.alpha / now.at.alpha * now.z) / 2

    assert limit_kind(Step(Solver("half", "x0", (half_way,), order=1, source="made up"))) == "other"


def test_a_claimed_end_can_fall():
    step = Step(SOLVERS["dpmpp_2m"])
    assert decided(at_the_end(step, "snr", "denoised"), step, {"none": {"ends": "none"}}, limit=True).status == "failed"


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_the_long_ones_depend_on_the_snr_alone(name):
    result = prove(Theorem("S4", "the part of one solver", "here", "field", (matched(name),)))
    assert result.holds, result.detail


def test_a_pair_claimed_one_map_is_decided(monkeypatch):
    joined = (("ddim_eps", "ddim_x0", "any"),)
    monkeypatch.setattr(solvers, "partition", lambda: Partition((), joined, ()))
    assert [one.fact for one in one_class(None)] == [True, True]
    wrong = [one.label for one in one_class(None, joins=(("dpmpp_2m", "dpmpp_2m_heun", "any"),)) if not one.fact]
    assert wrong == ["dpmpp_2m and dpmpp_2m_heun are one map"]
