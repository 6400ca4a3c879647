"""Proved orders against what is known by hand, and against mutations; the whole catalogue in the slower tier."""

import pytest

from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1
from cfg_equiv.algebra.solvers import SOLVERS, Inner, Solver
from cfg_equiv.algebra.solvers.record import lift
from cfg_equiv.errors import ParameterError, PathError, UnknownNameError
from cfg_equiv.exact.element import ExactError
from cfg_equiv.theorems.jet_model import GRIDS, Model
from cfg_equiv.theorems.order import difference_order, order, order_row, order_table, representatives
from cfg_equiv.theorems.orders import PROVED, THEOREMS, expected
from cfg_equiv.theorems.prove import prove
from cfg_equiv.theorems.record import Theorem
from cfg_equiv.theorems.tableau import Step


def test_a_first_order_step_misses_half_the_slope():
    assert order("ddim_x0").leading == "-X'/2 * h^2"
    assert order("ddim_eps").leading == "eps'*kappa/2 * h^2"
    assert order("euler_flow") == order("ddim_x0")


@pytest.mark.parametrize("grid", GRIDS)
def test_the_released_third_order_has_order_two(grid):
    """The second difference at half its weight: h^3/12 of the second derivative, in both forms."""
    assert (order("dpmpp_3m", grid).order, order("dpmpp_3m", grid).leading) == (2, "-X''/12 * h^3")
    assert order("dpmpp_3m", grid).latex == r"- \frac{X''}{12}\, h^{3}"
    assert (order("dpm_solver_3m", grid).order, order("dpm_solver_3m", grid).leading) == (2, "eps''*kappa/12 * h^3")
    assert order("dpmpp_3m_corrected", grid).order == order("dpm_solver_3m_corrected", grid).order == 3


def test_the_corrected_third_order_leaves_the_third_derivative():
    # The integral of tau*(tau + 1)*(tau + 2)/6 over the unit step is 3/8.
    assert order("dpmpp_3m_corrected", "uniform").leading == "-3*X'''/8 * h^4"


def test_fixed_coefficients_are_of_order_two_only_where_steps_grow_smoothly():
    assert order_row("plms").orders == (1, 2, 2)
    assert order("adams_2_eps").leading == "-eps'*kappa*(r1 - 1)/2 * h^2"


def test_runge_kutta_steps():
    assert order("heun").order == 2
    assert order("deis_rho_rk4", "uniform").order == 4


def _two(weight):
    """The second-order multistep method, its slope taken this many times."""

    def form(xp, past, t):
        now, before = past[0], past[1]
        h = t.lam - now.at.lam
        slope = weight * (now.pred - before.pred) / (now.at.lam - before.at.lam)
        return t.sigma / now.at.sigma * now.z - t.alpha * xp.expm1(-h) * (now.pred + h / 2 * slope)

    return Solver("two", "x0", (lift(dpm_solver_pp_1), form), order=2, source="typed here")


def test_a_flipped_sign_costs_the_order():
    assert order(_two(1)).order == order("dpmpp_2m").order == 2
    assert order(_two(1)).leading == order("dpmpp_2m").leading
    assert order(_two(-1)).order == 1
    assert order(_two(-1)).leading == "-X' * h^2"


def test_a_wrong_scale_is_not_consistent():
    def form(xp, past, t):
        return past[0].z

    assert order(Solver("still", "x0", (form,), order=1, source="typed here")).order == 0


def test_a_network_asked_far_from_the_solution_has_no_order():
    def form(xp, past, t, net):
        return net(2 * past[0].z, t)

    with pytest.raises(ExactError, match="does not come near the solution's"):
        order(Solver("far", "x0", (Inner(form),), order=1, source="typed here"))


def test_the_difference_of_two_second_order_solvers():
    found = difference_order("dpmpp_2m", "dpmpp_2m_heun")
    assert found is not None
    assert (found.power, found.leading, found.latex) == (3, "-X'/12 * h^3", r"- \frac{X'}{12}\, h^{3}")
    across = difference_order("ddim_v", "dpmpp_2m", "uniform")
    assert across is not None
    assert (across.power, across.leading) == (2, "-X'/2 * h^2")


def test_one_map_has_no_difference():
    assert difference_order("ddim_x0", "ddim_eps", "uniform") is None


def test_names_are_checked():
    with pytest.raises(UnknownNameError, match="got 'heunn': did you mean 'heun'"):
        order("heunn")
    with pytest.raises(UnknownNameError, match="expected a grid out of any_ratio, smooth_grid, uniform, got 'log'"):
        order("heun", "log")
    with pytest.raises(UnknownNameError, match="expected a grid"):
        difference_order("heun", "ddim_x0", "log")
    with pytest.raises(UnknownNameError, match="expected a solver"):
        order_table(["nothing"])
    with pytest.raises(ParameterError, match="expected a number of workers above 0, got 0: leave it at 1"):
        order_table(["heun"], workers=0)
    with pytest.raises(PathError, match="expected two solvers with a path in common, got ddim_v on vp and euler_flow"):
        difference_order("ddim_v", "euler_flow")


def test_exceptions_differ_from_the_claims():
    assert all(orders != (SOLVERS[name].order,) * 3 for name, orders in PROVED.items())
    assert set(PROVED) <= set(SOLVERS)
    assert expected("heun") == (2, 2, 2)


def test_kappa_matters_to_the_flow_combinations():
    """Taken at kappa = 1 alone, three equal steps would look better than they are."""
    step = Step(SOLVERS["adams_3_flow"])
    at_one = Model("uniform", "any", 5, past=2, width=0).error(step)
    assert at_one.valuation == 4
    assert order("adams_3_flow", "uniform").order == 2


@pytest.mark.slow
def test_the_theorem_on_some_of_the_catalogue():
    """``verify`` runs all of it."""
    representatives()  # the classes, proved once here instead of inside the recorded claim, where they take longer
    (theorem,) = THEOREMS
    assert len(theorem.parts) == len(SOLVERS) + 1
    parts = dict(zip(SOLVERS, theorem.parts, strict=False))
    some = (
        "ddim_v",
        "dpm_3_flow",
        "er_sde_3",
        "ipndm_v_4",
        "prk",
        "unipc_vary_2_eps_released",
        "sa_pece_23_x0",
        "vab_2",
    )
    result = prove(Theorem("S0", "some parts", "here", "field", (*(parts[name] for name in some), theorem.parts[-1])))
    assert result.holds, result.detail
    assert "algebra.solvers.er_sde.er_sde_3" in result.calls


@pytest.mark.slow
def test_a_wrong_table_is_found(monkeypatch):
    monkeypatch.setitem(PROVED, "ddim_x0", (1, 2, 1))
    (theorem,) = THEOREMS
    part = theorem.parts[list(SOLVERS).index("ddim_x0")]
    result = prove(Theorem("S0", "made up", "here", "field", (part,)))
    assert result.status == "failed"
    assert "order of ddim_x0, uniform is false: 1 against 2" in result.detail


@pytest.mark.slow
def test_the_table_renames_the_members_of_a_class():
    done = []
    table = order_table(["lms_3", "zab_3", "dpmpp_3m_sde"], progress=done.append, workers=2)
    assert list(table) == ["lms_3", "zab_3", "dpmpp_3m_sde"]
    assert table["lms_3"].uniform == table["zab_3"].uniform
    assert (table["dpmpp_3m_sde"].claim, table["dpmpp_3m_sde"].orders) == (3, (2, 2, 2))
    assert done == ["zab_3", "dpmpp_3m_sde"]
