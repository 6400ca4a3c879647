"""With eta = 0 the entries are deterministic solvers; on data at one point most have the exact mean and variance."""

from fractions import Fraction as F
from functools import partial
from itertools import count

import pytest

from cfg_equiv.algebra.driving import trajectory
from cfg_equiv.algebra.nodes import by_lam
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.algebra.stochastic import STOCHASTIC
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL

# Ratios of sixth powers on the VP circle, as far as the logarithms of a trajectory need; and levels on the circle.
STEPS = tuple(point(RATIONAL, F(1, 1), k) for k in (F(3) ** 6, F(2) ** 6, F(3, 2) ** 6, F(1, 2) ** 6))
CIRCLE = tuple(point(RATIONAL, F(a, c), F(b, c)) for a, b, c in ((5, 12, 13), (3, 4, 5), (4, 3, 5), (12, 5, 13)))
TWINS = {"euler_ancestral": "euler_ve", "dpm_2_ancestral": "dpm_2", "ddim_eta": "ddim_eps", "v_diffusion": "ddim_v"}
TWINS |= {"dpmpp_sde_eta": "dpm_solver_pp_1"} | {name: name for name in STOCHASTIC if name in SOLVERS}
EXCESS = {"ddpm_fixed_large", "sde_dpm_solver_1", "sde_dpm_solver_2m", "sde_dpm_solver_2m_heun"}


def run(solver, points):
    """Three steps with a network that knows ``x0`` as a function of the latent."""

    def network(z, at):
        x0 = z / 3 + at.sigma / (1 + at.sigma)
        return {"x0": x0, "eps": (z - at.alpha * x0) / at.sigma, "v": (at.alpha * z - x0) / at.sigma}[solver.space]

    return list(trajectory(RATIONAL, solver, network, F(7, 4), points, partial(by_lam, RATIONAL, "ve")))


@pytest.mark.parametrize("name", TWINS)
def test_with_eta_zero_it_is_a_deterministic_solver(name):
    points = CIRCLE if STOCHASTIC[name].solver.path == "vp" else STEPS
    twin = run(SOLVERS[TWINS[name]], points)
    assert run(STOCHASTIC[name].given(lambda: F(5, 3), eta=F(0)), points) == twin
    assert run(STOCHASTIC[name].given(lambda: F(0), eta=F(1)), points) != twin


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_mean_and_the_variance_of_data_at_one_point(name):
    entry, drawn = STOCHASTIC[name], count()
    solver = entry.given(lambda: unknown(f"n{next(drawn)}", 1))

    def network(z, at):
        x0 = unknown("m", 1)
        return {"x0": x0, "eps": (z - at.alpha * x0) / at.sigma, "v": (at.alpha * z - x0) / at.sigma}[solver.space]

    start = CIRCLE[0].alpha * unknown("m", 1) + CIRCLE[0].sigma * unknown("e", 1)
    place = partial(by_lam, RATIONAL, "ve")
    latents = list(trajectory(RATIONAL, solver, network, start, CIRCLE, place))
    assert [z["m"] for z in latents] == [at.alpha for at in CIRCLE[1:]]
    variances = [sum((c * c for name, c in z.terms.items() if name != "m"), F(0)) for z in latents]
    right = [v == at.sigma * at.sigma for v, at in zip(variances, CIRCLE[1:], strict=True)]
    assert right == [name not in EXCESS] * 3


def test_an_entry_is_named_after_its_solver_and_says_where_it_is_from():
    assert all(entry.name == name and entry.solver.source for name, entry in STOCHASTIC.items())
    assert len(STOCHASTIC) >= 20
    assert STOCHASTIC["renoise"].options == {}


def test_an_option_that_the_forms_do_not_take_is_an_error():
    with pytest.raises(TypeError, match="eta"):
        STOCHASTIC["sde_dpmpp_2m"].given(lambda: F(0), eta=1).step(RATIONAL, (), CIRCLE[0])
