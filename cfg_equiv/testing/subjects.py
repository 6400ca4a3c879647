r"""What is tested: somebody's conversion, schedule, guidance rule or sampler, with its conventions declared.

Nothing is guessed. A subject says which weight convention it uses, which path its latents live on, and at which level
:math:`(\alpha, \sigma)` the network is called; a check that needs a declaration the subject lacks does not apply, and
says so. Where a convention is not known, :func:`cfg_equiv.testing.identify_convention` finds it from calls alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from torch import Tensor

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.algebra.stochastic import STOCHASTIC
from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.guidance import CONVENTIONS

State = Literal["vp", "ve", "flow", "free"]
Between = tuple[tuple[Any, Any], tuple[Any, Any]]
STATES: tuple[str, ...] = ("vp", "ve", "flow", "free")


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """What all subjects have: a name, the version of what is tested, and the option values that made it."""

    name: str = field(default="", kw_only=True)
    version: str = field(default="", kw_only=True)
    options: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", name_of(self._callable()))

    def _callable(self) -> Any:
        return self

    def named(self, name: str, **options: Any) -> Self:
        """The same subject under another name, with these option values noted beside those it has."""
        return replace(self, name=name, options={**self.options, **options})

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        """How Hypothesis prints it beside a counterexample."""
        p.text(repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class Guidance(Subject):
    """A guidance rule: ``combine(cond, uncond, w) -> Tensor``.

    ``convention`` is ``"u+w(c-u)"`` (off at w = 1) or ``"c+w(c-u)"`` (off at w = 0); ``dtypes`` are those tried.
    """

    combine: Callable[[Tensor, Tensor, float], Tensor]
    convention: str
    dtypes: tuple[str, ...] = field(default=("float64", "float32"), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.convention not in CONVENTIONS:
            raise unknown_name("guidance convention", self.convention, CONVENTIONS)

    def _callable(self) -> Any:
        return self.combine


@dataclass(frozen=True, eq=False, repr=False)
class Conversion(Subject):
    """A conversion between parameterizations: ``convert(z, pred, source, target, alpha, sigma) -> Tensor``.

    ``spaces`` are the parameterizations it knows by our names; ``path`` the paths on which it claims to hold.
    """

    convert: Callable[[Tensor, Tensor, str, str, Tensor, Tensor], Tensor]
    spaces: tuple[str, ...]
    path: State = field(default="free", kw_only=True)
    dtypes: tuple[str, ...] = field(default=("float64", "float32"), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_spaces(self.spaces)
        _require_state(self.path)

    def _callable(self) -> Any:
        return self.convert


@dataclass(frozen=True, eq=False, repr=False)
class Schedule(Subject):
    """A noise schedule: ``level(t) -> (alpha, sigma)`` at the given ``times``, listed from noise to data.

    ``time_of(kappa)``, if given, is its inverse: the time at which ``sigma/alpha`` is ``kappa``. ``ends`` are the two
    levels ``(alpha, sigma)`` it claims to reach, the noise end first; ``repeats`` says that times are listed more than
    once by design, as two-stage solvers do.
    """

    level: Callable[[Any], tuple[Any, Any]]
    times: Sequence[Any]
    path: State = field(default="free", kw_only=True)
    time_of: Callable[[Any], Any] | None = field(default=None, kw_only=True)
    ends: tuple[tuple[float, float], tuple[float, float]] | None = field(default=None, kw_only=True)
    repeats: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_state(self.path)
        if self.ends is not None and [len(end) for end in self.ends] != [2, 2]:
            do = "write ends=((0.0, 1.0), (1.0, 0.0))"
            raise ParameterError(sentence("two levels (alpha, sigma) in ends", repr(self.ends), do))
        if len(self.times) < 2:
            raise ParameterError(sentence("two times or more", f"{len(self.times)}", "list them from noise to data"))

    def _callable(self) -> Any:
        return self.level


@dataclass(frozen=True)
class Twin:
    """The solver of the catalogue that a sampler should be: over the same levels it shows the network the same latents.

    Parameters
    ----------
    solver
        Its name: in :data:`cfg_equiv.algebra.stochastic.STOCHASTIC` where the sampler is stochastic, and draws noise
        once for every noise of the twin, else in :data:`cfg_equiv.algebra.solvers.SOLVERS`.
    options
        Options of a stochastic solver that are not at their defaults, such as ``{"eta": 0.5}``.
    but
        How many of the last steps between two network calls are not the twin's: multistep samplers lower their order.
    """

    solver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    but: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Sampler(Subject):
    r"""A sampler: ``run(model, z, steps, space) -> z_end``; it calls ``model(z, t)`` for predictions of ``space``.

    Parameters
    ----------
    run
        ``z`` is unit noise of the shape and dtype that is wanted; ``run`` scales it to its first level itself.
        A run builds its own state: the same arguments give the same result (with torch's generator seeded alike).
    level
        ``level(t) -> (alpha, sigma)`` of the latent that ``model`` is shown with ``t``.
    spaces
        The parameterizations ``run`` accepts, by our names.
    state
        The path the shown latents live on: ``vp``, ``ve``, ``flow`` or ``free``. Every level is checked against it.
    order
        The order of convergence it claims.
    stochastic
        Whether it draws noise from torch's generator; it is seeded from the case.
    clip
        The radius it clips ``x0`` to, if it does; cases then make the clip act.
    dtype
        The dtype it runs in.
    variants
        The same sampler with one option changed, by the option's name; SENS demands that each changes the result.
    couples_items
        Why the items of a batch see each other by design, if they do; BAT does not apply then.
    steps
        The least and the largest number of steps that are tried. Convergence (ORD, MOM) is measured with more.
    evaluations
        ``evaluations(steps)``: how often a run of so many steps calls the network, if that is fixed.
    twin
        The solver of the catalogue that a run should be, call by call: a :class:`Twin`.
    brownian
        Whether its noise is that of a Brownian path, which no single draw is: its twin is compared without noise alone.
    never_exact
        Why its error does not vanish with more steps, if by design; ORD and the limits of MOM do not apply then.
    trained
        ``trained(t)``: the two levels ``(alpha, sigma)``, the noisier first, between which a network that is told ``t``
        was trained: twice the same if ``t`` stands for one level. ``None`` where ``t`` stands for no level.
    """

    run: Callable[[Callable[[Tensor, Any], Tensor], Tensor, int, str], Tensor]
    level: Callable[[Any], tuple[Any, Any]]
    spaces: tuple[str, ...]
    state: State = field(default="free", kw_only=True)
    order: int = field(default=1, kw_only=True)
    stochastic: bool = field(default=False, kw_only=True)
    clip: float | None = field(default=None, kw_only=True)
    dtype: str = field(default="float64", kw_only=True)
    variants: Mapping[str, "Sampler"] = field(default_factory=dict, kw_only=True)
    couples_items: str = field(default="", kw_only=True)
    steps: tuple[int, int] = field(default=(1, 6), kw_only=True)
    evaluations: Callable[[int], int] | None = field(default=None, kw_only=True)
    twin: Twin | None = field(default=None, kw_only=True)
    brownian: bool = field(default=False, kw_only=True)
    never_exact: str = field(default="", kw_only=True)
    trained: Callable[[Any], "Between | None"] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_spaces(self.spaces)
        _require_state(self.state)
        _require_twin(self)
        if self.order < 1:
            raise ParameterError(sentence("an order of convergence of 1 or more", f"{self.order}", "pass order="))
        if not 1 <= self.steps[0] <= self.steps[1]:
            raise ParameterError(sentence("1 <= fewest <= most steps", f"{self.steps}", "pass steps=(fewest, most)"))

    def _callable(self) -> Any:
        return self.run


def name_of(call: Any) -> str:
    """The name of a subject that was given none: that of the function, class or partial behind it."""
    while hasattr(call, "func"):  # a partial is named after what it calls
        call = call.func
    return str(getattr(call, "__qualname__", type(call).__qualname__)).replace("<locals>.", "")


def _require_spaces(spaces: tuple[str, ...]) -> None:
    if isinstance(spaces, str) or not spaces:
        raise ParameterError(sentence("a tuple of parameterizations", repr(spaces), 'write spaces=("eps", "x0", "v")'))
    for space in spaces:
        if space not in PARAMETERIZATIONS:
            raise unknown_name("parameterization", space, PARAMETERIZATIONS)


def _require_twin(subject: Sampler) -> None:
    if subject.twin is None:
        return
    if not isinstance(subject.twin, Twin):
        raise ParameterError(sentence("twin to be a Twin or None", repr(subject.twin), 'write twin=Twin("heun")'))
    catalogue: Mapping[str, Any] = STOCHASTIC if subject.stochastic else SOLVERS
    solver = subject.twin.solver
    if solver not in catalogue:
        raise unknown_name("stochastic solver" if subject.stochastic else "solver", solver, catalogue)
    taken = STOCHASTIC[solver].options if subject.stochastic else {}
    for name in subject.twin.options:
        if name not in taken:
            came, do = repr(name), "leave it out, or declare a stochastic twin that takes it"
            raise ParameterError(sentence(f"options of the twin out of {', '.join(taken) or 'none'}", came, do))


def _require_state(state: str) -> None:
    if state not in STATES:
        raise unknown_name("path", state, STATES)
