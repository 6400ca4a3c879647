"""Anchors of the one-step families: their Butcher tableaus, from the literature, read off the shipped forms."""

from dataclasses import replace
from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS, Inner
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.reading import level, memory, stages

S, T = level(4, "1/2"), level(1, 3)
FLOW_S, FLOW_T = (point(RATIONAL, 1 - F(k, 5), F(k, 5)) for k in (4, 1))

HEUN = [(1, [1]), (1, ["1/2", "1/2"])]
MIDPOINT = [("1/2", ["1/2"]), (1, [0, 1])]
RALSTON = [("2/3", ["2/3"]), (1, ["1/4", "3/4"])]
HEUN_3 = [("1/3", ["1/3"]), ("2/3", [0, "2/3"]), (1, ["1/4", 0, "3/4"])]
CLASSIC = [("1/2", ["1/2"]), ("1/2", [0, "1/2"]), (1, [0, 0, 1]), (1, ["1/6", "1/3", "1/3", "1/6"])]
THREE_EIGHTHS = [("1/3", ["1/3"]), ("2/3", ["-1/3", 1]), (1, [1, -1, 1]), (1, ["1/8", "3/8", "3/8", "1/8"])]
TABLEAUS = {
    "heun": HEUN,
    "pie": HEUN,
    "deis_rho_heun": HEUN,
    "edm_midpoint": MIDPOINT,
    "edm_ralston": RALSTON,
    "deis_rho_kutta3": [("1/2", ["1/2"]), (1, [-1, 2]), (1, ["1/6", "2/3", "1/6"])],
    "deis_rho_ralston3": [("1/2", ["1/2"]), ("3/4", [0, "3/4"]), (1, ["2/9", "1/3", "4/9"])],
    "deis_rho_heun3": HEUN_3,
    "deis_rho_houwen3": [("8/15", ["8/15"]), ("2/3", ["1/4", "5/12"]), (1, ["1/4", 0, "3/4"])],
    "deis_rho_ssprk3": [(1, [1]), ("1/2", ["1/4", "1/4"]), (1, ["1/6", "1/6", "2/3"])],
    "deis_rho_rk4": CLASSIC,
    "flow_midpoint": MIDPOINT,
    "flow_heun": HEUN,
    "flow_heun2": HEUN,
    "flow_heun3": HEUN_3,
    "flow_rk4": CLASSIC,
    "flow_rk4_38": THREE_EIGHTHS,
}


def known(tableau):
    calls = len(tableau) - 1
    return [(F(c), [*map(F, row), *[0] * (calls + 1 - len(row))]) for c, row in tableau]


def read(solver):
    """The tableau, with the nodes where the solver's own clock puts them on the flow path."""
    flow = solver.path == "flow"
    s, t = (FLOW_S, FLOW_T) if flow else (S, T)
    nodes = [CLOCKS[solver.clock](RATIONAL, "flow", s, t, r) for r in solver.nodes((None,))]
    return stages(solver, t, s, nodes, "flow" if flow else "eps", "sigma" if flow else "kappa")


@pytest.mark.parametrize("name", TABLEAUS)
def test_the_tableau(name):
    assert read(SOLVERS[name]) == known(TABLEAUS[name])


def test_a_wrong_weight_shows():
    def wrong(xp, past, t, net, mid):
        x, dt = past[0].z, t.sigma - past[0].at.sigma
        return x + dt * net(x + dt * past[0].pred * F(51, 100), mid)

    broken = replace(SOLVERS["flow_midpoint"], predict=(Inner(wrong, (F(1, 2),)),))
    assert read(broken) != known(MIDPOINT)


def test_dpm_2_has_its_node_at_the_geometric_mean():
    """Levels 4 and 1: the node is 2, two thirds of the way in kappa, and its slope takes the whole step."""
    (half,) = SOLVERS["dpm_2"].nodes((None,))
    mid = CLOCKS["lam"](RATIONAL, "ve", level(4), level(1), half)
    assert (mid.alpha, mid.sigma) == (1, 2)
    found = stages(SOLVERS["dpm_2"], T, S, [level(2, "2/3")], "eps", "kappa")
    assert found == known([("2/3", ["2/3"]), (1, [0, 1])])


# Twice the angle of (12, 5)/13 and of (4, 3)/5, and their sum, which is the bisector.
CIRCLE = (F(7, 25), F(24, 25)), (F(33, 65), F(56, 65)), (F(119, 169), F(120, 169))


@pytest.mark.parametrize("name", ["prk", "f_pndm"])
def test_pseudo_runge_kutta_halves_the_angle(name):
    s, mid, t = (point(RATIONAL, *at) for at in CIRCLE)
    solver = SOLVERS[name]
    (half,) = solver.nodes((None,))
    assert CLOCKS[solver.clock](RATIONAL, "vp", s, t, half)[:2] == mid[:2]
    # in kappa the node lies at (24/7 - 56/33) / (24/7 - 120/119)
    c = F(400, 231) / F(288, 119)
    found = stages(solver, t, s, [mid], "eps", "kappa")
    assert found == known([(c, [c]), (c, [0, c]), (1, [0, 0, 1]), (1, ["1/6", "1/3", "1/3", "1/6"])])


@pytest.mark.parametrize("name", ["s_pndm", "plms"])
def test_pseudo_improved_euler_starts_pndm(name):
    s, _, t = (point(RATIONAL, *at) for at in CIRCLE)
    assert stages(SOLVERS[name], t, s, [], "eps", "kappa") == known(HEUN)


def test_three_steps_of_runge_kutta_start_f_pndm():
    assert [isinstance(form, Inner) for form in SOLVERS["f_pndm"].predict] == [True, True, True, False]
    assert [isinstance(form, Inner) for form in SOLVERS["plms"].predict] == [True, False, False, False]


@pytest.mark.parametrize("name", ["dpm_2", "edm_midpoint", "edm_ralston", "flow_heun"])
def test_the_last_step_is_eulers(name):
    """At sigma = 0 that is the denoised sample; on the flow path ``z - sigma*u``."""
    solver = SOLVERS[name]
    s, row = (FLOW_S, "flow") if solver.path == "flow" else (S, "x0")
    end = solver.step(RATIONAL, memory(solver, [s], row), Point(F(1), F(0)), end=True)
    expected = {"z0": 1, "e0": F(-4, 5)} if row == "flow" else {"e0": 1}
    assert {term: c for term, c in end.terms.items() if c} == expected
