"""Where a step calls the network: the fractions of the step, from papers and defaults, and the points they mean."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.solvers import SOLVERS, Inner
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import at

HALF, THIRDS = ("1/2",), ("1/3", "2/3")
# On the clock of half-log-SNR unless it says otherwise.
NODES = {
    **dict.fromkeys(["dpm_solver_2s", "dpm_solver_2s_taylor", "dpmpp_2s", "dpmpp_2s_taylor", "dpm_solver_12"], HALF),
    **dict.fromkeys(["dpm_solver_3s", "dpm_solver_3s_taylor", "dpmpp_3s", "dpmpp_3s_taylor", "dpm_solver_23"], THIRDS),
    **{f"{solver}_2s_{kind}": HALF for solver in ("dpm_solver", "dpmpp") for kind in ("midpoint", "heun")},
    **{f"{solver}_3s_{kind}": THIRDS for solver in ("dpm_solver", "dpmpp") for kind in ("midpoint", "heun")},
    **dict.fromkeys(["dpmpp_2s_ancestral", "dpmpp_2s_ancestral_rf", "dpmpp_sde"], HALF),
    **dict.fromkeys(["dpmpp_2s_cfg_pp", "dpmpp_2s_cfg_pp_first", "dpmpp_2s_cfg_pp_flow"], HALF),
    **dict.fromkeys(["res_2s", "res_3s", "seeds_2", "seeds_2_phi_2", "dpm_2"], HALF),
    "seeds_3": THIRDS,
}
# In kappa, the noise level of the flow path, or the angle.
ELSEWHERE = {
    **dict.fromkeys(["deis_rho_kutta3", "deis_rho_ssprk3", "deis_rho_rk4", "edm_midpoint"], ("kappa", *HALF)),
    "deis_rho_ralston3": ("kappa", "1/2", "3/4"),
    "deis_rho_heun3": ("kappa", *THIRDS),
    "deis_rho_houwen3": ("kappa", "8/15", "2/3"),
    "edm_ralston": ("kappa", "2/3"),
    **dict.fromkeys(["flow_midpoint", "flow_rk4"], ("sigma", *HALF)),
    **dict.fromkeys(["flow_heun3", "flow_rk4_38"], ("sigma", *THIRDS)),
    **dict.fromkeys(["prk", "f_pndm"], ("angle", *HALF)),
}


def test_the_nodes_of_every_entry():
    known = {name: ("lam", *fractions) for name, fractions in NODES.items()} | ELSEWHERE
    for name, solver in SOLVERS.items():
        for form in solver.predict:
            if isinstance(form, Inner) and form.nodes:
                clock, *fractions = known[name]
                assert (solver.clock, form.nodes) == (clock, tuple(map(F, fractions))), name
    with_nodes = {n for n, s in SOLVERS.items() if any(isinstance(f, Inner) and f.nodes for f in s.predict)}
    assert with_nodes == set(known)


@pytest.mark.parametrize(
    ("clock", "path", "kappas", "fraction", "known"),
    [
        # sqrt(3/2*3/8) = 3/4; the cube root of 8*8*1 is 4; 8 - 7/3 = 17/3
        ("lam", "vp", ("3/2", "3/8"), "1/2", ("4/5", "3/5")),
        ("lam", "flow", ("8", "1"), "1/3", ("1/5", "4/5")),
        ("lam", "ve", ("8", "1"), "2/3", ("1", "2")),
        ("kappa", "flow", ("8", "1"), "1/3", ("3/20", "17/20")),
        ("kappa", "vp", ("9/4", "1/4"), "3/4", ("4/5", "3/5")),
        ("kappa", "ve", ("8", "1"), "1/3", ("1", "17/3")),
    ],
)
def test_a_node_between_two_ratios(clock, path, kappas, fraction, known):
    s, t = (at(F(kappa), alpha) for kappa, alpha in zip(kappas, (2, 5), strict=True))
    assert CLOCKS[clock](RATIONAL, path, s, t, F(fraction))[:2] == tuple(map(F, known))


def test_a_node_between_two_noise_levels():
    # sigma 12 and 15, a third of the way
    s, t = at(6, 2), at(3, 5)
    assert CLOCKS["sigma"](RATIONAL, "ve", s, t, F(1, 3))[:2] == (1, 13)
    assert CLOCKS["sigma"](RATIONAL, "flow", s, t, F(1, 3))[:2] == (-12, 13)
