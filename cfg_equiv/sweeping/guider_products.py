"""The options of diffusers' guiders: booleans from the signature, the values of the rest declared.

A guider with a third branch has the option :data:`BRANCHES`, which is no option of the library: which of its scales is
the weight. With ``both`` the second prediction stands for both branches, and the weight is the sum of the two scales.

The guider is asked at one step in the middle of a run (:data:`~cfg_equiv.adapters.diffusers_guiders.STEP`). ``start``
and ``stop`` take values between which that step lies: outside them a guider gives the conditional prediction, and there
is no rule to check.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import Tensor

from cfg_equiv.adapters.diffusers_guiders import APG, GUIDERS, STEP, Rule, combined, installed, quiet
from cfg_equiv.errors import unknown_name
from cfg_equiv.sweeping.product import Options, Product, refusal
from cfg_equiv.testing.subjects import Guidance

MODULE = "diffusers.guiders"
BRANCHES = "branches"
BOTH = 2.0  # the scale of each further branch where all are on: a power of two, so that the weight is split exactly

# Options whose values the signature does not list; of each the library's default comes first.
VALUES: dict[str, Sequence[Any]] = {
    "guidance_rescale": (0.0, 0.7),
    "start": (0.0, 0.1),
    "stop": (1.0, 0.2),
    "eta": (1.0, 0.5, 0.0),
    f"{APG}momentum": (None, -0.5),
    f"{APG}rescale": (15.0, 1.0, 0.0),
    f"{APG}norm_dim": (None, -1),
    f"{APG}start_step": (5, 0),
    "alpha": (8.0, 0.0),
    "zero_init_steps": (1, 0, 2),
    "parallel_weights": (None, 0.5),
    "guidance_rescale_space": ("data", "freq"),
}
BY_LEVEL = {"high frequencies only": [0.0, 0.5], "low frequencies only": [0.5, 0.0]}
OF_GUIDER: dict[str, dict[str, Sequence[Any]]] = {"FrequencyDecoupledGuidance": {"start": (0.0, *BY_LEVEL)}}
LEFT_OUT: dict[str, str] = {
    "enabled": "it switches the guider off",
    "dropout": "it acts on the layers of the network",
    "seg_blur_sigma": "it acts on the layers of the network",
    "seg_blur_threshold_inf": "it acts on the layers of the network",
    "spatio_temporal_guidance_blocks": "it acts on the layers of the network",
    "..._layers, ..._config": "which layers of the network a further branch skips",
    "..._guidance_start, ..._guidance_stop": "the interval of a further branch, in which the guider is asked",
}


@dataclass(frozen=True)
class Branch:
    """One choice of what the second prediction is: the options that make it so, and how the weight is written."""

    options: Mapping[str, Any]
    weight: str = "guidance_scale"
    handed: tuple[int, ...] = (1,)
    less: float = 0.0
    convention: str = ""  # that of use_original_formulation, if it says nothing else


def _third(layers: str, scale: str) -> dict[str, Branch]:
    """``guidance_scale`` of the branch alone is where guidance is off, which depends on the convention."""
    base = {layers: [0]}
    return {
        "guidance": Branch({**base, scale: 0.0}),
        "third": Branch(base, scale, handed=(2,)),
        "both": Branch({**base, scale: BOTH}, handed=(1, 2), less=BOTH),
    }


_AUTO = {"auto_guidance_layers": [0], "dropout": 0.1}
FIXED: dict[str, dict[str, Any]] = {"AutoGuidance": _AUTO}
FURTHER: dict[str, dict[str, Branch]] = {
    "SkipLayerGuidance": _third("skip_layer_guidance_layers", "skip_layer_guidance_scale"),
    "PerturbedAttentionGuidance": _third("perturbed_guidance_layers", "perturbed_guidance_scale"),
    "SmoothedEnergyGuidance": _third("seg_guidance_layers", "seg_guidance_scale"),
    "LTX2Guidance": {
        "guidance": Branch({}),
        "spatio-temporal": Branch({}, "stg_scale", handed=(2,), convention="c+w(c-u)"),
        "modality": Branch({}, "modality_scale", handed=(3,)),
        "all": Branch({"stg_scale": BOTH, "modality_scale": BOTH + 1}, handed=(1, 2, 3), less=2 * BOTH),
    },
}
WEIGHTS = {"FrequencyDecoupledGuidance": "guidance_scales"}
IN_FLOAT32 = ("ClassifierFreeZeroStarGuidance", "TangentialClassifierFreeGuidance")
# What a guider takes latents for. The norm of the first over the axes of an image raises; the second has a pyramid.
SEQUENCES, IMAGES = ("MagnitudeAwareGuidance",), ("FrequencyDecoupledGuidance",)


def names() -> list[str]:
    """The guiders of the installed version whose own dependencies are there."""
    module = import_module(MODULE)
    return [name for name in GUIDERS if hasattr(module, name) and installed(name)]


def product(name: str) -> Product:
    """The options of a guider.

    Raises
    ------
    UnknownNameError
        If there is no such guider, or what it needs is not installed.
    """
    if name not in names():
        raise unknown_name("guider of diffusers", name, names())
    cls = getattr(import_module(MODULE), name)
    further = FURTHER.get(name, {})
    values: dict[str, Sequence[Any]] = {BRANCHES: tuple(further)} if further else {}
    for option, parameter in inspect.signature(cls).parameters.items():
        declared = OF_GUIDER.get(name, {}).get(option, VALUES.get(option, ()))
        found = (False, True) if isinstance(parameter.default, bool) and option not in LEFT_OUT else declared
        if found:
            values[option] = (parameter.default, *(value for value in found if value != parameter.default))

    def make(options: Options) -> Guidance:
        rule, convention = _rule(name, swept.complete(options), swept.changed(options))
        with quiet():
            cls(**rule.options)
        changed = swept.changed(options)
        label = ",".join(f"{key.removeprefix(APG)}={value}" for key, value in changed.items())
        combine = combined(cls, rule)
        return Guidance(
            _shaped(name, combine),
            convention,
            name=f"{name}[{label}]" if label else name,
            version=import_module("diffusers").__version__,
            dtypes=rule.dtypes,
            options=dict(changed),
        )

    def rejected(options: Options) -> str:
        try:
            with quiet():
                cls(**_rule(name, swept.complete(options), swept.changed(options))[0].options)
        except (ValueError, NotImplementedError) as error:
            return refusal(error)
        return ""

    def code(options: Options) -> str:
        rule, _ = _rule(name, swept.complete(options), swept.changed(options))
        given = {key: f"{value!r}" for key, value in rule.options.items()}
        text = ", ".join(f"{key}={value}" for key, value in {rule.weight: _weight(rule), **given}.items())
        return f"diffusers.guiders.{name}({text})"

    swept = Product(make, values, rejected, code)
    return swept


def _weight(rule: Rule) -> str:
    text = f"w - {rule.less:g}" if rule.less else "w"
    return f"[{text}, {text}]" if rule.weight.endswith("scales") else text


def _rule(name: str, options: Options, changed: Options) -> tuple[Rule, str]:
    """The rule of a choice of options, and its weight convention."""
    original = bool(options.get("use_original_formulation"))
    branch = FURTHER.get(name, {}).get(options.get(BRANCHES, ""), Branch(FIXED.get(name, {})))
    given: dict[str, Any] = {key: BY_LEVEL.get(value, value) for key, value in changed.items() if key != BRANCHES}
    weight = WEIGHTS.get(name, branch.weight)
    if options.get(f"{APG}start_step", STEP) < STEP:  # from then on another scale is the weight
        weight = f"{APG}scale"
    if (
        branch.handed == (2,) and not branch.convention
    ):  # guidance itself is off, for which each convention has a weight
        given["guidance_scale"] = 0.0 if original else 1.0
    rule = Rule(
        {**branch.options, **given},
        weight,
        branch.handed,
        branch.less,
        kept=options.get(f"{APG}momentum") is not None,
        dtypes=("float32",) if name in IN_FLOAT32 else ("float64", "float32"),
    )
    return rule, branch.convention or ("c+w(c-u)" if original else "u+w(c-u)")


def _shaped(name: str, combine: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[[Tensor, Tensor, float], Tensor]:
    """The rule on latents of the shape that its guider takes."""

    def of_sequences(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        return combine(cond.flatten(2), uncond.flatten(2), w).reshape(cond.shape)

    def of_images(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        result = combine(_image(cond), _image(uncond), w)
        return result[..., ::2, ::2].reshape(cond.shape)

    return of_sequences if name in SEQUENCES else of_images if name in IMAGES else combine


def _image(x: Tensor) -> Tensor:
    """An image of twice the size, as a pyramid takes no small ones: each element stands four times."""
    x = x.reshape(*x.shape[:2], 2, -1) if x.ndim == 3 else x
    return x.repeat_interleave(2, -2).repeat_interleave(2, -1)
