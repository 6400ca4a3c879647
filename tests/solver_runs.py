"""Networks, grids and starts that the tests of the solvers on tensors share."""

import torch

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import Guided
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.grids import CLOCK_PATHS
from cfg_equiv.models import Gaussian, point_mass
from cfg_equiv.schedules import levels

KAPPA = torch.tensor([3.0, 1.75, 1.0, 0.5, 0.25, 0.125], dtype=torch.float64)
MEAN = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], dtype=torch.float64)  # two items, nothing in common
COND = Gaussian(MEAN, torch.tensor([[0.25, 1.0, 2.0], [0.5, 0.25, 1.5]], dtype=torch.float64))
UNCOND = Gaussian(MEAN.flip(0) / 2, torch.tensor([[1.0, 0.5, 1.0], [2.0, 1.0, 0.75]], dtype=torch.float64))
POINT = point_mass(MEAN)
EPS = torch.tensor([[1.0, -0.5, 0.25], [2.0, 0.125, -1.0]], dtype=torch.float64)
GIVEN = {"dalpha": -0.5, "dsigma": 1.5, "sigma_data": 0.5}


def given(source):
    return {name: GIVEN[name] for name in PARAMETERIZATIONS[source].needs}


def paths(solver):
    """The paths on which a solver runs."""
    return [path for path in CLOCK_PATHS[solver.clock] if solver.path in ("any", path)]


def grid(solver, path, steps=None, end=False):
    """Levels enough for one step in the full form; with ``end`` the last is sigma = 0."""
    steps = steps or max(2, len(solver.predict) + (end and solver.last is not None))
    points = levels(KAPPA[: steps + 1 - end], path)
    return points if end else points[:-1]


def start(at):
    return at.alpha * MEAN + at.sigma * EPS


def network(solver, source, cond=COND, uncond=UNCOND, nudge=lambda x: x):
    """The exact network of ``source``: what it knows of data and noise, emitted by definition."""

    def say(model, z, at):
        return emit(torch, nudge(model.x0(z, at)), nudge(model.eps(z, at)), at, source, **given(source))

    def answer(z, at):
        return Guided(say(cond, z, at), say(uncond, z, at)) if solver.branches else say(cond, z, at)

    return answer
