r"""Mean and covariance of every latent of a stochastic run, without sampling.

With Gaussian data (a point mass is one) the network is affine in the latent, and a sampler that adds its noise makes of
it a run that is affine in the start noise and in every draw: :math:`z_i = c_i + A_i z + \sum_k B_{ik}\xi_k`. Setting
all of them to zero gives :math:`c_i`; one unit at a time gives the columns of :math:`A_i` and :math:`B_{ik}`
(:mod:`cfg_equiv.testing.noise`), and

.. math:: \mathrm{E}[z_i] = c_i + A_i\bar z,\qquad \mathrm{Cov}[z_i] = v A_iA_i^T + \sum_k B_{ik}B_{ik}^T

for a start noise of mean :math:`\bar z` and variance v. These are chosen so that the first latent has the moments it
must have: what is measured is the sampler, not where it starts.

- :func:`all_units`: every element of every draw on its own, for small batches: the covariance between items shows.
- :func:`by_rows`: one run, with row k of the batch for draw k: long runs, of a sampler whose items are independent.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.noise import Injected, no_noise
from cfg_equiv.testing.subjects import Sampler

Nudge = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Response:
    """A run as an affine map: ``base + units^T (z, draws)``, flat states in the last axis.

    ``base`` is ``(calls + 1, n)``; ``start`` and ``drawn`` are ``(units, calls + 1, n)``, the columns of A and of B.
    """

    base: Tensor
    start: Tensor
    drawn: Tensor
    levels: list[Point]


def injected(
    subject: Sampler, case: RunCase, z: Tensor, draw: Callable[[int, torch.Size], Tensor], nudge: Nudge = lambda x: x
) -> tuple[Tensor, list[Point], Injected]:
    """A run with chosen noise: its states in float64, their levels, and what was drawn."""
    with Injected(draw) as mode:
        states, levels = traced(subject, case, subject.spaces[0], z, nudge)
    return states.double(), levels, mode


def all_units(subject: Sampler, case: RunCase) -> Response:
    """The response to each element of the start noise and of each draw."""
    zero = torch.zeros_like(case.z)
    states, levels, mode = injected(subject, case, zero, no_noise)
    base = states.flatten(1)

    def moved(z: Tensor, draw: Callable[[int, torch.Size], Tensor]) -> Tensor:
        return injected(subject, case, z, draw)[0].flatten(1) - base

    start = [moved(_unit(j, zero.shape).to(zero), no_noise) for j in range(zero.numel())]
    drawn = [
        moved(zero, lambda index, shape, k=k, j=j: _unit(j, shape) if index == k else no_noise(index, shape))  # type: ignore[misc]
        for k, shape in enumerate(mode.shapes)
        for j in range(prod(shape))
    ]
    return Response(base, torch.stack(start), torch.stack(drawn) if drawn else base.new_zeros(0, *base.shape), levels)


def by_rows(subject: Sampler, case: RunCase) -> Response:
    """The response of each element of an item to its own start noise and its own draws, from one run."""
    rows, event = 2 * case.steps + 4, case.shape[1:]
    while True:
        wide = replace(case, shape=(rows, *event))
        z = torch.zeros_like(wide.z)
        z[1] = 1
        states, levels, mode = injected(subject, wide, z, _row_of_its_own)
        if len(mode.shapes) + 2 <= rows:
            break
        rows = len(mode.shapes) + 2
    states = states.flatten(2)  # calls + 1, rows, elements
    moved = (states - states[:, :1]).transpose(0, 1)
    return Response(states[:, 0], moved[1:2], moved[2:], levels)


def _row_of_its_own(index: int, shape: torch.Size) -> Tensor:
    noise = torch.zeros(shape, dtype=torch.float64)
    noise[index + 2 : index + 3] = 1
    return noise


def _unit(j: int, shape: torch.Size) -> Tensor:
    noise = torch.zeros(shape, dtype=torch.float64)
    noise.view(-1)[j] = 1
    return noise
