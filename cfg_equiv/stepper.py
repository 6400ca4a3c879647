r"""One step after another of a solver on tensors, for those who have their own loop; validated, and never NaN.

**The ends.** At a zero of alpha or sigma a step is the value of its form wherever that is finite: the arithmetic of
:math:`\pm\infty` is continuous where it is not NaN, so the value is the limit. At :math:`\sigma_t = 0` the form is the
one its source takes there, if it has one of its own. A step that is a first-order sampler's (a warm-up, a last step)
has that sampler's limit (:mod:`cfg_equiv.sampling`). Everything else is a named error.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.driving import advance, arrive
from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Past, Solver
from cfg_equiv.algebra.solvers.record import Form, by_native
from cfg_equiv.conversion import convert_at
from cfg_equiv.errors import (
    HistoryError,
    MismatchError,
    NonFiniteError,
    SingularEndError,
    sentence,
    unknown_name,
)
from cfg_equiv.grids import level, require_step, shown, which_path
from cfg_equiv.sampling import step as first_order_step
from cfg_equiv.validation import described, first, require_latent, require_parameterization, row_parameters

Prediction = Tensor | Guided
Network = Callable[[Tensor, Point], Prediction]

_NATIVES = {sampler.native: sampler for sampler in SAMPLERS.values()}


class Stepper:
    """A solver with its memory: each :meth:`step` starts where the last one ended, :meth:`reset` starts afresh.

    ``source`` is the parameterization of the network, with its ``row_parameters``. ``path`` (``vp``, ``ve``, ``flow``)
    is read off the points if not given; it is needed only by solvers written for one path or with inner nodes. With
    ``invert`` the steps go from data to noise. A step that fails changes nothing, and can be taken again.
    """

    def __init__(
        self,
        solver: str | Solver,
        *,
        source: str,
        path: str | None = None,
        invert: bool = False,
        **row_parameters: Any,
    ) -> None:
        self.solver = _solver(solver)
        self.source = require_parameterization("source", source)
        self.path, self.invert, self._given = path, invert, row_parameters
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next step is the first one."""
        self._past: tuple[Past, ...] = ()
        self._ended: Point | None = None
        self._taken = 0

    def step(self, network: Network, z: Tensor, s: Point, t: Point) -> Tensor:
        """The latent at ``t``, from the latent ``z`` at ``s``; the network is called as ``network(z, at)``."""
        require_finite("z", z, f"in {self._here}")
        s, t = level("s", s, z), level("t", t, z)
        self._require_follows(z, s)
        require_step(self._here, {"s": s, "t": t}, self.invert)
        return self.between(network, z, s, t, which_path(self.solver, self.path, {"s": s, "t": t}))

    @property
    def _here(self) -> str:
        return f"step {self._taken} of solver {self.solver.name!r}"

    def between(self, network: Network, z: Tensor, s: Point, t: Point, path: str | None) -> Tensor:
        """The step between levels that are validated, in order, and on this path."""
        where = self._here
        singular = [at for at in (t, s, *(one.at for one in self._past)) if _at_end(at)]
        call = _Call(self, network, where, row_parameters((self.source,), self._given, z), singular)
        past = arrive(torch, self.solver, self._past, z, s, call)
        end = bool((t.sigma == 0).all())
        self._require_nodes(past, s, t, end, where)

        def place(a: Point, b: Point, fraction: Any) -> Point:
            return CLOCKS[self.solver.clock](torch, path, a, b, fraction)

        out: Tensor = advance(torch, self.solver, past, t, call, place, end)
        if not torch.isfinite(out).all():
            out = self._limit(past, t, call, end)
        self._past, self._ended, self._taken = past, t, self._taken + 1
        return out

    def _require_follows(self, z: Tensor, s: Point) -> None:
        """A solver that remembers goes on from where it was: otherwise its past is that of another trajectory."""
        if self._ended is None or (self.solver.memory == 1 and not self.solver.correct):
            return
        before = self._past[0].z
        same = (z.shape, z.dtype, z.device) == (before.shape, before.dtype, before.device)
        if not same or not all(_equal(x, y) for x, y in zip(self._ended[:2], s[:2], strict=True)):
            raise HistoryError(
                sentence(
                    f"{self._here} to start where the last one ended, at {shown(self._ended)} with {described(before)}",
                    f"{shown(s)} with {described(z)}, so the sampler was restarted without reset",
                    "call reset() before a new trajectory",
                )
            )

    def _require_nodes(self, past: tuple[Past, ...], s: Point, t: Point, end: bool, where: str) -> None:
        """On the clock of the log-SNR nothing lies between an end of the path and a level."""
        if not self.solver.nodes(past, end) or self.solver.clock != "lam":
            return
        for name, at in (("s", s), ("t", t)):
            if not torch.isfinite(at.lam).all():
                raise SingularEndError(
                    sentence(
                        f"finite log-SNR at both ends of {where}, whose inner nodes are fractions of it",
                        f"{name} at {shown(at)}",
                        "keep away from that end, or use a solver without inner nodes for this step",
                    )
                )

    def _limit(self, past: tuple[Past, ...], t: Point, call: "_Call", end: bool) -> Tensor:
        """The limit of a step without a finite value, if it is a first-order sampler's; else why it has none."""
        now = past[0]
        sampler = _first_order(self.solver.form(past, end))
        if not call.singular or sampler is None or self.solver.branches:
            raise call.without_value(f"a step from {shown(now.at)} to {shown(t)} in {now.z.dtype}")
        s, t = (_rounded(at, now.z) for at in (now.at, t))
        if not (self.solver.correct and self._past):  # not corrected: what the network said belongs to this latent
            return first_order_step(sampler, now.z, call.said, source=self.source, s=s, t=t, **call.values)
        return first_order_step(sampler, now.z, now.pred, source=sampler.space, s=s, t=t)


def _first_order(form: Form) -> Sampler | None:
    """The sampler of the catalogue whose step this form is, if it is one's."""
    return _NATIVES.get(form.args[0]) if isinstance(form, partial) and form.func is by_native else None


def _solver(solver: str | Solver) -> Solver:
    if isinstance(solver, Solver):
        return solver
    if solver not in SOLVERS:
        raise unknown_name("solver", solver, SOLVERS)
    return SOLVERS[solver]


def require_finite(name: str, x: Any, where: str) -> None:
    """``x`` is a tensor of floats without NaN and infinity."""
    bad = ~torch.isfinite(require_latent(name, x))
    if bad.any():
        raise NonFiniteError(
            sentence(f"{name} to be finite {where}", f"{first(x, bad)} in {int(bad.sum())} of {bad.numel()} elements",
                     "find where it comes from: nothing after it would be finite")
        )  # fmt: skip


def _equal(x: Tensor, y: Tensor) -> bool:
    return x.shape == y.shape and bool((x == y).all())


def _at_end(at: Point) -> bool:
    return bool(((at.alpha == 0) | (at.sigma == 0)).any())


def _rounded(at: Point, like: Tensor) -> Point:
    """The level in the latent's dtype, as a step of a first-order sampler asks for it."""
    return Point(at.alpha.to(like), at.sigma.to(like))


class _Call:
    """The network as the solver reads it: what it says is checked and converted."""

    def __init__(
        self, stepper: Stepper, network: Network, where: str, values: dict[str, Tensor], singular: list[Point]
    ) -> None:
        self.solver, self.source = stepper.solver, stepper.source
        self.network, self.where, self.values, self.singular = network, where, values, singular
        self.said: Any = None

    def __call__(self, z: Tensor, at: Point) -> Any:
        if not torch.isfinite(z).all():
            raise self.without_value(f"an infinite or NaN latent for the network at {shown(at)}")
        self.said = self.network(z, at)
        if isinstance(self.said, Guided) != self.solver.branches:
            wanted, do = (
                ("Guided(guided, uncond)", "return both predictions, as cfg_equiv.Guided")
                if self.solver.branches
                else ("one tensor", "return the guided prediction alone, or use a CFG++ solver")
            )
            came = "Guided" if isinstance(self.said, Guided) else described(self.said)
            raise MismatchError(sentence(f"{wanted} from the network in {self.where}", came, do))
        if isinstance(self.said, Guided):
            return Guided(*(self._native(z, one, at) for one in self.said))
        return self._native(z, self.said, at)

    def _native(self, z: Tensor, pred: Any, at: Point) -> Tensor:
        if not isinstance(pred, Tensor) or (pred.shape, pred.dtype, pred.device) != (z.shape, z.dtype, z.device):
            raise MismatchError(
                sentence(
                    f"a prediction like the latent ({described(z)}) in {self.where}",
                    described(pred),
                    "cast or reshape what the network returns, and split off variance channels",
                )
            )
        require_finite("the network's prediction", pred, f"at {shown(at)} in {self.where}")
        return convert_at(z, pred, at, self.source, self.solver.space, self.values)

    def without_value(self, came: str) -> ValueError:
        """The error for a step that is not finite: at an end of the path its form has no value, else it overflows."""
        if self.singular:
            return SingularEndError(
                sentence(
                    f"{self.where} to keep away from {shown(self.singular[0])}, where its form gives 0/0 and its "
                    "source no other one",
                    came,
                    "leave that level out, or use a solver that can take it (dpmpp_2m)",
                )
            )
        return NonFiniteError(
            sentence(f"a finite latent from {self.where}", came, "use a wider dtype, or levels further apart")
        )
