r"""k-diffusion's samplers against the catalogue, whole runs.

The state is :math:`x_0 + \kappa\epsilon`, the network the denoiser ``D``. Besides the latents the levels at which ``D``
is called are compared: in the samplers that place their own evaluations they are part of the claim. Stochastic samplers
run at ``eta = 0``. ``sample_dpm_fast`` and ``sample_dpm_adaptive`` make their own grid in the default dtype, which is
float64 here.

References
----------
[Crowson] k-diffusion, ``sampling.py``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.nodes import by_lam
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.intervals import INTERVAL
from cfg_equiv.peers import k_diffusion
from cfg_equiv.peers import solvers as of
from cfg_equiv.peers import solvers_course as at
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.solvers import Case, Nudge, Trace
from cfg_equiv.peers.solvers_course import Course, Step, straight

SIGMAS = (8.0, 2.5, 1.0, 0.375, 0.125, 0.0)


@cache
def sampling() -> Any:
    """``k_diffusion.sampling``, imported once; nothing of it stays among the imported modules."""
    with k_diffusion.released() as (_, module):
        return module


class Denoiser(torch.nn.Module):
    """A network that gives the prepared predictions in turn and keeps what it was shown, and where."""

    def __init__(self, preds: Sequence[Tensor]) -> None:
        super().__init__()
        self.preds = iter(preds)
        self.trace = Trace([], [])

    def forward(self, x: Tensor, sigma: Tensor, **given: Any) -> Tensor:
        """The next prediction."""
        self.trace.latents.append(x)
        self.trace.levels.append(sigma)
        return of.following(self.preds)


@dataclass(frozen=True)
class Row:
    """One sampler with its options, and the entry it is, or the entries step by step.

    ``course`` says how the levels follow from ``sigmas``; ``run`` how the sampler is called.
    """

    sampler: str
    solver: str | tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    sigmas: tuple[float, ...] = SIGMAS
    rerun: str = ""
    run: Callable[["Row", Denoiser, Tensor, Tensor], Tensor] = lambda row, network, z, levels: row.call(
        network, z, levels
    )
    course: Callable[["Row"], Course] = lambda row: row.along(row.sigmas)

    @property
    def name(self) -> str:
        """Sampler, options and entries."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"k-diffusion {self.sampler}{f'[{options}]' if options else ''} = {' and '.join(self.names)}"

    @property
    def names(self) -> tuple[str, ...]:
        """The entries it is compared with."""
        return (self.solver,) if isinstance(self.solver, str) else tuple(dict.fromkeys(self.solver))

    def along(self, levels: Sequence[float]) -> Course:
        """One entry from level to level."""
        (name,) = self.names
        return straight(SOLVERS[name], [at.ve(x) for x in levels], "ve", not levels[-1])

    def call(self, network: Any, *given: Any) -> Any:
        """The released function."""
        noise = {"noise_sampler": of.no_noise} if "eta" in self.options else {}
        return getattr(sampling(), self.sampler)(network, *given, disable=True, **self.options, **noise)

    def claim(self) -> str:
        """Run and compare."""
        return of.agrees(Case(self.name, self._run, self.course(self), "x0", rerun=self.rerun))

    def _run(self, z: Tensor, preds: Sequence[Tensor], nudge: Nudge) -> Trace:
        network = Denoiser(preds)
        end = self.run(self, network, z, at.moved(torch.tensor(self.sigmas, dtype=torch.float64), nudge))
        network.trace.latents.append(end)
        return network.trace


# -- samplers that make their own grid ---------------------------------------------------------------------------------


@contextmanager
def _float64() -> Iterator[None]:
    """Numbers that released code makes into tensors are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _between_ends(row: Row, network: Denoiser, z: Tensor, levels: Tensor) -> Any:
    """``sigma_min`` and ``sigma_max`` as numbers, then the options."""
    with _float64():
        return row.call(network, z, levels[-1].item(), levels[0].item())


def _even(row: Row) -> Course:
    """Steps evenly spaced in the half-log-SNR, each by its own entry."""
    assert not isinstance(row.solver, str)
    start, end, n = at.ve(row.sigmas[0]), at.ve(row.sigmas[-1]), len(row.solver)
    points = [by_lam(INTERVAL, "ve", start, end, Fraction(i + 1, n)) for i in range(n)]
    return Course(start, tuple(Step(t, SOLVERS[name]) for t, name in zip(points, row.solver, strict=True)))


def _accepted(row: Row) -> Course:
    """The steps that the controller chose on the very run that is compared, all accepted at these tolerances."""
    order = row.options["order"]
    z = torch.zeros(1, 1, dtype=torch.float64)
    network = Denoiser(list(torch.zeros(99, 1, 1, dtype=torch.float64)))
    _between_ends(row, network, z, torch.tensor(row.sigmas))
    return row.along([*(level.item() for level in network.trace.levels[::order]), row.sigmas[-1]])


def _single(row: Row, network: Denoiser, z: Tensor, levels: Tensor) -> Any:
    """One step of the class behind the adaptive sampler."""
    solver = sampling().DPMSolver(network)
    t, t_next = solver.t(levels).unbind()
    return getattr(solver, row.sampler)(z, t, t_next, **row.options)[0]


# -- the claims --------------------------------------------------------------------------------------------------------

SCIPY = "its integrals are scipy's"
OWN_GRID = "its grid starts from Python numbers"
NO_NOISE = {"eta": 0.0}
ENDS, PAIR = (8.0, 0.125), (2.5, 1.0)
LOOSE = {"rtol": 1e40, "atol": 1e40, "h_init": 0.5}
FAST = {1: "dpm_solver_1", 2: "dpm_solver_2s", 3: "dpm_solver_3s"}

ROWS = (
    Row("sample_euler", "euler_ve"),
    Row("sample_heun", "heun"),
    Row("sample_dpm_2", "dpm_2"),
    *(Row("sample_lms", f"lms_{k}" if k > 1 else "euler_ve", {"order": k}, rerun=SCIPY) for k in (1, 2, 3, 4)),
    Row("sample_dpmpp_2s_ancestral", "dpmpp_2s_ancestral", NO_NOISE),
    Row("sample_dpmpp_sde", "dpmpp_sde", NO_NOISE),
    Row("sample_dpmpp_2m", "dpmpp_2m"),
    Row("sample_dpmpp_2m_sde", "dpmpp_2m_sde", {**NO_NOISE, "solver_type": "midpoint"}),
    Row("sample_dpmpp_2m_sde", "dpmpp_2m_sde_heun", {**NO_NOISE, "solver_type": "heun"}),
    Row("sample_dpmpp_3m_sde", "dpmpp_3m_sde", NO_NOISE),
    *(
        Row(f"dpm_solver_{k}_step", FAST[k], sigmas=PAIR, run=_single, course=lambda row: row.along(row.sigmas))
        for k in (1, 2, 3)
    ),
    *(
        Row("sample_dpm_fast", tuple(FAST[k] for k in orders), {"n": n}, ENDS, OWN_GRID, _between_ends, _even)
        for n, orders in ((6, (3, 2, 1)), (7, (3, 3, 1)), (8, (3, 3, 2)))
    ),
    *(
        Row("sample_dpm_adaptive", name, {"order": k, **LOOSE}, ENDS, OWN_GRID, _between_ends, _accepted)
        for k, name in ((2, "dpm_solver_12"), (3, "dpm_solver_23"))
    ),
)


COMPARISONS: tuple[Comparison, ...] = tuple(
    Comparison(row.name, k_diffusion.NEEDS, row.claim) for row in ROWS if all(name in SOLVERS for name in row.names)
)
