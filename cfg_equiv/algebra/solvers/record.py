r"""What a solver is: native forms that use what the network said before, or ask it again inside the step.

A step goes from the point ``s`` to the point ``t``. It is given the past, newest first: ``past[0]`` is the latent at
``s`` with its prediction, ``past[1]`` the one before. A multistep *form* is ``form(xp, past, t)``; one that calls the
network inside the step is wrapped in :class:`Inner` and called as ``form(xp, past, t, net, *nodes)``, where
``net(z, at)`` is the prediction in the form's own space and the nodes are points between ``s`` and ``t``.

A corrector ``form(xp, past, now)`` takes the step to ``now.at`` again, with the prediction made there. All forms see
the state their source moves: ``z``, or ``z/alpha`` at VE points.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, Literal, NamedTuple

from cfg_equiv.algebra.points import Point, ve_point
from cfg_equiv.algebra.samplers import Sampler

Network = Callable[[Any, Point], Any]


class Past(NamedTuple):
    """One network call: where, on which latent, and what it predicted (in the solver's native space)."""

    at: Point
    z: Any
    pred: Any


class Guided(NamedTuple):
    """The prediction of a CFG++ form: the guided one, and that of the unconditional branch."""

    guided: Any
    uncond: Any


@dataclass(frozen=True)
class Inner:
    """A form that calls the network inside the step, at nodes given as fractions of the step on the solver's clock."""

    form: Callable[..., Any]
    nodes: tuple[Fraction, ...] = ()


Form = Callable[..., Any] | Inner


@dataclass(frozen=True)
class Solver:
    """A catalogue entry: the forms, and what their source declares about them.

    Attributes
    ----------
    name, source
        The name it has here; paper with equation or algorithm number, or library and function.
    space
        The parameterization its forms read.
    predict
        The form used with one, two, ... network outputs in hand; the last one from there on. The full form is the last.
    correct
        The corrector forms, by the number of earlier outputs in hand; empty if there is none.
    reevaluate
        Whether the network is called again on the corrected latent (PECE) or not (PEC).
    last
        The form its source takes at the step to ``sigma = 0``; None if it takes the same one.
    order
        The order its source claims.
    ends
        What the step to ``sigma = 0`` is (``last``, or the same form): ``denoised`` where it is
        :math:`\alpha_t` times the denoised latent, ``other`` where it has another limit, ``none`` where it has none.
    state, path
        What the step moves, and the path its forms are valid on.
    clock
        What the nodes are fractions of: half-log-SNR ``lam``, ``kappa``, ``sigma``, or the VP ``angle``.
    aim
        ``aim(xp, s, t)`` is the point that the nodes are fractions of the way to, where that is not ``t``: an ancestral
        step goes below ``t`` before it adds noise. Of this point only what the clock reads is used.
    branches
        Whether a prediction is a :class:`Guided` pair (CFG++ forms).
    aliases
        The name it has in a library, by library (``diffusers``, ``k_diffusion``, ``comfyui``, ``skrample``, ...).
    """

    name: str
    space: str
    predict: tuple[Form, ...]
    order: int
    source: str
    correct: tuple[Callable[..., Any], ...] = ()
    reevaluate: bool = False
    last: Form | None = None
    ends: Literal["denoised", "other", "none"] = "denoised"
    state: Literal["z", "z/alpha"] = "z"
    path: Literal["any", "vp", "flow"] = "any"
    clock: Literal["lam", "kappa", "sigma", "angle"] = "lam"
    aim: Callable[..., Point] | None = None
    branches: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def memory(self) -> int:
        """How many network outputs the full form reads, those made inside the step not counted."""
        return max(len(self.predict), len(self.correct))

    def form(self, past: tuple[Past, ...], end: bool = False) -> Form:
        """The form for a step with this past; ``end`` says that the step goes to sigma = 0."""
        if end and self.last is not None:
            return self.last
        return self.predict[min(len(past), len(self.predict)) - 1]

    def nodes(self, past: tuple[Past, ...], end: bool = False) -> tuple[Fraction, ...]:
        """The fractions of the step at which that form calls the network, its ends not counted."""
        form = self.form(past, end)
        return form.nodes if isinstance(form, Inner) else ()

    def step(
        self,
        xp: Any,
        past: tuple[Past, ...],
        t: Point,
        net: Network | None = None,
        nodes: tuple[Point, ...] = (),
        end: bool = False,
    ) -> Any:
        """The predicted latent at ``t``; ``net`` and ``nodes`` are for forms that call the network themselves."""
        form = self.form(past, end)
        seen, (target, *inner), call = self._seen(past, (t, *nodes), net)
        moved = form.form(xp, seen, target, call, *inner) if isinstance(form, Inner) else form(xp, seen, target)
        return moved if self.state == "z" else t.alpha * moved

    def corrected(self, xp: Any, past: tuple[Past, ...], now: Past) -> Any:
        """The latent at ``now.at``, corrected with the prediction made there."""
        form = self.correct[min(len(past), len(self.correct)) - 1]
        (here, *seen), _, _ = self._seen((now, *past), (), None)
        moved = form(xp, tuple(seen), here)
        return moved if self.state == "z" else now.at.alpha * moved

    def _seen(
        self, past: tuple[Past, ...], points: tuple[Point, ...], net: Network | None
    ) -> tuple[tuple[Past, ...], tuple[Point, ...], Network | None]:
        """The past, the points and the network as the forms see them."""
        if self.state == "z":
            return past, points, net
        moved = tuple(Past(ve_point(one.at), one.z / one.at.alpha, one.pred) for one in past)
        places = tuple(zip([ve_point(at) for at in points], points, strict=True))

        def call(x: Any, at: Point) -> Any:
            here = next(original for seen, original in places if seen is at)
            return net(here.alpha * x, here) if net is not None else None

        return moved, tuple(seen for seen, _ in places), call


def by_native(native: Callable[..., Any], xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The step of a first-order form ``native(xp, z, pred, s, t)`` from where the past ends."""
    return native(xp, past[0].z, past[0].pred, past[0].at, t)


def lift(native: Callable[..., Any]) -> Callable[..., Any]:
    """A first-order form ``native(xp, z, pred, s, t)`` as a form of a solver: its start, or its last step."""
    return partial(by_native, native)


def first_order(sampler: Sampler, **aliases: str) -> Solver:
    """A deterministic first-order sampler as a solver."""
    return Solver(
        sampler.name,
        sampler.space,
        (lift(sampler.native),),
        order=1,
        source=sampler.source,
        state=sampler.state,
        path=sampler.path,
        aliases=aliases,
    )
