r"""stable-audio-tools and flow_matching against the catalogue: loops over a velocity, whole runs.

The rectified-flow samplers of stable-audio-tools go from ``t = 1`` to 0 with :math:`\alpha = 1-t`, :math:`\sigma = t`
and :math:`\epsilon - x_0` as the velocity. flow_matching integrates from noise to data, :math:`\sigma = 1-t`, with
:math:`x_0 - \epsilon`; its ``ODESolver`` hands the field to torchdiffeq, whose ``rk4`` is Kutta's 3/8 rule.

References
----------
[SAT] stable-audio-tools, ``inference/sampling.py``.
[Lipman24] arXiv:2412.06264; ``flow_matching/solver/ode_solver.py``.
[torchdiffeq] ``torchdiffeq/_impl/fixed_grid.py``, ``rk_common.py``.
"""

import contextlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.intervals import INTERVAL, number
from cfg_equiv.peers import solvers as of
from cfg_equiv.peers import solvers_course as at
from cfg_equiv.peers import stable_audio
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.peers.solvers import Case, Nudge, Trace
from cfg_equiv.peers.solvers_course import straight

SIGMAS = (1.0, 0.875, 0.5, 0.25, 0.0)
ODE_NEEDS = ("flow_matching", "torchdiffeq")


@dataclass(frozen=True)
class Row:
    """One released loop, how it is called, and the entry it is; without ``level`` its times are not compared."""

    library: str
    sampler: str
    solver: str
    needs: tuple[str, ...]
    run: Callable[["Row", "Field", Tensor, Tensor], Tensor]
    row: str
    level: Callable[[Point], Any] | None
    options: Mapping[str, Any] = field(default_factory=dict)
    sigmas: tuple[float, ...] = SIGMAS
    place: Callable[[float], Point] = at.flow
    path: str = "flow"

    @property
    def name(self) -> str:
        """Library, sampler, options and entry."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.library} {self.sampler}{f'[{options}]' if options else ''} = {self.solver}"

    @property
    def names(self) -> tuple[str, ...]:
        """The entries it is compared with."""
        return (self.solver,)

    def claim(self) -> str:
        """Run and compare."""
        points = [self.place(sigma) for sigma in self.sigmas]
        course = straight(SOLVERS[self.solver], points, self.path, not self.sigmas[-1])
        return of.agrees(Case(self.name, self._run, course, self.row, level=self.level or (lambda at: at.sigma)))

    def _run(self, z: Tensor, preds: Sequence[Tensor], nudge: Nudge) -> Trace:
        network = Field(preds)
        levels = at.moved(torch.tensor(self.sigmas, dtype=torch.float64), nudge)
        with contextlib.redirect_stderr(io.StringIO()):  # progress bars
            end = self.run(self, network, z, levels)
        network.trace.latents.append(end)
        return network.trace if self.level else Trace(network.trace.latents, [])


class Field(torch.nn.Module):
    """A velocity that gives the prepared predictions in turn and keeps what it was shown, and where."""

    def __init__(self, preds: Sequence[Tensor]) -> None:
        super().__init__()
        self.preds = iter(preds)
        self.trace = Trace([], [])

    def forward(self, x: Tensor, t: Tensor, return_info: bool = False, **given: Any) -> Any:
        """The next prediction; with ``return_info`` the guided one, and the unconditional one beside it."""
        self.trace.latents.append(x)
        self.trace.levels.append(t.expand(len(x)))
        pred = of.following(self.preds)
        return (pred, {"uncond_output": of.following(self.preds)}) if return_info else pred


# -- stable-audio-tools ------------------------------------------------------------------------------------------------


@cache
def sampling() -> Any:
    """``stable_audio_tools.inference.sampling``, imported once; nothing of it stays among the imported modules."""
    with isolated("stable_audio_tools.inference.sampling", packages=["k_diffusion"]) as (module,):
        return module


def _on_levels(row: Row, network: Field, z: Tensor, levels: Tensor) -> Any:
    return getattr(sampling(), row.sampler)(network, z, sigmas=levels)


def _v_loop(row: Row, network: Field, z: Tensor, levels: Tensor) -> Any:
    """``sample`` makes its own levels from 1 to 0, in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return sampling().sample(network, z, len(levels) - 1, 0.0, **row.options)
    finally:
        torch.set_default_dtype(before)


def cosine(t: float) -> Point:
    """The point at ``t``, with the float64 pi of the library."""
    angle = number(t) * number(math.pi) / 2
    return Point(number(1), number(0), at.INFINITE) if not t else at.place(INTERVAL.cos(angle), INTERVAL.sin(angle))


# -- flow_matching -----------------------------------------------------------------------------------------------------


def _ode(row: Row, network: Field, z: Tensor, levels: Tensor) -> Any:
    from flow_matching.solver import ODESolver

    def velocity(x: Tensor, t: Tensor) -> Any:
        return network(x, t)

    return ODESolver(velocity).sample(z, step_size=None, time_grid=1 - levels, **row.options)


# -- the claims --------------------------------------------------------------------------------------------------------


def _rectified(sampler: str, solver: str) -> Row:
    needs = stable_audio.SAMPLE_NEEDS
    return Row("stable-audio-tools", sampler, solver, needs, _on_levels, "flow", lambda at: at.sigma)


def _angular(solver: str, **options: Any) -> Row:
    steps = (1.0, 0.75, 0.5, 0.25, 0.0)
    needs = stable_audio.SAMPLE_NEEDS
    return Row("stable-audio-tools", "sample", solver, needs, _v_loop, "v", None, options, steps, cosine, "vp")


def _solved(method: str, solver: str) -> Row:
    return Row(
        "flow_matching",
        "ODESolver",
        solver,
        ODE_NEEDS,
        _ode,
        "reversed_flow",
        lambda at: 1 - at.sigma,
        {"method": method},
    )


ROWS = (
    _rectified("sample_discrete_euler", "euler_flow"),
    _rectified("sample_rk4", "flow_rk4"),
    _rectified("sample_flow_dpmpp", "dpmpp_2m"),
    _angular("ddim_v"),
    _angular("v_ddim_cfg_pp", cfg_pp=True),
    _solved("euler", "euler_flow"),
    _solved("midpoint", "flow_midpoint"),
    _solved("heun2", "flow_heun2"),
    _solved("heun3", "flow_heun3"),
    _solved("rk4", "flow_rk4_38"),
)


COMPARISONS: tuple[Comparison, ...] = tuple(
    Comparison(row.name, row.needs, row.claim) for row in ROWS if all(name in SOLVERS for name in row.names)
)
