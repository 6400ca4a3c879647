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
from cfg_equiv.testing.subjects import Guidance, Sampler, Schedule, Subject, Twin

Model = Callable[[Tensor, Any], Tensor]
SHIFTED, TRANSFORMER, UNET = "DistributionShift", "DiffusionTransformer", "UNetCFG1d"
LENGTH = 1024
WIDE = 100.0  # of sigma_max/sigma_min: a rounding at the one counts as often in Heun's call at the other
V_TYPES = ("v-ddim", "v-ddim-cfgpp")  # of sample_k: those that are none of k-diffusion's
CONDITIONING = ("cross_attn_cond", "prepend_cond", "cross_attn_cond and prepend_cond")


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
    couples_items: str = ""
    brownian: bool = False


SHIFTS: dict[Any, Mapping[str, Any]] = {True: {}, "use_sine": {"use_sine": True}}  # values of dist_shift
_SHIFT = {"dist_shift": True}
K_TYPES = (
    *("k-heun", "k-lms", "k-dpmpp-2s-ancestral", "k-dpm-2", "k-dpm-fast", "k-dpm-adaptive"),
    *("dpmpp-2m", "dpmpp-2m-sde", "dpmpp-3m-sde", "v-ddim", "v-ddim-cfgpp"),
)
RF = {  # of sample_rf: the claims of what it calls
    "euler": Entry(twin="euler_flow"),
    "rk4": Entry(order=4, twin="flow_rk4"),
    "dpmpp": Entry(order=2, twin="dpmpp_2m"),
    "pingpong": Entry(stochastic=True, twin="renoise", never_exact=RENOISED),
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
    "sample_flow_pingpong": Entry(stochastic=True, twin="renoise", never_exact=RENOISED, variants=(_SHIFT,)),
    "sample_rf": Entry(types=tuple(RF)),
    "sample_k": Entry(
        flow=False,
        types=K_TYPES,
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
        return [shift({}), shift({"use_sine": True})]
    raise unknown_name("sampler or guided network of stable-audio-tools", name, known)


def _samplers(name: str, entry: Entry) -> list[Sampler]:
    if entry.types:
        return [sampler(name, {"sampler_type": kind}) for kind in entry.types]
    variants = {next(iter(o)): sampler(name, o) for o in entry.variants}
    return [sampler(name, {}, variants=variants), *(sampler(name, o) for o in entry.combinations)]


def _claims(name: str, options: Mapping[str, Any]) -> Entry:
    """What a loop claims, or the one that its type of sampler names."""
    if not SAMPLERS[name].types:
        return SAMPLERS[name]
    kind = options["sampler_type"]
    if name == "sample_rf":
        return RF[kind]
    if kind in V_TYPES:
        return SAMPLERS["sample"]
    behind = "sample_" + kind.removeprefix("k-").replace("-", "_")
    theirs, rough = k_diffusion.SAMPLERS[behind], behind in k_diffusion.ON_A_PATH
    return Entry(
        flow=False,
        order=theirs.order,
        stochastic=theirs.stochastic,
        steps=(theirs.fewest, 6),
        brownian=rough,
        twin=k_diffusion.STOCHASTIC_TWINS.get(behind, "") if rough or not theirs.stochastic else "",
        never_exact=theirs.never_exact,
        couples_items=theirs.couples_items,
    )


def _twin(entry: Entry, options: Mapping[str, Any]) -> Twin | None:
    if options.get("eta"):
        return Twin("v_diffusion", {"eta": options["eta"]})
    return Twin(entry.twin) if entry.twin else None


def sampler(name: str, options: Mapping[str, Any], *, variants: Mapping[str, Sampler] | None = None) -> Sampler:
    """A sampling loop with these options as a subject; ``dist_shift`` is one of :data:`SHIFTS`."""
    keywords, entry = dict(options), _claims(name, options)
    wide = options.get("sigma_max", 10.0) / options.get("sigma_min", 0.1) > WIDE
    if shifted := keywords.get("dist_shift"):
        keywords["dist_shift"] = released().DistributionShift(**SHIFTS[shifted])

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        def network(x: Tensor, t: Tensor, return_info: bool = False, **ignored: Any) -> Any:
            return (model(x, t[0]), {}) if return_info else model(x, t[0])  # {}: of a network that was not guided

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
        variants=variants or {},
        steps=entry.steps,
        couples_items=entry.couples_items,
        twin=None if wide else _twin(entry, options),
        brownian=entry.brownian,
        never_exact=entry.never_exact,
    )


def _call(name: str, network: Any, z: Tensor, steps: int, keywords: Mapping[str, Any]) -> Any:
    function = getattr(released(), name)
    if name == "sample":
        start = keywords.get("sigma_max", 1.0)
        return function(network, z * math.sin(start * math.pi / 2), steps, **{"eta": 0.0, **keywords})
    if name == "sample_k" and keywords["sampler_type"] not in V_TYPES:
        return function(network, z, steps=steps, **{"device": "cpu", "sigma_min": 0.1, "sigma_max": 10.0, **keywords})
    if name in ("sample_k", "sample_rf"):
        # From less than pure noise on both start at data; without any they take the noise as it is.
        init = torch.zeros_like(z) if keywords.get("sigma_max", 1.0) < 1 else None
        return function(network, z, init_data=init, steps=steps, device="cpu", **keywords)
    return function(network, z * keywords.get("sigma_max", 1.0), steps, **keywords)


def _circle(t: Any) -> tuple[Tensor, Tensor]:
    angle = torch.as_tensor(t, dtype=torch.float64) * math.pi / 2
    return angle.cos().clamp(min=0), angle.sin()


def _flow(t: Any) -> tuple[Tensor, Tensor]:
    t = torch.as_tensor(t, dtype=torch.float64)
    return 1 - t, t


def shift(options: Mapping[str, Any]) -> Schedule:
    """Shifted times as the sigmas of a flow; ``seq_len`` is the length of the sequence, for which most are 1024."""
    made = released().DistributionShift(**{key: value for key, value in options.items() if key != "seq_len"})
    label = ",".join(f"{key}={value}" for key, value in options.items())
    return Schedule(
        lambda t: _flow(made.time_shift(torch.tensor(t, dtype=torch.float64), options.get("seq_len", LENGTH))),
        [1 - i / 12 for i in range(13)],
        path="flow",
        ends=((0.0, 1.0), (1.0, 0.0)),
        name=f"{SHIFTED}[{label}]" if label else SHIFTED,
        version=version("stable-audio-tools"),
        options=dict(options),
    )


@cache
def _networks() -> tuple[Any, Any]:
    """A released transformer, small, and the class of the U-Net."""
    with released_guidance() as (dit, unet_class):
        return dit(io_channels=2, embed_dim=2, cond_token_dim=1, num_heads=1, depth=1), unet_class


def guidance(name: str, options: Mapping[str, Any] | None = None, *, title: str = "") -> Guidance:
    """The guidance of a network with these options: whatever it predicts, its own output is guided.

    Beside those of ``forward`` there are ``negative`` (a negative prompt is given), ``diffusion_objective`` and
    ``conditioning`` (by which arguments the transformer is told its prompt).
    """
    options = dict(options or {})
    of = partial(_transformer if name == TRANSFORMER else _unet, **options)
    return Guidance(of, "u+w(c-u)", name=title or name, version=version("stable-audio-tools"), options=options)


def _guidance() -> dict[str, tuple[Guidance, ...]]:
    phi, rescaled = {"scale_phi": 0.7}, {"rescale_cfg": True, "scale_phi": 0.7}
    return {
        TRANSFORMER: (
            guidance(TRANSFORMER),
            guidance(TRANSFORMER, {"negative": True}, title=f"{TRANSFORMER}[negative]"),
            guidance(TRANSFORMER, phi, title=f"{TRANSFORMER}[scale_phi=0.7]"),
        ),
        UNET: (guidance(UNET), guidance(UNET, rescaled, title=f"{UNET}[rescale_cfg=True]")),
    }


def _unet(cond: Tensor, uncond: Tensor, w: float, **options: Any) -> Tensor:
    """``forward`` as released on (batch, channels, positions), item by item, around a network with these outputs."""
    cls, c, u = _networks()[1], cond.flatten(2), uncond.flatten(2)
    items = [unet(cls, c[k : k + 1], u[k : k + 1], w, **options) for k in range(len(c))]
    return torch.cat(items).reshape(cond.shape)


def _transformer(
    cond: Tensor,
    uncond: Tensor,
    w: float,
    negative: bool = False,
    diffusion_objective: str = "v",
    conditioning: str = CONDITIONING[0],
    **options: Any,
) -> Tensor:
    """``forward`` as released, around a network with these two outputs; the token of ones asks for ``cond``."""
    model, shape = _networks()[0].to(cond.dtype), cond.shape
    model.diffusion_objective = diffusion_objective
    cond, uncond = cond.flatten(2), uncond.flatten(2)

    def network(x: Tensor, t: Tensor, return_info: bool = False, **given: Any) -> Any:
        times = len(x) // len(cond)  # both branches are run in one batch
        tokens = [given[name][:, :1] for name in asked]
        asks = torch.stack([token == 1 for token in tokens]).all(0)
        output = torch.where(asks, cond.repeat(times, 1, 1), uncond.repeat(times, 1, 1))
        return (output, {}) if return_info else output

    model._forward = network
    token = torch.ones(len(cond), 1, 1, dtype=cond.dtype)
    asked = conditioning.split(" and ")
    if negative:
        options["negative_cross_attn_cond"] = 2 * token
    half = torch.full((len(cond),), 0.5, dtype=cond.dtype)
    given = dict.fromkeys(asked, token)
    answer: Any = model(torch.zeros_like(cond), half, cfg_scale=w, **given, **options)
    output: Tensor = answer[0] if options.get("return_info") else answer
    return output.reshape(shape)
