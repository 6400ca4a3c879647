"""The guiders of diffusers as guidance rules: ``guiders("ClassifierFreeGuidance")``, ``guiders("*")``.

A guider combines the outputs of the network, whatever its parameterization. It is asked in the middle of a run, with a
guider that is new for every call, so that what it keeps from call to call does not mix into the rule. The momentum of
APG is such a history on purpose: its subject keeps one guider, as a pipeline does.

The weight convention is ``u+w(c-u)``, and ``c+w(c-u)`` with ``use_original_formulation``. Guiders with a third branch
(a network with layers skipped, perturbed or smoothed) have two subjects: plain guidance with the third branch off, and
the third branch alone, in the place of the unconditional one.

References
----------
The papers the classes name; the rule of each as the released code has it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.subjects import Guidance

STEP, STEPS, TIMESTEP = 1, 10, 899  # past the zero-initialised steps, within the first fifth


@dataclass(frozen=True)
class Rule:
    """Option values of one subject.

    ``weight`` is the option that holds the weight, less ``less``: what the scales of other branches add to it.
    ``handed`` are the places after the conditional one where the second prediction is handed over: 1 is that of the
    unconditional prediction, 2 and 3 are further branches. ``kept`` says that one guider serves all calls of a shape.
    A rule that computes in float32 itself is tried in float32 alone: of a float64 result no one could say how far it
    may be off.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    weight: str = "guidance_scale"
    handed: tuple[int, ...] = (1,)
    less: float = 0.0
    kept: bool = False
    dtypes: tuple[str, ...] = ("float64", "float32")


ORIGINAL, RESCALE = {"use_original_formulation": True}, {"guidance_rescale": 0.7}
APG, MIX = "adaptive_projected_guidance_", {"adaptive_projected_guidance_momentum": None}


def _with_branch(layers: str, scale: str) -> tuple[Rule, ...]:
    """A guider whose third branch is switched by ``scale``: without it, and it alone."""
    base = {layers: [0]}
    return (
        Rule({**base, scale: 0.0}),
        Rule({**base, scale: 0.0, **ORIGINAL}),
        Rule({**base, scale: 0.0, **RESCALE}),
        Rule({**base, "guidance_scale": 1.0}, scale, handed=(2,)),
        Rule({**base, "guidance_scale": 0.0, **ORIGINAL}, scale, handed=(2,)),
    )


GUIDERS: dict[str, tuple[Rule, ...]] = {
    "ClassifierFreeGuidance": (Rule(), Rule(ORIGINAL), Rule(RESCALE)),
    "AutoGuidance": tuple(
        Rule({"auto_guidance_layers": [0], "dropout": 0.1, **more}) for more in ({}, ORIGINAL, RESCALE)
    ),
    "SkipLayerGuidance": _with_branch("skip_layer_guidance_layers", "skip_layer_guidance_scale"),
    "PerturbedAttentionGuidance": _with_branch("perturbed_guidance_layers", "perturbed_guidance_scale"),
    "SmoothedEnergyGuidance": _with_branch("seg_guidance_layers", "seg_guidance_scale"),
    "LTX2Guidance": (Rule(), Rule(RESCALE)),
    "FrequencyDecoupledGuidance": (
        Rule({}, "guidance_scales"),
        Rule(ORIGINAL, "guidance_scales"),
        Rule({"parallel_weights": [0.5, 0.5]}, "guidance_scales"),
        Rule(RESCALE, "guidance_scales"),
    ),
    "AdaptiveProjectedGuidance": (
        Rule({f"{APG}rescale": 0.0}),
        Rule({f"{APG}rescale": 0.0, **ORIGINAL}),
        Rule({f"{APG}rescale": 0.0, "eta": 0.0}),
        Rule({f"{APG}rescale": 1.0}),
        Rule({f"{APG}rescale": 0.0, f"{APG}momentum": -0.5}, kept=True),
        Rule({f"{APG}rescale": 0.0, **RESCALE}),
    ),
    "AdaptiveProjectedMixGuidance": (
        Rule(MIX),
        Rule({**MIX, f"{APG}start_step": 0, f"{APG}rescale": 0.0, "eta": 1.0}, f"{APG}scale"),
        Rule({**MIX, f"{APG}start_step": 0, f"{APG}rescale": 0.0, "eta": 0.0}, f"{APG}scale"),
    ),
    "ClassifierFreeZeroStarGuidance": tuple(
        Rule(options, dtypes=("float32",)) for options in ({}, ORIGINAL, {"zero_init_steps": 2})
    ),
    "TangentialClassifierFreeGuidance": tuple(Rule(options, dtypes=("float32",)) for options in ({}, ORIGINAL)),
    "MagnitudeAwareGuidance": (Rule(), Rule(ORIGINAL)),
}
NEEDS = {"FrequencyDecoupledGuidance": "kornia"}


def guiders(name: str = "*") -> list[Guidance]:
    """The subjects of a guider by its class name; ``"*"`` is all whose own dependencies are installed."""
    module = import_module("diffusers.guiders")
    known = {key: rules for key, rules in GUIDERS.items() if hasattr(module, key)}
    if name != "*":
        if name not in known:
            raise unknown_name("guider of diffusers", name, known)
        if name in NEEDS:
            import_module(NEEDS[name])
        return _of(name, module)
    return [s for key in known if installed(key) for s in _of(key, module)]


def installed(name: str) -> bool:
    """Whether what a guider needs beside diffusers is there."""
    needed = NEEDS.get(name)
    if needed is None:
        return True
    try:
        import_module(needed)
    except ImportError:
        return False
    return True


def _of(name: str, module: Any) -> list[Guidance]:
    version = import_module("diffusers").__version__
    return [
        Guidance(
            combined(getattr(module, name), rule),
            "c+w(c-u)" if rule.options.get("use_original_formulation") else "u+w(c-u)",
            name=_name(name, rule),
            version=version,
            dtypes=rule.dtypes,
            options=dict(rule.options),
        )
        for rule in GUIDERS[name]
    ]


def combined(cls: Callable[..., Any], rule: Rule) -> Callable[[Tensor, Tensor, float], Tensor]:
    """The guider's own ``forward`` as a rule ``combine(cond, uncond, w)``."""
    build = partial(_build, cls, rule)
    served: dict[tuple[Any, ...], Any] = {}

    def combine(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        guider = build(w)
        if rule.kept:
            guider = served.setdefault((cond.shape, cond.dtype), guider)
            setattr(guider, rule.weight, w - rule.less)
        with quiet():
            output = guider.forward(cond, *_branches(rule, uncond))
        if not isinstance(output.pred, Tensor):
            raise SubjectError(f"expected forward() to give a tensor as pred, got {type(output.pred).__name__}")
        return output.pred

    return combine


def _branches(rule: Rule, uncond: Tensor) -> list[Tensor | None]:
    return [uncond if place in rule.handed else None for place in range(1, max(rule.handed) + 1)]


def _build(cls: Callable[..., Any], rule: Rule, w: float) -> Any:
    with quiet():
        weight: Any = w - rule.less
        if rule.weight.endswith("scales"):
            weight = [weight, weight]
        guider = cls(**rule.options, **{rule.weight: weight})
        guider.set_state(step=0, num_inference_steps=STEPS, timestep=torch.tensor(TIMESTEP))
        guider.prepare_inputs({})  # at step 0 a guider makes the buffers it keeps
        guider.set_state(step=STEP, num_inference_steps=STEPS, timestep=torch.tensor(TIMESTEP))
    return guider


@contextmanager
def quiet() -> Iterator[None]:
    """Guiders announce on every construction that they are experimental."""
    logger = logging.getLogger("diffusers.guiders.guider_utils")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _name(name: str, rule: Rule) -> str:
    shown = {key: value for key, value in rule.options.items() if not isinstance(value, list) and value is not None}
    parts = [f"{key.removeprefix(APG)}={value}" for key, value in shown.items() if key != "dropout"]
    parts += [f"{rule.weight.removeprefix(APG)}=w"] if not rule.weight.startswith("guidance_scale") else []
    return f"{name}[{','.join(parts)}]" if parts else name
