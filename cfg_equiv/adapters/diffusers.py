"""The schedulers of diffusers as subjects: ``subjects("DDIMScheduler")``, ``subjects("*")``.

Everything that is known about a class is data in :mod:`~cfg_equiv.adapters.diffusers_schedulers`; here it is turned
into samplers. Options are told apart by the signature: those that ``__init__`` does not take go to ``step``.
"""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from cfg_equiv.adapters import diffusers_levels as at
from cfg_equiv.adapters.diffusers_drivers import DRIVERS, Prepared
from cfg_equiv.adapters.diffusers_guiders import guiders
from cfg_equiv.adapters.diffusers_schedulers import SCHEDULERS, Combination, Entry
from cfg_equiv.adapters.diffusers_twins import BROWNIAN, RENOISED, evaluations, twin
from cfg_equiv.errors import UnknownNameError, sentence, unknown_name
from cfg_equiv.testing.subjects import Sampler
from cfg_equiv.testing.wrap import from_scheduler

MODULE = "diffusers.schedulers"
# Conventions that take the level from the solver, and not from the timestep: the two may differ.
BY_SIGMA = (at.solver, at.scaled, at.interpolated, at.interpolated_before, at.midpoint)
ORDERS = ("solver_order", "predictor_order", "order")  # the options that set the order

__all__ = ["guiders", "subjects"]


# Classes of diffusers.schedulers that are not among the subjects, and why.
LEFT_OUT: dict[str, str] = {
    "AmusedScheduler": "discrete tokens",
    "BlockRefinementScheduler": "discrete tokens",
    "DiscreteDDIMScheduler": "discrete tokens",
    "EntropyBoundScheduler": "discrete tokens",
    "VQDiffusionScheduler": "discrete tokens",
    "CMStochasticIterativeScheduler": "takes a consistency function with its own boundary condition",
    "ConsistencyDecoderScheduler": "takes a consistency function with its own boundary condition",
    "HeliosScheduler": "a pyramid of resolutions: the latent changes its shape between stages",
    "HeliosDMDScheduler": "a pyramid of resolutions: the latent changes its shape between stages",
    "KarrasVeScheduler": "deprecated, and driven by step_correct",
    "PiflowScheduler": "takes a policy of several predictions, not one",
    "RFD4ProteinaScheduler": "needs a mask of tokens, and the score at its first level is undefined",
    "RePaintScheduler": "needs an image and a mask to paint in",
    "ScoreSdeVeScheduler": "driven by step_pred and step_correct",
    "ScoreSdeVpScheduler": "driven by step_pred",
}


def subjects(name: str = "*") -> list[Sampler]:
    """The subjects of a class by its name; ``"*"`` is all classes that the installed version has."""
    schedulers = import_module(MODULE)
    if name == "*":
        return [s for known in SCHEDULERS if hasattr(schedulers, known) for s in _of(known, schedulers)]
    if name in LEFT_OUT:
        raise UnknownNameError(sentence("a scheduler that takes a latent and a prediction", repr(name), LEFT_OUT[name]))
    if name not in SCHEDULERS or not hasattr(schedulers, name):
        raise unknown_name("scheduler of diffusers", name, SCHEDULERS)
    return _of(name, schedulers)


def _of(name: str, schedulers: Any) -> list[Sampler]:
    cls, entry = getattr(schedulers, name), SCHEDULERS[name]
    version = import_module("diffusers").__version__
    first = Combination()
    found = [_subject(cls, entry, combination, version) for combination in (first, *entry.combinations)]
    variants = {next(iter(options)): _subject(cls, entry, Combination(options), version) for options in entry.variants}
    return [_subject(cls, entry, first, version, variants), *found[1:]]


def _subject(
    cls: type, entry: Entry, given: Combination, version: str, variants: Mapping[str, Sampler] | None = None
) -> Sampler:
    options = {**entry.fixed, **given.options}
    known = inspect.signature(cls).parameters
    config = {key: value for key, value in options.items() if key in known}
    in_step = {key: value for key, value in options.items() if key not in known}
    wrap = DRIVERS.get(cls.__name__, _as_it_is)

    def build(prediction_type: str) -> Any:
        typed = {"prediction_type": prediction_type} if "prediction_type" in known else {}
        return wrap(cls(**config, **typed))

    spaces = given.spaces or entry.spaces
    prepared = {library_name: Prepared(partial(build, library_name)) for library_name in spaces.values()}

    made = from_scheduler(
        lambda prediction_type: prepared[prediction_type](),
        spaces,
        entry.level,
        state=given.state or entry.state,
        order=next(
            (options[key] for key in ("solver_order", "predictor_order", "order") if key in options), entry.order
        ),
        stochastic=_stochastic(options, entry),
        clip=options.get("clip_sample_range", 1.0) if options.get("clip_sample") else None,
        dtype="float32",
        step_options=in_step,
        name=_name(cls.__name__, given),
        version=version,
        options=options,
        steps=given.steps or entry.steps,
        variants=variants,
        evaluations=evaluations(cls.__name__, options),
        never_exact=RENOISED if options.get("stochastic_sampling") else entry.never_exact,
        trained=at.trained if entry.level in BY_SIGMA else None,
    )
    defaults = {key: parameter.default for key, parameter in known.items()}
    name = cls.__name__
    return replace(made, twin=twin(name, {**defaults, **options}), brownian=name in BROWNIAN)


def _as_it_is(scheduler: Any) -> Any:
    return scheduler


def _stochastic(options: Mapping[str, Any], entry: Entry) -> bool:
    """Whether the options make it draw noise, where they say so; else what the class does by default."""
    said = [bool(options[key]) for key in ("eta", "s_churn", "stochastic_sampling") if key in options]
    said += [
        str(options[key]).startswith("sde-") for key in ("algorithm_type",) if key in options and not entry.stochastic
    ]
    return any(said) if said else entry.stochastic


def _name(name: str, given: Combination) -> str:
    parts = [f"{key}={_brief(value)}" for key, value in given.options.items()]
    label = ",".join([*parts, *([given.label] if given.label else [])])
    return f"{name}[{label}]" if label else name


def _brief(value: Any) -> str:
    """A value short enough for a test id, without spaces."""
    return "all" if isinstance(value, list) else str(value).replace(" ", "")
