r"""stable-audio-tools as subjects: its samplers, the guidance of its transformer and U-Net, and its shift of time.

The loops of ``inference/sampling.py`` take the network's own output, so each accepts one parameterization:

- ``sample`` and ``sample_k`` take :math:`v` on :math:`\alpha = \cos(\pi t/2)`, :math:`\sigma = \sin(\pi t/2)`. In
  ``sample_k`` the state is :math:`x_0 + \sigma\epsilon`, and k-diffusion's ``VDenoiser`` shows the network the latent
  on the circle and tells it :math:`t`;
- ``sample_discrete_euler``, ``sample_rk4``, ``sample_flow_dpmpp`` and ``sample_flow_pingpong``, and ``sample_rf`` over
  them, take :math:`\epsilon - x_0` on :math:`\alpha = 1 - t`, :math:`\sigma = t`.

Only submodules are imported (:mod:`cfg_equiv.peers.isolated`): the package asks for more than its samplers need.

References
----------
[SAT] stable-audio-tools, ``inference/sampling.py``, ``models/dit.py``, ``models/adp.py``; [Crowson] k-diffusion.
"""

import contextlib
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.adapters import k_diffusion
from cfg_equiv.adapters.diffusers_twins import RENOISED
from cfg_equiv.errors import unknown_name
from cfg_equiv.peers.guiders_stable_audio import released as released_guidance
from cfg_equiv.peers.guiders_stable_audio import unet
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule, Subject

Model = Callable[[Tensor, Any], Tensor]
Combine = Callable[[Tensor, Tensor, float], Tensor]
SHIFTED = "DistributionShift"


@dataclass(frozen=True)
class Entry:
    """One sampler: on which path, how it is called, and what it claims."""

    flow: bool = True
    order: int = 1
    stochastic: bool = False
    types: tuple[str, ...] = ()  # values of sampler_type, each a subject of its own
    twin: str = ""
    never_exact: str = ""
    combinations: tuple[Mapping[str, Any], ...] = ()
    variants: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[int, int] = (1, 6)


_SHIFT = {"dist_shift": True}
RF = {  # of sample_rf: the claims of what it calls
    "euler": Entry(twin="euler_flow"),
    "rk4": Entry(order=4, twin="flow_rk4"),
    "dpmpp": Entry(order=2, twin="dpmpp_2m"),
    "pingpong": Entry(stochastic=True, never_exact=RENOISED),
}
SAMPLERS: dict[str, Entry] = {
    "sample": Entry(
        flow=False,
        twin="ddim_v",
        combinations=({"eta": 1.0}, {"eta": 0.5}, {"sigma_max": 0.75}),
        variants=({"eta": 1.0}, _SHIFT, {"sigma_max": 0.75}),
    ),
    "sample_discrete_euler": Entry(twin="euler_flow", combinations=(_SHIFT,), variants=(_SHIFT, {"sigma_max": 0.75})),
    "sample_rk4": Entry(order=4, twin="flow_rk4", combinations=(_SHIFT,), variants=(_SHIFT, {"sigma_max": 0.75})),
    "sample_flow_dpmpp": Entry(order=2, twin="dpmpp_2m", combinations=(_SHIFT,), variants=(_SHIFT,)),
    "sample_flow_pingpong": Entry(stochastic=True, never_exact=RENOISED, variants=(_SHIFT,)),
    "sample_rf": Entry(types=tuple(RF)),
    "sample_k": Entry(
        flow=False,
        types=(
            "k-heun",
            "k-lms",
            "k-dpmpp-2s-ancestral",
            "k-dpm-2",
            "dpmpp-2m",
            "dpmpp-2m-sde",
            "dpmpp-3m-sde",
            "v-ddim",
        ),
    ),
}


@cache
def released() -> Any:
    """``inference.sampling`` of the installed package, with the installed k-diffusion behind it."""
    with isolated("stable_audio_tools.inference.sampling", packages=["k_diffusion"]) as (sampling,):
        k = k_diffusion.released()
        behind = SimpleNamespace(external=k.external, sampling=k.sampling, utils=k.sampling.utils)
        vars(sampling)["K"] = behind  # the module has an empty parent in its place
        return sampling


def subjects(name: str = "*") -> list[Subject]:
    """The subjects of a sampler or a guided network by its name; ``"*"`` is all, and the shift of time.

    Raises :class:`~cfg_equiv.errors.UnknownNameError` for a name that is none of them.
    """
    known = (*SAMPLERS, *_guidance(), SHIFTED)
    if name == "*":
        return [s for one in known for s in subjects(one)]
    if name in SAMPLERS:
        return list(_samplers(name, SAMPLERS[name]))
    if name in _guidance():
        return list(_guidance()[name])
    if name == SHIFTED:
        return [_shift(), _shift(use_sine=True)]
    raise unknown_name("sampler or guided network of stable-audio-tools", name, known)


def _samplers(name: str, entry: Entry) -> list[Sampler]:
    if entry.types:
        return [_sampler(name, _claims(name, kind), {"sampler_type": kind}, {}) for kind in entry.types]
    variants = {next(iter(o)): _sampler(name, entry, o, {}) for o in entry.variants}
    return [_sampler(name, entry, {}, variants), *(_sampler(name, entry, o, {}) for o in entry.combinations)]


def _claims(name: str, kind: str) -> Entry:
    """What a type of sampler claims: that of the loop it names."""
    if name == "sample_rf":
        return RF[kind]
    if kind == "v-ddim":
        return SAMPLERS["sample"]
    behind = "sample_" + kind.removeprefix("k-").replace("-", "_")
    theirs = k_diffusion.SAMPLERS[behind]
    return Entry(
        flow=False,
        order=theirs.order,
        stochastic=theirs.stochastic,
        steps=(theirs.fewest, 6),
        twin="" if theirs.stochastic else k_diffusion.TWINS.get(behind, ""),
    )


def _sampler(name: str, entry: Entry, options: Mapping[str, Any], variants: Mapping[str, Sampler]) -> Sampler:
    keywords = {**options, "dist_shift": _shifted()} if "dist_shift" in options else dict(options)

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        def network(x: Tensor, t: Tensor, **ignored: Any) -> Tensor:
            return model(x, t[0])

        with contextlib.redirect_stderr(io.StringIO()):  # progress bars
            end: Tensor = _call(name, network, z, steps, keywords)
        return end

    label = ",".join(f"{key}={value}" for key, value in options.items())
    return Sampler(
        run,
        _flow if entry.flow else _circle,
        ("flow",) if entry.flow else ("v",),
        state="flow" if entry.flow else "vp",
        order=entry.order,
        stochastic=bool(options["eta"]) if "eta" in options else entry.stochastic,
        dtype="float32",  # their times are of torch's default type
        name=f"{name}[{label}]" if label else name,
        version=version("stable-audio-tools"),
        options=dict(options),
        variants=variants,
        steps=entry.steps,
        twin="" if options.get("eta") else entry.twin,
        never_exact=entry.never_exact,
    )


def _call(name: str, network: Any, z: Tensor, steps: int, keywords: Mapping[str, Any]) -> Any:
    function = getattr(released(), name)
    if name == "sample":
        start = keywords.get("sigma_max", 1.0)
        return function(network, z * math.sin(start * math.pi / 2), steps, **{"eta": 0.0, **keywords})
    if name == "sample_k" and keywords["sampler_type"] != "v-ddim":
        return function(network, z, steps=steps, sigma_min=0.1, sigma_max=10.0, device="cpu", **keywords)
    if name in ("sample_k", "sample_rf"):
        return function(network, z, steps=steps, device="cpu", **keywords)
    return function(network, z * keywords.get("sigma_max", 1.0), steps, **keywords)


def _circle(t: Any) -> tuple[Tensor, Tensor]:
    angle = torch.as_tensor(t, dtype=torch.float64) * math.pi / 2
    return angle.cos().clamp(min=0), angle.sin()


def _flow(t: Any) -> tuple[Tensor, Tensor]:
    t = torch.as_tensor(t, dtype=torch.float64)
    return 1 - t, t


def _shifted(**options: Any) -> Any:
    return released().DistributionShift(**options)


def _shift(**options: Any) -> Schedule:
    """Shifted times as the sigmas of a flow, for a sequence as long as most."""
    shift, label = _shifted(**options), ",".join(f"{key}={value}" for key, value in options.items())
    times = [1 - i / 12 for i in range(13)]
    return Schedule(
        lambda t: _flow(shift.time_shift(torch.tensor(t, dtype=torch.float64), 1024)),
        times,
        path="flow",
        ends=((0.0, 1.0), (1.0, 0.0)),
        name=f"{SHIFTED}[{label}]" if label else SHIFTED,
        version=version("stable-audio-tools"),
        options=options,
    )


@cache
def _guidance() -> dict[str, tuple[Guidance, ...]]:
    """The guided networks: whatever the network predicts, its own output is guided."""
    with released_guidance() as (dit, unet_class):
        model = dit(io_channels=2, embed_dim=2, cond_token_dim=1, num_heads=1, depth=1)
    plain, with_phi = partial(_transformer, model), {"scale_phi": 0.7}
    negative = partial(_transformer, model, negative=True)
    rescaled = partial(unet, unet_class, rescale_cfg=True, scale_phi=0.7)
    return {
        "DiffusionTransformer": (
            _rule("DiffusionTransformer", plain),
            _rule("DiffusionTransformer[negative]", negative),
            _rule("DiffusionTransformer[scale_phi=0.7]", partial(plain, **with_phi), with_phi),
        ),
        "UNetCFG1d": (
            _rule("UNetCFG1d", partial(unet, unet_class)),
            _rule("UNetCFG1d[rescale_cfg=True]", rescaled, {"rescale_cfg": True, **with_phi}),
        ),
    }


def _rule(name: str, combine: Combine, options: Mapping[str, Any] | None = None) -> Guidance:
    """A rule on (batch, channels, positions), which is what these networks take: the last axes become one."""

    def on_sequences(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        return combine(cond.flatten(2), uncond.flatten(2), w).reshape(cond.shape)

    return Guidance(
        on_sequences, "u+w(c-u)", name=name, version=version("stable-audio-tools"), options=dict(options or {})
    )


def _transformer(model: Any, cond: Tensor, uncond: Tensor, w: float, negative: bool = False, **options: Any) -> Tensor:
    """``forward`` as released, around a network with these two outputs; the token of ones asks for ``cond``."""
    model.to(cond.dtype)
    model.diffusion_objective = "v"

    def network(x: Tensor, t: Tensor, cross_attn_cond: Tensor, **ignored: Any) -> Tensor:
        times = len(x) // len(cond)  # both branches are run in one batch
        return torch.where(cross_attn_cond[:, :1] == 1, cond.repeat(times, 1, 1), uncond.repeat(times, 1, 1))

    model._forward = network
    token = torch.ones(len(cond), 1, 1, dtype=cond.dtype)
    if negative:
        options["negative_cross_attn_cond"] = 2 * token
    half = torch.full((len(cond),), 0.5, dtype=cond.dtype)
    answer: Tensor = model(torch.zeros_like(cond), half, cross_attn_cond=token, cfg_scale=w, **options)
    return answer
