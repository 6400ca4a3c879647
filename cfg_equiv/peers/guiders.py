r"""The guiders and rescale functions of diffusers against the catalogue of guidance rules.

A guider is new for every call, asked in the middle of a run, so that nothing is kept from call to call; APG's momentum
is asked at step 0 and at step 1 of one guider. All of them act on whatever the network emits: the space is the model's
own, and where the verdict is that the rule depends on it, one and the same option is another sampler for an eps, a v
and a flow model. ``LTX2Guidance`` alone says that it is to be handed x0.

``FrequencyDecoupledGuidance`` needs kornia, and is left out without it.

References
----------
[diffusers] ``guiders/*.py``, ``pipelines/**/pipeline_*.py`` ``rescale_noise_cfg``.
"""

import ast
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from cfg_equiv.adapters.diffusers_guiders import STEP, STEPS, TIMESTEP, quiet
from cfg_equiv.peers.compare import Comparison, installed
from cfg_equiv.peers.released_rules import Released, ReleasedVerdict, all_agree, clip, verdict_of

NEEDS = ("diffusers",)
NATIVE = "the model's own output"
F = Fraction
ORIGINAL = {"use_original_formulation": True}
APG = "adaptive_projected_guidance_"
BARE = {f"{APG}rescale": 0.0}  # neither threshold nor momentum
# The option that names the layers, and the attribute that holds the weight of the third branch.
LAYERS = {
    "SkipLayerGuidance": ("skip_layer_guidance_layers", "skip_layer_guidance_scale"),
    "PerturbedAttentionGuidance": ("perturbed_guidance_layers", "skip_layer_guidance_scale"),
    "SmoothedEnergyGuidance": ("seg_guidance_layers", "seg_guidance_scale"),
}
MILD = {"w": F(3), "a": F(1, 2)}  # at the default a = 8 hardly anything of the guidance is left
AUTO = {"auto_guidance_layers": [0], "dropout": 0.1}


def built(name: str, options: Mapping[str, Any], step: int = STEP) -> Any:
    """A new guider of a released class, at one step of a run."""
    with quiet():
        guider = getattr(import_module("diffusers.guiders"), name)(**options)
        for k in range(step + 1):
            guider.set_state(step=k, num_inference_steps=STEPS, timestep=torch.tensor(TIMESTEP))
            if not k:
                guider.prepare_inputs({})  # here a guider makes the buffers it keeps
    return guider


def asked(name: str, options: Mapping[str, Any], *branches: Any, step: int = STEP, **weights: Any) -> Any:
    """What a new guider answers; ``weights`` become its attributes, whatever kind of number they are."""
    guider = built(name, options, step)
    for key, value in weights.items():
        setattr(guider, key, value)
    return guider.forward(*branches).pred


def _two(name: str, options: Mapping[str, Any], cond: Any, uncond: Any, w: Any) -> Any:
    return asked(name, options, cond, uncond, guidance_scale=w)


def _rescaled(name: str, options: Mapping[str, Any], cond: Any, uncond: Any, w: Any, phi: Any) -> Any:
    return asked(name, options, cond, uncond, guidance_scale=w, guidance_rescale=phi)


def _three(name: str, cond: Any, uncond: Any, third: Any, w: Any, s: Any) -> Any:
    layers, scale = LAYERS[name]
    return asked(name, {layers: [0]}, cond, uncond, third, guidance_scale=w, **{scale: s})


def _third_alone(name: str, cond: Any, third: Any, w: Any) -> Any:
    layers, scale = LAYERS[name]
    return asked(name, {layers: [0], "guidance_scale": 0.0, **ORIGINAL}, cond, None, third, **{scale: w})


def _ltx2(cond: Any, uncond: Any, third: Any, w: Any, s: Any) -> Any:
    return asked("LTX2Guidance", {}, cond, uncond, third, guidance_scale=w, stg_scale=s)


def _modality(cond: Any, uncond: Any, third: Any, w: Any, s: Any) -> Any:
    return asked("LTX2Guidance", {}, cond, uncond, None, third, guidance_scale=w, modality_scale=1 + s)


def _space(name: str) -> str:
    """Where a guider is applied: one class alone says that it is to be handed x0."""
    return "x0" if name == "LTX2Guidance" else NATIVE


def linear() -> list[Released]:
    """The configurations that are made of ``+ - * /``."""
    mix = "AdaptiveProjectedMixGuidance"
    plain = {"ClassifierFreeGuidance": {}, "LTX2Guidance": {}, mix: {f"{APG}momentum": None}}
    found = [
        Released("CFG", name, _space(name), partial(_two, name, options), exact=True) for name, options in plain.items()
    ]
    found += [
        Released("CFG (1+w)", f"{name}(original)", NATIVE, partial(_two, name, {**options, **ORIGINAL}), exact=True)
        for name, options in (("ClassifierFreeGuidance", {}), ("AutoGuidance", AUTO))
    ]
    found.append(Released("autoguidance", "AutoGuidance", NATIVE, partial(_two, "AutoGuidance", AUTO), exact=True))
    for name, rule in zip(LAYERS, ("SLG", "CFG + PAG", "SEG"), strict=True):
        found.append(Released(rule, name, NATIVE, partial(_three, name), exact=True))
        found.append(Released("PAG", f"{name}(third alone)", NATIVE, partial(_third_alone, name), exact=True))
    found.append(Released("STG", "LTX2Guidance(stg_scale)", "x0", _ltx2, exact=True))
    return [*found, Released("STG", "LTX2Guidance(modality_scale)", "x0", _modality, exact=True)]


def _apg(options: Mapping[str, Any], cond: Any, uncond: Any, w: Any, **given: Any) -> Any:
    """APG in the paper's form, where ``guidance_scale`` is ``w - 1``."""
    values = {"eta": 1.0, **options, **given}
    values[f"{APG}rescale"] = values.pop("radius", 0.0)
    return asked("AdaptiveProjectedGuidance", {**ORIGINAL, **values}, cond, uncond, guidance_scale=w - 1)


def _apg_from_uncond(cond: Any, uncond: Any, w: Any, eta: Any) -> Any:
    return asked("AdaptiveProjectedGuidance", {**BARE, "eta": eta}, cond, uncond, guidance_scale=w)


def _apg_twice(
    cond: Any, uncond: Any, cond_before: Any, uncond_before: Any, w: Any, beta: Any, eta: Any = 1.0, radius: Any = 0.0
) -> Any:
    """Two steps of one guider; the second one's answer."""
    options = {**ORIGINAL, "eta": eta, f"{APG}rescale": radius, f"{APG}momentum": beta, "guidance_scale": w - 1}
    guider = built("AdaptiveProjectedGuidance", options, step=0)
    guider.forward(cond_before, uncond_before)
    guider.set_state(step=1, num_inference_steps=STEPS, timestep=torch.tensor(TIMESTEP))
    return guider.forward(cond, uncond).pred


def _mix(original: bool, cond: Any, uncond: Any, w: Any, eta: Any) -> Any:
    options = {**BARE, f"{APG}momentum": None, f"{APG}start_step": 0, "eta": eta, "use_original_formulation": original}
    return asked("AdaptiveProjectedMixGuidance", options, cond, uncond, **{f"{APG}scale": w - 1 if original else w})


def _zero_star(cond: Any, uncond: Any, w: Any) -> Any:
    return asked("ClassifierFreeZeroStarGuidance", {}, cond, uncond, guidance_scale=w)


def _zero_init(pred: Any, w: Any) -> Any:
    return asked("ClassifierFreeZeroStarGuidance", {"zero_init_steps": STEP + 1}, pred, pred, guidance_scale=w)


def _tangential(cond: Any, uncond: Any, w: Any) -> Any:
    return asked("TangentialClassifierFreeGuidance", {}, cond, uncond, guidance_scale=w)


def magnitude_aware(cond: Any, uncond: Any, w: Any, a: Any) -> Any:
    """The released MAMBO-G, whose ``alpha`` is the catalogue's ``a``."""
    return asked("MagnitudeAwareGuidance", {"alpha": a}, cond, uncond, guidance_scale=w)


def rescale_noise_cfg(cond: Any, uncond: Any, w: Any, phi: Any) -> Any:
    """The released function, as a pipeline calls it."""
    function = import_module("diffusers.guiders.guider_utils").rescale_noise_cfg
    return function(uncond + w * (cond - uncond), cond, guidance_rescale=phi)


def nonlinear() -> list[Released]:
    """The configurations that take norms, deviations, projections, exponentials or singular vectors."""
    single = torch.float32  # these compute in it
    guider = "AdaptiveProjectedGuidance"
    plain: dict[str, dict[str, Any]] = {"ClassifierFreeGuidance": {}, "AutoGuidance": AUTO, "LTX2Guidance": {}}
    plain |= {name: {layers: [0], layers.replace("layers", "scale"): 0.0} for name, (layers, _) in LAYERS.items()}
    return [
        Released("CFG rescale", "rescale_noise_cfg", NATIVE, rescale_noise_cfg),
        *(
            Released("CFG rescale", f"{name}(guidance_rescale)", _space(name), partial(_rescaled, name, options))
            for name, options in {**plain, guider: BARE}.items()
        ),
        Released("APG projection", f"{guider}(original, eta)", NATIVE, partial(_apg, {})),
        Released("APG threshold", f"{guider}(original, rescale)", NATIVE, partial(_apg, {})),
        Released("APG (no momentum)", f"{guider}(original, eta, rescale)", NATIVE, partial(_apg, {})),
        Released("APG momentum", f"{guider}(original, momentum)", NATIVE, _apg_twice),
        Released("APG", f"{guider}(original, eta, rescale, momentum)", NATIVE, _apg_twice),
        Released("APG (u + w form)", f"{guider}(eta)", NATIVE, _apg_from_uncond),
        Released("APG (u + w form)", "AdaptiveProjectedMixGuidance(eta)", NATIVE, partial(_mix, False)),
        Released("APG projection", "AdaptiveProjectedMixGuidance(original, eta)", NATIVE, partial(_mix, True)),
        Released("CFG-Zero*", "ClassifierFreeZeroStarGuidance", NATIVE, _zero_star, dtype=single),
        Released("zero-init", "ClassifierFreeZeroStarGuidance(zero_init_steps)", NATIVE, _zero_init),
        Released("TCFG", "TangentialClassifierFreeGuidance", NATIVE, _tangential, dtype=single),
        Released("MAMBO-G", "MagnitudeAwareGuidance", NATIVE, magnitude_aware, MILD, shape=clip),
    ]


def released_verdicts() -> dict[str, list[ReleasedVerdict]]:
    """Under each rule of the catalogue, what diffusers ships of it; nothing where diffusers is not installed."""
    found: dict[str, list[ReleasedVerdict]] = {}
    if installed("diffusers") is not None:
        for released in (*linear(), *nonlinear()):
            found.setdefault(released.rule, []).append(verdict_of("diffusers", released))
    return found


def copies_are_one() -> str:
    """Every copy of ``rescale_noise_cfg`` in the library is the one function that was judged."""
    root = Path(str(import_module("diffusers").__file__)).parent
    bodies: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "def rescale_noise_cfg" in text:
            bodies.setdefault(_body(text, "rescale_noise_cfg"), []).append(str(path.relative_to(root)))
    judged = next(body for body, paths in bodies.items() if "guiders/guider_utils.py" in paths)
    others = [path for body, paths in bodies.items() if body != judged for path in paths]
    if others:
        raise AssertionError(f"these copies of rescale_noise_cfg are other functions: {', '.join(others)}")
    return f"{len(bodies[judged])} copies of rescale_noise_cfg, in guiders and pipelines, are one function"


def _body(text: str, name: str) -> str:
    """A function of a module without its docstring."""
    function = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and n.name == name)
    statements = function.body[ast.get_docstring(function) is not None :]
    return "\n".join([ast.unparse(function.args), *map(ast.unparse, statements)])


COMPARISONS: Sequence[Comparison] = (
    Comparison("diffusers guiders, linear options", NEEDS, partial(all_agree, linear)),
    Comparison("diffusers guiders, nonlinear options", NEEDS, partial(all_agree, nonlinear)),
    Comparison("diffusers rescale_noise_cfg, all copies", NEEDS, copies_are_one),
)
