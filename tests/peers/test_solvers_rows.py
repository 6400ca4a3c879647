"""Every configuration against its entry, and released code with a changed number against it: the longer tier."""

from importlib import import_module

import pytest

pytest.importorskip("diffusers", reason="pip install diffusers")

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.peers import solvers_diffusers_rows, solvers_findings, solvers_k_diffusion, solvers_velocity
from tests.peers.sabotage import mutated

LIBRARIES = (solvers_diffusers_rows, solvers_k_diffusion, solvers_velocity)
ROWS = tuple(row for library in LIBRARIES for row in library.ROWS)
COMPARISONS = tuple(comparison for library in LIBRARIES for comparison in library.COMPARISONS)

# The configuration, by how its name starts, and the number that is changed.
CHANGES = (
    (
        "DPMSolverMultistepScheduler[solver_order=2,solver_type=midpoint]",
        "multistep_dpm_solver_second_order_update",
        "0.5 *",
    ),
    ("DPMSolverMultistepScheduler[solver_order=3]", "multistep_dpm_solver_third_order_update", "0.5)) * D2"),
    (
        "DPMSolverSinglestepScheduler[solver_order=2,solver_type=midpoint",
        "singlestep_dpm_solver_second_order_update",
        "0.5 *",
    ),
    (
        "DPMSolverSinglestepScheduler[solver_order=3,solver_type=heun",
        "singlestep_dpm_solver_third_order_update",
        "2.0 * (D1",
    ),
    ("EDMDPMSolverMultistepScheduler", "multistep_dpm_solver_second_order_update", "0.5 *"),
    ("DEISMultistepScheduler[solver_order=2]", "multistep_deis_second_order_update", "1) / (np"),
    ("DEISMultistepScheduler[solver_order=3]", "multistep_deis_third_order_update", "2 * np"),
    ("UniPCMultistepScheduler[solver_order=2,solver_type=bh2]", "multistep_uni_p_bh_update", "0.5\n"),
    ("UniPCMultistepScheduler[solver_order=3,solver_type=bh1", "multistep_uni_c_bh_update", "1 / factorial_i"),
    ("SASolverScheduler[predictor_order=2", "stochastic_adams_bashforth_update", "2 - (h * (1"),
    ("SASolverScheduler[predictor_order=2", "stochastic_adams_moulton_update", "2 - (h * (1"),
    ("LMSDiscreteScheduler[order=3]", "get_lms_coefficient", "1.0\n"),
    ("PNDMScheduler[skip_prk_steps=True", "step_plms", "55 *"),
    ("PNDMScheduler[skip_prk_steps=False", "step_prk", "6 * model_output"),
    ("IPNDMScheduler", "step", "23 *"),
    ("HeunDiscreteScheduler", "step", "2\n"),
    ("KDPM2DiscreteScheduler", "step", "1)  # Note"),
    ("FlowMatchHeunDiscreteScheduler", "step", "0.5 *"),
)


def test_no_configuration_is_left_out():
    missing = {name for row in ROWS for name in row.names if name not in SOLVERS}
    assert not missing
    assert len({comparison.name for comparison in COMPARISONS}) == len(COMPARISONS) == len(ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.name.replace(" ", "_"))
def test_the_release_is_the_entry(comparison):
    result = comparison()
    assert result.status in ("agrees", "not_run"), result.detail


@pytest.mark.slow
@pytest.mark.parametrize("comparison", solvers_findings.COMPARISONS, ids=lambda comparison: comparison.name)
def test_the_findings_hold(comparison):
    result = comparison()
    assert result.status in (comparison.holds, "not_run"), result.detail


@pytest.mark.slow
@pytest.mark.parametrize(("row", "method", "number"), CHANGES, ids=[f"{row}-{method}" for row, method, _ in CHANGES])
def test_a_changed_number_of_the_release_fails(monkeypatch, row, method, number):
    comparison = next(one for one in COMPARISONS if one.name.startswith(f"diffusers {row}"))
    scheduler = getattr(import_module("diffusers.schedulers"), row.partition("[")[0])
    digits = number[: len(number) - len(number.lstrip("0123456789."))]
    # a changed step() casts to the float32 that it says
    power = -10 if (row, method) == ("FlowMatchHeunDiscreteScheduler", "step") else -30
    changed = f"({digits} * (1 + 2**{power})){number[len(digits) :]}"
    monkeypatch.setattr(scheduler, method, mutated(getattr(scheduler, method), number, changed))
    result = comparison()
    assert result.status == "failed", result.detail
    assert "outside the rounding bound" in result.detail
