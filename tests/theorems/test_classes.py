"""Classes of solvers: found on the grid, proved by tableau, and refused where the coefficients differ."""

import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.theorems import classes
from cfg_equiv.theorems.classes import groups, one_map, trace, valid_on

FIRST_ORDER = ("ddim_eps", "ddim_x0", "euler_ve", "dpm_solver_1", "dpm_solver_pp_1")


def test_first_order_solvers_share_the_grid():
    assert groups("any", (*FIRST_ORDER, "dpmpp_2m")) == [FIRST_ORDER, ("dpmpp_2m",)]


@pytest.mark.parametrize("name", FIRST_ORDER[1:])
def test_and_are_proved_one_map(name):
    assert one_map("ddim_eps", name, "any") == ""


def test_path_bound_solvers_join_on_their_path():
    assert one_map("ddim_x0", "euler_flow", "flow") == ""
    assert one_map("ddim_x0", "ddim_v", "vp") == ""


def test_near_misses_are_told():
    gap = one_map("dpmpp_2m", "dpmpp_2m_heun", "any")
    assert gap.startswith("with 2 outputs in hand the coefficient of x_s in the step is ")
    assert one_map("heun", "ddim_eps", "any").endswith("inside the step they call the network at t and at no point")
    asked = one_map("dpmpp_2s", "dpmpp_3s", "any")
    assert asked == "with 1 output in hand they call the network at s, 1/2 of lam, and at s, 1/3 of lam, 2/3 of lam"


def test_a_solver_is_compared_on_its_own_path_only():
    assert valid_on(SOLVERS["euler_flow"], "flow")
    assert not valid_on(SOLVERS["euler_flow"], "any")


def test_every_solver_has_a_trace_on_the_grid_of_its_path():
    assert [name for name, solver in SOLVERS.items() if trace(name, solver.path) is None] == []


def test_nodes_without_an_exact_place_leave_a_solver_out_of_that_grid():
    assert trace("dpmpp_3s", "vp") is None


@pytest.mark.slow
def test_the_classes_are_a_partition_and_nothing_is_left_unproved():
    found = classes.partition()
    assert sorted(name for group in found.classes for name in group) == sorted(SOLVERS)
    assert found.unproved == ()
    assert set(FIRST_ORDER) | {"ddim_v", "euler_flow"} <= set(found.classes[0])


def test_a_kept_prediction_is_not_one_thing_in_two_spaces():
    pair = ("unipc_bh1_1_x0", "unipc_bh1_1_eps")
    assert one_map(*pair, "any").endswith("before it corrects: in x0 the one, in eps the other")
    first, second = (trace(name, "any") for name in pair)
    assert first[0] == second[0]
    assert first[1] != second[1]
