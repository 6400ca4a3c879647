r"""The calibrated rerun: how far does one ulp in the declared quantities move the result? A statistical verdict.

Over a trajectory a running bound would be vacuous: it multiplies worst cases. Here the code itself is run again
:data:`RERUNS` times with every element of every declared quantity moved one ulp up, one down or not at all, at random.
The declared quantities are the inputs, and whatever the code passes through the ``nudge`` it is handed: the output of
each network call, the latent it was shown, the state after each step. With :math:`D_i` the largest movement of element
i over the reruns and :math:`\bar D` the root mean square of all movements, the calibrated spread is

.. math:: \mathrm{bound}_i = F\,\max(D_i, \bar D, u|x_i|),\qquad F = 32

The last term is the rounding of the result itself: a map that contracts everything to a point shows no movement at all.
Where one ulp changes the shape of the result, as the steps that an adaptive method takes, the spread is infinite.
It is no theorem. The roundings inside a step are not perturbed themselves; F stands for a few dozen of them, each no
larger than the perturbation, and for the tail that :data:`RERUNS` draws miss: guided first-order trajectories of 20 and
50 steps in three formats used 0.58 of the spread at most, 0.1 in the median. Both numbers are fixed: a caller names
what is perturbed, never how much is allowed.

The spread only grows from one rerun to the next. So who asks whether a difference is within it may stop at the first
that covers it (``enough``): the answer is that of all of them. In a correct run that is the first or the second.

References
----------
[Vig93] Vignes, A stochastic arithmetic for reliable scientific computation, Math. Comput. Simul. 35(3).
[PJ97] Parker, Pierce, Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cfg_equiv.rounding.constants import format_of

RERUNS = 16
FACTOR = 32.0


class NotDeterministicError(ValueError):
    """Two runs on the same inputs gave two results."""


Nudge = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Spread:
    """What a calibrated rerun found: the unperturbed result and, in float64, the spread allowed around it."""

    result: Tensor
    bound: Tensor
    reruns: int  # as many as were made
    nudged: int  # declared quantities perturbed in one rerun

    @property
    def vacuous(self) -> bool:
        """Whether some element has no finite spread."""
        return not bool(self.bound.isfinite().all())


def calibrated_spread(
    run: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    *,
    seed: int = 0,
    enough: Callable[[Spread], bool] | None = None,
) -> Spread:
    """Run ``run(nudge, *inputs)`` once as it is and :data:`RERUNS` times perturbed by one ulp.

    Parameters
    ----------
    run
        Deterministic code that returns one floating-point tensor. Its first argument is a function: pass through it
        each quantity inside the run that a correct implementation may round differently, such as a network's output.
        In the unperturbed run it changes nothing.
    inputs
        The tensors handed to ``run``; the floating-point ones are perturbed, and they are never written to.
    seed
        Chooses the perturbations; the global generator is not touched.
    enough
        Says of what was found so far whether it already covers what it is needed for: then no further rerun is made.
    """
    copies = [x.clone() for x in inputs]
    result = run(_unchanged, *copies)
    if not isinstance(result, Tensor) or not result.is_floating_point():
        kind = result.dtype if isinstance(result, Tensor) else type(result).__name__
        raise TypeError(f"expected run to return one floating-point tensor, got {kind}; return the final state alone")
    result = result.clone()
    again = run(_unchanged, *[x.clone() for x in inputs])
    if not torch.equal(again.nan_to_num(), result.nan_to_num()):
        raise NotDeterministicError(
            "expected a deterministic run, got two results from the same inputs; fix the noise it draws"
        )
    generator = torch.Generator().manual_seed(seed)
    largest = torch.zeros(result.shape, dtype=torch.float64)
    squares = torch.zeros((), dtype=torch.float64)
    own = result.detach().cpu().double().abs() * format_of(result.dtype).u
    for rerun in range(1, RERUNS + 1):
        nudge = _UlpNudge(generator)
        moved = run(nudge, *[nudge(x) if x.is_floating_point() else x.clone() for x in inputs])
        movement = _movement(moved, result)
        largest = torch.maximum(largest, movement)
        squares = squares + (movement * movement).mean() / RERUNS
        if nudge.count == 0:
            raise ValueError(
                "expected something to perturb, got no floating-point input; pass the initial state in inputs"
            )
        if rerun == RERUNS or enough is not None:
            bound = FACTOR * torch.maximum(torch.maximum(largest, squares.sqrt()), own)
            bound = torch.where(bound.isnan(), torch.inf, bound).to(result.device)
            found = Spread(result, bound, rerun, nudge.count)
            if enough is not None and enough(found):
                break
    return found


def _movement(moved: Tensor, result: Tensor) -> Tensor:
    """How far each element has moved: without limit where one ulp leads to another number of elements."""
    if moved.shape != result.shape:  # an adaptive method that takes a step more
        return torch.full(result.shape, torch.inf, dtype=torch.float64)
    return (moved.detach().cpu().double() - result.detach().cpu().double()).abs()


def _unchanged(x: Tensor) -> Tensor:
    return x


class _UlpNudge:
    """Moves each element to the floating-point number above it, below it, or not at all."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.count = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.count += 1
        direction = torch.randint(-1, 2, x.shape, generator=self.generator).to(x.device)
        towards = torch.where(direction > 0, torch.inf, -torch.inf).to(x.dtype)
        return torch.where(direction == 0, x, torch.nextafter(x, towards))
