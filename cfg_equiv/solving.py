r"""A whole trajectory of a solver on tensors, validated; the native forms are :mod:`cfg_equiv.algebra.solvers`.

:func:`solve` runs the loop of :mod:`cfg_equiv.algebra.driving` with a network of any parameterization;
:class:`~cfg_equiv.stepper.Stepper` is for those who have their own, and says what happens at the ends of a path.

**Levels** are 0-dimensional float64 as schedules hand them out, whatever the latent's dtype: then the coefficients are
computed in float64 and only their products with latents round in the latent's dtype. Levels of the latent's dtype, or
one level an item, are taken as well.

**Nothing computed is lost.** Whatever stops :func:`solve` (an error of the network, Ctrl-C, one of the errors here)
leaves with the attribute ``latents`` and a note that says in which step it came: the latents so far with
``trace=True``, else the last one.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any, Literal, overload

from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import Solver
from cfg_equiv.grids import require_grid, which_path
from cfg_equiv.stepper import Network, Stepper, require_finite


class _Kept:
    """What was computed, handed to whatever error stops the run."""

    def __init__(self, z: Tensor, trace: bool, what: str) -> None:
        self.latents, self.trace, self.what, self.taken = [z], trace, what, 0

    def add(self, z: Tensor) -> None:
        self.latents = [*self.latents, z] if self.trace else [z]
        self.taken += 1

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            error.__dict__["latents"] = self.latents
            error.add_note(f"stopped in step {self.taken} of {self.what}; .latents[-1] is at points[{self.taken}]")


@overload
def solve(
    solver: str | Solver,
    network: Network,
    z: Tensor,
    points: Sequence[Point],
    *,
    source: str,
    trace: Literal[False] = False,
    path: str | None = None,
    invert: bool = False,
    allow_short: bool = False,
    **row_parameters: Any,
) -> Tensor: ...


@overload
def solve(
    solver: str | Solver,
    network: Network,
    z: Tensor,
    points: Sequence[Point],
    *,
    source: str,
    trace: Literal[True],
    path: str | None = None,
    invert: bool = False,
    allow_short: bool = False,
    **row_parameters: Any,
) -> list[Tensor]: ...


def solve(
    solver: str | Solver,
    network: Network,
    z: Tensor,
    points: Sequence[Point],
    *,
    source: str,
    trace: bool = False,
    path: str | None = None,
    invert: bool = False,
    allow_short: bool = False,
    **row_parameters: Any,
) -> Tensor | list[Tensor]:
    """The latent at ``points[-1]``, from the latent ``z`` at ``points[0]``.

    ``network(z, at)`` predicts parameterization ``source``; for a CFG++ solver it returns ``Guided(guided, uncond)``.
    ``points`` run from noise to data, as ``schedule.points(n)`` hands them out. Gradients are recorded if enabled.

    Parameters
    ----------
    trace
        Return the latents at all points, ``z`` first.
    path
        ``vp``, ``ve`` or ``flow``, where the points themselves do not say to within rounding.
    invert
        Run from data to noise: the points in the other order.
    allow_short
        Take fewer steps than the solver's full form needs, its warm-up alone.
    """
    stepper = Stepper(solver, source=source, path=path, invert=invert, **row_parameters)
    require_finite("z", z, f"for solver {stepper.solver.name!r}")
    levels = require_grid(stepper.solver, points, z, invert, allow_short)
    path = which_path(stepper.solver, path, {f"points[{k}]": at for k, at in enumerate(levels)})
    with _Kept(z, trace, f"{len(levels) - 1} of solver {stepper.solver.name!r}") as kept:
        for s, t in pairwise(levels):
            kept.add(stepper.between(network, kept.latents[-1], s, t, path))
    return kept.latents if trace else kept.latents[-1]
