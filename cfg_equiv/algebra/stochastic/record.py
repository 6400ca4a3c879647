r"""What a stochastic solver is: a solver whose forms draw noise, and which is one of the others once that is given.

A form takes two keywords more than those of :mod:`cfg_equiv.algebra.solvers.record`: ``noise``, a source whose every
call ``noise()`` is the next unit noise, in the order in which the form's own source draws, and the options that scale
it (``eta``). :meth:`Stochastic.given` binds them. What comes out is a :class:`~cfg_equiv.algebra.solvers.Solver` like
any other, for every driver: with ``noise`` zero its noise-free map, with unknowns for the noises their coefficients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import Sampler
from cfg_equiv.algebra.solvers.record import Form, Inner, Past, Solver

Noise = Callable[[], Any]


@dataclass(frozen=True)
class Stochastic:
    """A catalogue entry.

    Attributes
    ----------
    solver
        What its source declares; the forms in ``predict``, and ``aim``, still lack their noise and options. The last
        form, to ``sigma = 0``, draws nothing: no source adds noise there.
    options
        The options its forms take, at the values their source has by default.
    """

    solver: Solver
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name it has in the catalogue."""
        return self.solver.name

    def given(self, noise: Noise, **options: Any) -> Solver:
        """The solver that draws its noise from there, its options at their defaults but for these."""
        values = {**self.options, **options}
        aim = self.solver.aim
        return replace(
            self.solver,
            predict=tuple(self._bound(form, noise=noise, **values) for form in self.solver.predict),
            aim=aim and partial(aim, **values),
        )

    @staticmethod
    def _bound(form: Form, **given: Any) -> Form:
        return Inner(partial(form.form, **given), form.nodes) if isinstance(form, Inner) else partial(form, **given)


def by_noisy_native(
    native: Callable[..., Any], xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise, **options: Any
) -> Any:
    """The step of a first-order form ``native(xp, z, pred, s, t, noise, ...)`` from where the past ends."""
    return native(xp, past[0].z, past[0].pred, past[0].at, t, noise=noise(), **options)


def lift_noisy(native: Callable[..., Any]) -> Callable[..., Any]:
    """A first-order form that takes one noise as a form of a stochastic solver: its start, or all of it."""
    return partial(by_noisy_native, native)


def first_order(sampler: Sampler, options: Mapping[str, Any], **aliases: str) -> Stochastic:
    """A stochastic first-order sampler as an entry."""
    solver = Solver(
        sampler.name,
        sampler.space,
        (lift_noisy(sampler.native),),
        order=1,
        source=sampler.source,
        state=sampler.state,
        path=sampler.path,
        aliases=aliases,
    )
    return Stochastic(solver, options)
