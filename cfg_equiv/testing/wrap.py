r"""Steps and steppers as samplers: the protocol an adapter fills in.

A :class:`~cfg_equiv.testing.subjects.Sampler` is a whole run. What a code base has is usually smaller, one of two:

- a **step**, a function from one level to the next: :func:`from_step`;
- a **stepper**, an object that is set up for a number of steps and then asked ``step(pred, t, z)`` at each of its
  ``timesteps``, in the style of diffusers: :func:`from_scheduler`. It may also have ``init_noise_sigma`` (what unit
  noise is multiplied with at the start) and ``scale_model_input(z, t)`` (what the network is shown for ``z``).

What neither can know, and an adapter therefore declares, is the level of the latent *that the network is shown*:
:math:`z_{shown} = \alpha x_0 + \sigma\epsilon`. Libraries keep it in different places: a table of
:math:`\bar\alpha_t` (then :math:`\alpha = \sqrt{\bar\alpha_t}`), a list of :math:`\sigma/\alpha` by the index of the
step, or one shown after a rescaling, where ``scale_model_input`` divides by :math:`\sqrt{1+\sigma^2}`. Every level is
checked against the declared path, so a wrong one is an error and not a false alarm.
"""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.subjects import Between, Sampler, State, Twin, name_of

Model = Callable[[Tensor, Any], Tensor]


def from_step(
    step: Callable[[Tensor, Tensor, Point, Point, str], Tensor],
    levels: Callable[[int], Sequence[tuple[Any, Any]]],
    spaces: tuple[str, ...],
    *,
    state: State = "free",
    order: int = 1,
    stochastic: bool = False,
    clip: float | None = None,
    dtype: str = "float64",
    steps: tuple[int, int] = (1, 6),
    name: str = "",
    version: str = "",
    options: Mapping[str, Any] | None = None,
    variants: Mapping[str, Sampler] | None = None,
    twin: Twin | None = None,
    never_exact: str = "",
) -> Sampler:
    """A sampler that repeats ``step(z, pred, s, t, space) -> z_next`` over ``levels(steps)``.

    Parameters
    ----------
    step
        From the level ``s`` to the level ``t``, both with ``.alpha`` and ``.sigma`` as 0-dimensional float64 tensors
        (which do not promote a float32 ``z``); ``pred`` is the network's output at ``s``, a prediction of ``space``.
    levels
        ``levels(steps)`` is the list of ``steps + 1`` pairs ``(alpha, sigma)`` from noise to data. The start noise is
        multiplied with the first ``sigma``; at the last one the network is not called.
    spaces, state, order, stochastic, clip, dtype, steps, name, version, options, variants, twin, never_exact
        As in :class:`~cfg_equiv.testing.subjects.Sampler`.
    """

    def run(model: Model, z: Tensor, count: int, space: str) -> Tensor:
        points = [_point(level) for level in levels(count)]
        if len(points) != count + 1:
            raise SubjectError(f"expected levels({count}) to list {count + 1} levels, got {len(points)}")
        z = points[0].sigma * z
        for s, t in itertools.pairwise(points):
            z = step(z, model(z, s), s, t, space)
        return z

    return Sampler(
        run,
        lambda s: (s.alpha, s.sigma),
        spaces,
        state=state,
        order=order,
        stochastic=stochastic,
        clip=clip,
        dtype=dtype,
        steps=steps,
        name=name or name_of(step),
        version=version,
        options=dict(options or {}),
        variants=dict(variants or {}),
        evaluations=lambda count: count,
        twin=twin,
        never_exact=never_exact,
    )


def _point(level: tuple[Any, Any]) -> Point:
    alpha, sigma = (torch.as_tensor(x, dtype=torch.float64) for x in level)
    return Point(alpha, sigma)


@dataclass(frozen=True)
class Token:
    """What ``model(z, t)`` is handed as ``t`` by :func:`from_scheduler`: enough to look the level up."""

    scheduler: Any
    t: Any
    index: int

    def __str__(self) -> str:
        return f"{float(self.t):g}"


def from_scheduler(
    make: Callable[[str], Any],
    spaces: Mapping[str, str],
    level: Callable[[Any, Any, int], tuple[Any, Any]],
    *,
    state: State,
    order: int = 1,
    stochastic: bool = False,
    clip: float | None = None,
    dtype: str = "float32",
    step_options: Mapping[str, Any] | None = None,
    name: str = "",
    version: str = "",
    options: Mapping[str, Any] | None = None,
    steps: tuple[int, int] = (1, 6),
    variants: Mapping[str, Sampler] | None = None,
    evaluations: Callable[[int], int] | None = None,
    twin: Twin | None = None,
    never_exact: str = "",
    trained: Callable[[Any, Any], Between | None] | None = None,
) -> Sampler:
    """A sampler that drives a stepper in the style of diffusers.

    Parameters
    ----------
    make
        ``make(library_name)`` builds a fresh stepper for one run, for networks of that prediction type.
    spaces
        Our name of each parameterization it accepts, and the library's name of it: ``{"eps": "epsilon"}``.
    level
        ``level(scheduler, t, index) -> (alpha, sigma)`` of the latent the network is shown at ``t``, the ``index``-th
        of ``scheduler.timesteps``. It is asked at that moment, so it may read the stepper's own counter.
    step_options
        Further keyword arguments of every ``step`` call.
    trained
        ``trained(scheduler, t)``: the two levels between which a network that is told ``t`` was trained.
    state, order, stochastic, clip, dtype, steps, name, version, options, variants, evaluations, twin, never_exact
        As in :class:`~cfg_equiv.testing.subjects.Sampler`. Where ``step`` takes a ``generator``, it gets one that is
        seeded as torch's own is.
    """

    def run(model: Model, z: Tensor, count: int, space: str) -> Tensor:
        if space not in spaces:
            raise unknown_name("parameterization", space, spaces)
        scheduler = make(spaces[space])
        scheduler.set_timesteps(count)
        keywords = dict(step_options or {})
        if "generator" in inspect.signature(scheduler.step).parameters:
            keywords.setdefault("generator", torch.Generator().manual_seed(torch.initial_seed()))
        shown = getattr(scheduler, "scale_model_input", _unscaled)
        z = z * getattr(scheduler, "init_noise_sigma", 1.0)
        for index, t in enumerate(scheduler.timesteps):
            prediction = model(shown(z, t), Token(scheduler, t, index))
            z = _previous(scheduler.step(prediction, t, z, **keywords))
        return z

    return Sampler(
        run,
        lambda token: level(token.scheduler, token.t, token.index),
        tuple(spaces),
        state=state,
        order=order,
        stochastic=stochastic,
        clip=clip,
        dtype=dtype,
        steps=steps,
        name=name or name_of(make),
        version=version,
        options=dict(options or {}),
        variants=dict(variants or {}),
        evaluations=evaluations,
        twin=twin,
        never_exact=never_exact,
        trained=None if trained is None else lambda token: trained(token.scheduler, token.t),
    )


def _unscaled(z: Tensor, t: Any) -> Tensor:
    return z


def _previous(output: Any) -> Tensor:
    """The next latent, out of what ``step`` returned: an object with ``prev_sample``, a tuple, or a tensor."""
    latent = output[0] if isinstance(output, tuple) and output else getattr(output, "prev_sample", output)
    if not isinstance(latent, Tensor):
        raise SubjectError(
            f"expected step() to return an object with prev_sample, a tuple that starts with it or a tensor, "
            f"got {type(output).__name__}"
        )
    return latent
