"""The Adams, ER-SDE, inverse and CFG++ families take one trajectory, whatever the network predicts.

Where a form reads two branches, the network answers with both.
"""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import SOLVERS, Guided, azula, cfg_pp, cfg_pp_higher, er_sde, inverse, skrample
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.exact.rational import RATIONAL

FAMILIES = (azula, cfg_pp, cfg_pp_higher, er_sde, inverse, skrample)
NAMES = [solver.name for family in FAMILIES for solver in family.SOLVERS]
LEVELS = (F(9, 10), F(4, 5), F(1, 2), F(1, 3))


def on_path(path, u):
    """A rational curve of the path: what is compared does not depend on where the nodes lie."""
    alpha, sigma = {
        "any": (2 - u * u, u * (1 + u)),
        "vp": ((1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)),
        "flow": (1 - u, u),
    }[path]
    return point(RATIONAL, alpha, sigma)


def latents(solver, row, wrong=0):
    """Three steps; ``wrong`` is added to what the unconditional branch, or the only one, should say."""
    levels = {on_path(solver.path, u): u for u in LEVELS}

    def said(z, at, shift):
        x0 = z / (2 + at.sigma) + at.sigma / 3 + shift
        return emit(RATIONAL, x0, (z - at.alpha * x0) / at.sigma, at, row)

    def network(z, at):
        uncond = said(z, at, 0) + wrong
        return Guided(said(z, at, F(7, 5)), uncond) if solver.branches else uncond

    def place(s, t, fraction):
        return on_path(solver.path, levels[s] + (levels[t] - levels[s]) * fraction)

    return list(trajectory(RATIONAL, solver, native_network(RATIONAL, solver, row, network), F(7, 4), [*levels], place))


@pytest.mark.parametrize("name", NAMES)
def test_one_trajectory_from_every_parameterization(name):
    solver = SOLVERS[name]
    native = latents(solver, solver.space)
    assert len(native) == 3
    assert [row for row in ("eps", "x0", "v", "flow") if latents(solver, row) != native] == []
    assert latents(solver, "flow", wrong=1) != native


def test_the_families_are_in_the_catalogue_under_names_of_their_own():
    assert len(NAMES) == len(set(NAMES)) == 42
