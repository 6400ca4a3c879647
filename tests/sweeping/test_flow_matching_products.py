import pytest
import torch

pytest.importorskip("flow_matching", reason="flow_matching is not installed")

from cfg_equiv.adapters.flow_matching import NORM, TOLERANCE
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.flow_matching_products import names
from cfg_equiv.sweeping.targets import expand, product_of, subject
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.subjects import Twin
from tests.adapters.runs import status

SOLVER, TRANSFORMED = "flow_matching:ODESolver", "flow_matching:ScheduleTransformedModel"


def test_options_are_methods_paths_grids_and_the_flags_of_the_signature():
    values = product_of(SOLVER).values
    assert values["method"][:5] == ("euler", "midpoint", "heun2", "heun3", "rk4")
    assert values["scheduler"][0] == "CondOTScheduler"
    assert values["return_intermediates"] == values["enable_grad"] == (False, True)
    assert product_of("flow_matching:VPScheduler").values == {"beta_min": (0.1, 1.0), "beta_max": (20.0, 5.0)}
    assert product_of("flow_matching:PolynomialConvexScheduler").values == {"n": (2, 1, 3, 0.5)}


def test_options_change_what_is_declared():
    assert (subject(SOLVER).order, subject(SOLVER).state, subject(SOLVER).twin) == (1, "flow", Twin("euler_flow"))
    curved = subject(SOLVER, method="rk4", scheduler="CosineScheduler")
    assert (curved.order, curved.state, curved.twin) == (4, "free", None)
    assert subject(SOLVER, scheduler="PolynomialConvexScheduler").state == "free"
    adaptive = subject(SOLVER, method="dopri5")
    assert (adaptive.couples_items, adaptive.never_exact) == (NORM, TOLERANCE)
    assert subject(TRANSFORMED, new_scheduler="VPScheduler").options["new_scheduler"] == "VPScheduler"


def test_a_step_size_is_the_same_grid_said_otherwise():
    case = RunCase(steps=4)
    by_grid, by_size = (subject(SOLVER, step_size=given) for given in (False, True))
    ends = [traced(each, case, "x0", case.z)[0] for each in (by_grid, by_size)]
    assert torch.equal(*ends)


def test_steps_of_one_size_are_refused_where_they_cannot_be():
    product = product_of(SOLVER)
    adaptive = {**product.default, "method": "dopri5", "step_size": True}
    assert product.rejected(adaptive).endswith("Must be None for adaptive step solvers.")
    with pytest.raises(ValueError, match="Must be None"):
        product.make(adaptive)
    squares = {**product.default, "time_grid": "squares", "step_size": True}
    assert product.rejected(squares) == (
        "expected steps of one size, got time_grid=squares with step_size: the grid has its two ends alone"
    )


def test_each_option_that_acts_comes_with_the_subject_that_has_it_at_its_default():
    made = subject(SOLVER, method="midpoint", time_grid="squares", enable_grad=True)
    assert made.variants.keys() == {"method", "time_grid"}
    assert status(made, "sens", 1) == "passed"
    assert subject(TRANSFORMED, method="rk4").variants.keys() == {"method"}


def test_conversions_hold_on_both_paths():
    assert status(subject("flow_matching:AffineProbPath", path="vp"), "rt", 2) == "passed"
    assert subject("flow_matching:AffineProbPath").spaces == ("x0", "eps", "velocity")


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of(SOLVER)
    assert product.code({**product.default, "method": "rk4", "enable_grad": True}) == (
        "ODESolver(velocity).sample(x, method='rk4', step_size=None, time_grid=uniform, enable_grad=True)"
        "  # on CondOTScheduler"
    )


def test_every_class_has_a_product():
    assert expand(["flow_matching:*"]) == [f"flow_matching:{name}" for name in names()]
    for name in names():
        assert str(subject(f"flow_matching:{name}")) == name
    with pytest.raises(UnknownNameError, match="did you mean 'ODESolver'"):
        product_of("flow_matching:ODESolvr")
