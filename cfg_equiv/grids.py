r"""The levels a solver is run on, validated: one step's two, or a whole grid's from noise to data.

Noise is :math:`\kappa = \sigma/\alpha`, compared as :math:`\alpha_t\sigma_s > \alpha_s\sigma_t`, which holds at both
ends too. A grid falls strictly, and only its first point may have alpha = 0, only its last sigma = 0; an inverted one
the other way round.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, det
from cfg_equiv.algebra.solvers import Inner, Solver
from cfg_equiv.errors import LevelError, ParameterError, PathError, sentence, unknown_name
from cfg_equiv.paths import PATHS, nearest_path, paths_of
from cfg_equiv.sampling import point_at
from cfg_equiv.validation import described

# The paths on which a clock can place a node (cfg_equiv.algebra.nodes).
CLOCK_PATHS = {"lam": PATHS, "kappa": PATHS, "sigma": ("ve", "flow"), "angle": ("vp",)}


def level(name: str, at: Any, z: Tensor) -> Point:
    """``at`` as a validated point: 0-dimensional in float64 on the CPU, else as the latent's dtype and device ask."""
    wide = (
        isinstance(at, Point)
        and z.ndim > 0
        and all(
            not isinstance(x, Tensor) or (x.ndim == 0 and x.dtype == torch.float64 and x.device.type == "cpu")
            for x in at[:2]
        )
    )
    return point_at(name, at, torch.empty((), dtype=torch.float64) if wide else z)


def shown(at: Point) -> str:
    """A level for a message: that of the first item where there are several."""
    alpha, sigma = (x.flatten()[0].item() for x in at[:2])
    return f"alpha = {alpha:g}, sigma = {sigma:g}"


def require_step(what: str, ends: Mapping[str, Point], invert: bool) -> None:
    """The two points of a step, by name: strictly less noise at the second, or strictly more to invert."""
    (first, s), (second, t) = ends.items()
    fall = det(*(Point(at.alpha.double(), at.sigma.double()) for at in ((s, t) if invert else (t, s))))
    pair = f"{first} ({shown(s)}) and {second} ({shown(t)})"
    direction = "more" if invert else "less"
    if (fall == 0).any():
        raise PathError(
            sentence(f"strictly {direction} noise at {second} than at {first} for {what}", f"one level twice, {pair}",
                     "drop the repeated level")
        )  # fmt: skip
    if (fall < 0).any():
        do = "drop invert=True or reverse the points" if invert else "reverse the points, or pass invert=True"
        raise PathError(sentence(f"strictly {direction} noise at {second} than at {first} for {what}", pair, do))
    for name, at in ends.items():
        for coordinate in ("alpha", "sigma"):
            zero = getattr(at, coordinate) == 0
            if zero.any() and not zero.all():
                raise LevelError(
                    sentence(
                        f"{coordinate} = 0 at {name} for all items or for none, in {what}",
                        "both",
                        "run the items whose levels differ so much on their own",
                    )
                )


def require_grid(solver: Solver, points: Any, z: Tensor, invert: bool, allow_short: bool) -> list[Point]:
    """The points of a trajectory, validated, each error with the index."""
    name = f"solver {solver.name!r}"
    if isinstance(points, Point | Tensor) or not isinstance(points, Sequence):
        came = described(points) if isinstance(points, Tensor) else type(points).__name__
        raise ParameterError(sentence(f"a sequence of points for {name}", came, "pass schedule.points(n)"))
    if len(points) < 2:
        raise ParameterError(sentence(f"at least 2 points for {name}", str(len(points)), "pass schedule.points(n)"))
    levels = [level(f"points[{k}]", at, z) for k, at in enumerate(points)]
    for k, at in enumerate(levels[1:-1], 1):
        for coordinate, end in (("alpha", "last" if invert else "first"), ("sigma", "first" if invert else "last")):
            if (getattr(at, coordinate) == 0).any():
                raise PathError(
                    sentence(
                        f"{coordinate} > 0 at points[{k}] for {name}",
                        f"{coordinate} = 0 before the last point" if end == "last" else f"{coordinate} = 0",
                        f"only the {end} point may have it",
                    )
                )
    for k, (s, t) in enumerate(pairwise(levels)):
        require_step(name, {f"points[{k}]": s, f"points[{k + 1}]": t}, invert)
    steps = len(levels) - 1
    own_end = solver.last is not None and bool((levels[-1].sigma == 0).all())
    needed = len(solver.predict) + own_end
    if steps < needed and not allow_short:
        raise ParameterError(
            sentence(
                f"at least {needed} steps for {name} to take one in its full form"
                + (", the step to sigma = 0 being another" if own_end else ""),
                f"{steps}",
                "take more, or pass allow_short=True for what its other forms give",
            )
        )
    return levels


def which_path(solver: Solver, given: str | None, points: Mapping[str, Point]) -> str | None:
    """The path of these points, where the solver needs one: for its forms, or to place its inner nodes."""
    if given is not None and given not in PATHS:
        raise unknown_name("path", given, PATHS)
    forms = (*solver.predict, *([solver.last] if solver.last is not None else []))
    inner = any(isinstance(form, Inner) and form.nodes for form in forms)
    allowed = CLOCK_PATHS[solver.clock] if inner else PATHS
    if solver.path != "any":
        allowed = tuple(path for path in allowed if path == solver.path)
    elif not inner:
        return given
    found = paths_of(points.values())
    if given is not None:
        found = (given,) if given in found or nearest_path(points.values()) == given else ()
    usable = tuple(path for path in found if path in allowed)
    if len(usable) == 1:
        return usable[0]
    why = f"its inner nodes are placed on the clock {solver.clock!r}" if inner else "its forms are written for it"
    wanted = f"points of the {' or '.join(allowed)} path for solver {solver.name!r} ({why})"
    if usable:
        raise PathError(sentence(wanted, f"points of both {' and '.join(usable)}, ends alone", "pass path="))
    if found:
        raise PathError(
            sentence(wanted, f"points of the {' and '.join(found)} path", "pass points of that path, or another solver")
        )
    if given is not None:
        near = nearest_path(points.values())
        raise PathError(
            sentence(wanted, f"path={given!r} for points next to the {near} path", "correct one of the two")
        )
    where = next(name for name, at in points.items() if not paths_of([at]))
    raise PathError(
        sentence(
            wanted,
            f"{where} at {shown(points[where])}, on none to within the rounding of {points[where].alpha.dtype}",
            "pass path= if the levels are rounded to a narrower dtype, or another solver",
        )
    )
