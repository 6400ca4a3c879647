r"""What two correct runs may differ by: the terms that EQ, X0, its twin and DT put their bounds together from.

- **One ulp** in the start, in the latents that the network sees and in its predictions, through the sampler itself
  (:func:`moved_by_ulps`): a statistical verdict, as a running bound over a trajectory would be vacuous
  (:mod:`cfg_equiv.rounding.rerun`). Every check asks for it, and for the others what no such ulp shows:
- **One ulp of the data prediction** (:func:`with_data`). Most code goes through it, whatever it is given. A step to a
  small sigma divides it by that, and then it is many ulps of the noise prediction. EQ, the twin and DT.
- **The sums of a step from a large sigma** (:func:`of_sums`), which forgets where it started. All four.
- **A table** of levels in single precision, :data:`TABLE`. The twin, SCH, and the moments, which are told the levels.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.rounding.constants import FORMATS, format_of
from cfg_equiv.rounding.rerun import NotDeterministicError, Nudge, Spread, calibrated_spread
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.network import run
from cfg_equiv.testing.subjects import Sampler

# What a level may be off that a library keeps in a table in single precision, as a part of each coordinate.
TABLE = 4 * FORMATS["float32"].u


def moved_by_ulps(
    again: Callable[..., Tensor], case: RunCase, enough: Callable[[Spread], bool] | None = None
) -> Spread:
    """The calibrated rerun of ``again(nudge, z)`` from the start of a case; unseeded noise is the subject's error."""
    try:
        return calibrated_spread(again, [case.z], seed=case.seed, enough=enough)
    except NotDeterministicError as error:
        raise SubjectError(str(error)) from error


def spread(
    subject: Sampler,
    case: RunCase,
    space: str,
    enough: Callable[[Spread], bool] | None = None,
    data: bool = False,
) -> Spread:
    """The trace of a run in a parameterization, and how far one ulp of its predictions, or of the data, moves it."""

    def again(nudge: Nudge, z: Tensor) -> Tensor:
        return run(subject, case, space, z, nudge, data)

    return moved_by_ulps(again, case, enough)


def with_data(space: str, difference: Tensor, allowed: Tensor, rerun: Callable[[], Spread]) -> Tensor:
    """What is allowed, and where it does not cover the difference the spread of one ulp of the data prediction too.

    ``rerun`` makes the run whose network predicts ``space`` again, with its data moved: only where it is needed, as it
    costs as much as all before it. Where they are what is predicted, they were moved already.
    """
    if space == "x0" or bool((difference <= allowed).all()):
        return allowed
    return allowed + rerun().bound[: len(allowed)]


def of_sums(states: Tensor, levels: Sequence[Point], dtype: torch.dtype) -> Tensor:
    r"""For every state: what the sums may be off that it comes from, as large as the :math:`z/\alpha` they start at.

    A step that takes :math:`z/\alpha` from a large value to a small one forgets where it started, and with it whatever
    moved its start by one ulp; but not the rounding of its length, a difference of levels that no rerun moves, nor that
    of a sum in which one ulp of a prediction is lost. A step of z has a factor of that size where it goes through the
    noise prediction. Of the end, where nothing says its level, alpha is 1; at alpha = 0 nothing is divided by it.
    """
    pairs = zip(states, levels, strict=False)
    sizes = [float(z.double().abs().amax() / at.alpha) if float(at.alpha) else 0.0 for z, at in pairs]
    before = [max(sizes[max(k - 2, 0) : k], default=0.0) for k in range(len(states))]  # of a stage, or of its step
    alphas = [*(float(at.alpha) for at in levels), 1.0]
    off = [4 * format_of(dtype).u * size * alpha for size, alpha in zip(before, alphas, strict=False)]
    return torch.tensor(off, dtype=torch.float64).reshape(-1, *[1] * (states.ndim - 1))
