"""Reading the coefficients of a solver's step: it is run on unknowns, in the state z/alpha on every path but flow."""

from fractions import Fraction as F

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import Past, Solver
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import RATIONAL


def level(kappa: object, alpha: object = 1) -> Point:
    """The point with this noise-to-signal ratio."""
    return point(RATIONAL, F(alpha), F(alpha) * F(kappa))


def memory(solver: Solver, points: list[Point], row: str) -> tuple[Past, ...]:
    """A past with latents ``z0, z1, ...`` and predictions ``e0, e1, ...`` of the row, newest first."""
    past = []
    for k, at in enumerate(points):
        z = unknown(f"z{k}", F(1))
        past.append(Past(at, z, to_space(RATIONAL, z, unknown(f"e{k}", F(1)), at, row, solver.space)))
    return tuple(past)


def weights(solver: Solver, t: Point, points: list[Point], row: str = "eps") -> list[F]:
    """The weights of the noises in ``z'/alpha' = z/alpha + h*sum(w*e)``, newest first, h the step in kappa."""
    now = points[0]
    moved = solver.step(RATIONAL, memory(solver, points, row), t)
    h = t.sigma / t.alpha - now.sigma / now.alpha
    assert moved["z0"] == t.alpha / now.alpha
    assert not any(moved[f"z{k}"] for k in range(1, len(points)))
    return [moved[f"e{k}"] / t.alpha / h for k in range(len(points))]


def stages(solver: Solver, t: Point, s: Point, nodes: list[Point], row: str, clock: str) -> list[tuple[F, list[F]]]:
    """Of every call inside the step, and of its end: the fraction of the step, and the weights of the predictions.

    The predictions are ``e0`` at ``s`` and ``e1, e2, ...`` in the order of the calls. On the clock ``kappa`` the state
    is ``z/alpha``, on ``sigma`` it is ``z``.
    """
    (now,) = memory(solver, [s], row)
    calls: list[tuple[Combination, Point]] = []

    def net(z: Combination, at: Point) -> Combination:
        calls.append((z, at))
        return to_space(RATIONAL, z, unknown(f"e{len(calls)}", F(1)), at, row, solver.space)

    end = solver.step(RATIONAL, (now,), t, net, tuple(nodes))
    found = []
    for z, at in [*calls, (end, t)]:
        scales = (at.alpha, s.alpha) if clock == "kappa" else (1, 1)
        times = [p.sigma / p.alpha if clock == "kappa" else p.sigma for p in (s, at, t)]
        assert z["z0"] == F(scales[0]) / scales[1]
        h = times[2] - times[0]
        found.append(((times[1] - times[0]) / h, [z[f"e{k}"] / scales[0] / h for k in range(len(calls) + 1)]))
    return found
