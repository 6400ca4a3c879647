r"""Meta's flow_matching: the conversions of ``AffineProbPath``.

There :math:`X_t = \alpha_t X_1 + \sigma_t X_0` with ``x_1`` the data and ``x_0`` the **noise**, and time runs from
noise to data. The six conversions between data ("target"), noise ("epsilon") and velocity take whatever the scheduler
returns, so they run on field elements unchanged and are proved as shipped, on any differentiable path.

References
----------
[Lipman24] Lipman et al., Flow Matching Guide and Code, arXiv:2412.06264; ``flow_matching/path/affine.py``.
"""

import itertools
from typing import Any

import torch

from cfg_equiv.algebra import literature
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.intervals import INTERVAL
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.floats import Floats, draw, elementwise
from cfg_equiv.peers.symbols import Symbolic, assert_differ, assert_equal, symbols
from cfg_equiv.rounding import BoundMode

NEEDS = ("flow_matching",)
SPACES = {"target": "x0", "epsilon": "eps", "velocity": "velocity"}
CONVERSIONS = tuple((a, b) for a in SPACES for b in SPACES if a != b)


def released_conversion(path: Any, source: str, target: str, pred: Any, z: Any, t: Any) -> Any:
    """``path.<source>_to_<target>(pred, x_t, t)``."""
    return getattr(path, f"{source}_to_{target}")(pred, x_t=z, t=t)


def affine_path_proved() -> str:
    """Every conversion equals ``convert``, the printed velocity forms, and the definition of the rows; CFG commutes."""
    from flow_matching.path import AffineProbPath
    from flow_matching.path.scheduler.scheduler import SchedulerOutput

    field = Field(["alpha", "sigma", "dalpha", "dsigma", "z", "c", "u", "x0", "eps", "w"])
    alpha, sigma, dalpha, dsigma, z, c, u, x0, eps, w = symbols(field, *field.gens)
    at, rates = Point(alpha, sigma), {"dalpha": dalpha, "dsigma": dsigma}
    path = AffineProbPath(scheduler=lambda t: SchedulerOutput(alpha, sigma, dalpha, dsigma))
    for source, target in CONVERSIONS:
        what, a, b = f"{source}_to_{target}", SPACES[source], SPACES[target]
        released = released_conversion(path, source, target, c, z, None)
        assert_equal(released, to_space(Symbolic, z, c, at, a, b, **rates), what)
        noisy = alpha * x0 + sigma * eps
        truth = released_conversion(path, source, target, emit(Symbolic, x0, eps, at, a, **rates), noisy, None)
        assert_equal(truth, emit(Symbolic, x0, eps, at, b, **rates), f"{what} of the exact prediction")
        guided = released_conversion(path, source, target, cfg(c, u, w), z, None)
        other = released_conversion(path, source, target, u, z, None)
        assert_equal(guided, cfg(released, other, w), f"CFG through {what}")
        assert_differ(guided, cfg(other, released, w), f"CFG through {what} with the branches exchanged")
    printed = (("target", literature.velocity_from_x0), ("epsilon", literature.velocity_from_eps))
    for source, form in printed:
        released = released_conversion(path, source, "velocity", c, z, None)
        assert_equal(released, form(z, c, at, dalpha, dsigma), f"{source}_to_velocity as printed")
    return (
        f"proved as shipped on any path: {len(CONVERSIONS)} conversions equal convert() and the rows' definitions, "
        f"{len(printed)} equal the printed velocity forms, CFG commutes with all of them"
    )


def affine_path_floats() -> str:
    """The released schedules and conversions on tensors, against the exact conversion at what the schedule returned."""
    from flow_matching.path import AffineProbPath
    from flow_matching.path.scheduler import CondOTScheduler, CosineScheduler, PolynomialConvexScheduler, VPScheduler

    floats = Floats()
    schedulers = (CondOTScheduler(), PolynomialConvexScheduler(3), VPScheduler(), CosineScheduler())
    for scheduler, dtype in itertools.product(schedulers, (torch.float64, torch.float32)):
        z, pred = draw(2, seed=11, dtype=dtype)
        # One time per item. The conversions do not expand it: a 1-d t would be broadcast over the last axis.
        t = torch.tensor([0.25, 0.625], dtype=dtype).reshape(-1, 1, 1)
        given = scheduler(t)
        alpha, sigma, dalpha, dsigma = (
            x.expand_as(z) for x in (given.alpha_t, given.sigma_t, given.d_alpha_t, given.d_sigma_t)
        )
        path = AffineProbPath(scheduler=lambda t, given=given: given)
        for source, target in CONVERSIONS:
            with BoundMode() as mode:
                got = released_conversion(path, source, target, pred, z, t)
            exact = elementwise(
                lambda z, pred, alpha, sigma, dalpha, dsigma, a=SPACES[source], b=SPACES[target]: to_space(
                    INTERVAL, z, pred, Point(alpha, sigma), a, b, dalpha=dalpha, dsigma=dsigma
                ),
                *(z, pred, alpha, sigma, dalpha, dsigma),
            )
            floats.check(f"{source}_to_{target} on {type(scheduler).__name__}, {dtype}", mode, got, exact)
    names = ", ".join(type(scheduler).__name__ for scheduler in schedulers)
    return f"{len(CONVERSIONS)} conversions in float64 and float32 on {names}: {floats}"


COMPARISONS = (
    Comparison("flow_matching AffineProbPath, symbols", NEEDS, affine_path_proved),
    Comparison("flow_matching AffineProbPath, floats", NEEDS, affine_path_floats),
)
