r"""The guidance options of stable-audio-tools against the catalogue: the transformer's and the U-Net's ``forward``.

Both guide the network's own output: v, or the velocity of a rectified flow. The released ``forward`` runs unmodified;
the network behind it is replaced by two known predictions, and its layers by stand-ins.

References
----------
[SAT] stable-audio-tools, ``models/dit.py`` ``DiffusionTransformer.forward``, ``models/adp.py`` ``UNetCFG1d.forward``.
"""

import contextlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from cfg_equiv.peers.compare import Comparison, installed
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.peers.released_rules import Released, ReleasedVerdict, all_agree, clip, verdict_of
from cfg_equiv.peers.stable_audio import NEEDS, STUBS

NATIVE = "the model's own output (v, or a velocity)"
UNET_STUBS: dict[str, dict[str, Any]] = {"einops_exts": {"rearrange_many": lambda *args: args}}
INSIDE, OUTSIDE = (0.0, 1.0), (0.9, 1.0)  # intervals of sigma; the network is asked at t = 1/2


@contextlib.contextmanager
def released() -> Iterator[tuple[Any, Any]]:
    """The two released modules, alone."""
    names = ("stable_audio_tools.models.dit", "stable_audio_tools.models.adp")
    with isolated(*names, stubs={**STUBS, **UNET_STUBS}) as (dit, adp):
        yield dit.DiffusionTransformer, adp.UNetCFG1d


def transformer(model: Any, objective: str, cond: Tensor, uncond: Tensor, w: float, **options: Any) -> Tensor:
    """``forward`` of the released transformer around a network with these two outputs.

    The branch is told by the conditioning token: one of ones is ``cond``; of zeros, or the negative one, ``uncond``.
    """
    model.diffusion_objective = objective
    model.embeddings = None  # of the two branches, by the last call

    def network(x: Tensor, t: Tensor, cross_attn_cond: Tensor, global_embed: Any = None, **ignored: Any) -> Tensor:
        model.embeddings = global_embed
        return torch.where(cross_attn_cond[:, :1] == 1, cond, uncond)

    model._forward = network
    token, times = torch.ones(1, 1, 1, dtype=torch.float64), torch.full((1,), 0.5, dtype=torch.float64)
    if options.pop("negative", False):
        options["negative_cross_attn_cond"] = 2 * token
    answer: Tensor = model(torch.zeros_like(cond), times, cross_attn_cond=token, cfg_scale=w, **options)
    return answer


def unet(cls: Any, cond: Tensor, uncond: Tensor, w: float, **options: Any) -> Tensor:
    """``forward`` of the released U-Net around a network with these two outputs."""
    return _run_unet(cls, cond, uncond, w, [], **options)


def _run_unet(cls: Any, cond: Tensor, uncond: Tensor, w: float, tokens: list[Tensor], **options: Any) -> Tensor:
    """And note by which tokens the branches were told apart."""

    def network(self: Any, x: Tensor, time: Tensor, *, embedding: Tensor, **ignored: Any) -> Tensor:
        tokens.append(embedding[:, 0, 0])
        return torch.where(embedding[:, :1] == 1, cond, uncond)

    model = cls.__new__(cls)  # without its layers
    nn.Module.__init__(model)
    model.use_xattn_time = model.use_context_features = model.use_context_channels = False
    model.fixed_embedding = torch.zeros_like
    embedding, times = torch.ones(1, 1, 1, dtype=torch.float64), torch.full((1,), 0.5, dtype=torch.float64)
    if options.pop("negative", False):
        options["negative_embedding"] = 2 * embedding
    behind = cls.__mro__[1]
    original, behind.forward = behind.forward, network
    try:
        answer: Tensor = model.forward(torch.zeros_like(cond), times, embedding=embedding, embedding_scale=w, **options)
    finally:
        behind.forward = original
    return answer


def _rescaled(call: Any, cond: Tensor, uncond: Tensor, w: float, phi: float) -> Tensor:
    guided: Tensor = call(cond, uncond, w, scale_phi=phi)
    return guided


def configurations(dit: Any, unet_class: Any) -> list[Released]:
    """Every option that touches the two predictions."""
    found, model = [], _model(dit)
    for objective in ("v", "rectified_flow", "rf_denoiser"):
        call = partial(transformer, model, objective)
        found.append(Released("CFG", f"dit.py cfg_scale ({objective})", NATIVE, call, shape=clip))
    call = partial(transformer, model, "v")
    found += [
        Released(
            "negative prompt", "dit.py negative_cross_attn_cond", NATIVE, partial(call, negative=True), shape=clip
        ),
        Released("CFG", "dit.py cfg_interval, inside", NATIVE, partial(call, cfg_interval=INSIDE), shape=clip),
        Released(
            "CFG", "dit.py cfg_interval, outside", NATIVE, partial(_outside, call), {"w": Fraction(1)}, shape=clip
        ),
        Released("scale_phi", "dit.py scale_phi", NATIVE, partial(_rescaled, call), shape=clip),
    ]
    for batched in (False, True):
        guided = partial(unet, unet_class, batch_cfg=batched)
        how = f"adp.py embedding_scale, batch_cfg={batched}"
        found.append(Released("CFG", how, NATIVE, guided, shape=clip))
        rescaled = partial(_rescaled, partial(guided, rescale_cfg=True))
        found.append(Released("scale_phi", f"{how}, rescale_cfg", NATIVE, rescaled, shape=clip))
    return found


def _model(cls: Any, channels: int = 2) -> Any:
    """The released transformer for vectors of the catalogue's size."""
    return cls(io_channels=channels, embed_dim=2, cond_token_dim=1, num_heads=1, depth=1).double()


def _outside(call: Any, cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Whatever the weight, an interval that sigma is not in switches guidance off: weight 1."""
    guided: Tensor = call(cond, uncond, w + 4, cfg_interval=OUTSIDE)
    return guided


def options_agree() -> str:
    """All options are the catalogue's rules."""
    with released() as classes:
        return all_agree(partial(configurations, *classes))


def negative_embedding_ignored() -> str:
    """The U-Net takes a negative prompt and, unless both branches run in one batch, does not read it."""
    cond, uncond = torch.ones(1, 2, 1, dtype=torch.float64), torch.zeros(1, 2, 1, dtype=torch.float64)
    seen: dict[bool, list[float]] = {}
    with released() as (_, cls):
        for batched in (True, False):
            tokens: list[Tensor] = []
            _run_unet(cls, cond, uncond, 3.0, tokens, batch_cfg=batched, negative=True)
            seen[batched] = torch.cat(tokens).tolist()
    if seen != {True: [1.0, 2.0], False: [1.0, 0.0]}:
        raise AssertionError(f"the branches are run with the tokens {seen}: the release has changed")
    return (
        "models/adp.py, UNetCFG1d.forward: with batch_cfg=False, its default, negative_embedding is not read and the "
        "unconditional branch runs with the fixed embedding; with batch_cfg=True it runs with the negative prompt"
    )


def negative_global_ignored() -> str:
    """The transformer takes a negative global embedding, casts it, and runs both branches with the positive one."""
    cond, uncond = torch.ones(1, 2, 1, dtype=torch.float64), torch.zeros(1, 2, 1, dtype=torch.float64)
    embedding = torch.ones(1, 3, dtype=torch.float64)
    with released() as (cls, _):
        model = _model(cls)
        transformer(model, "v", cond, uncond, 3.0, global_embed=embedding, negative_global_embed=2 * embedding)
    if not torch.equal(model.embeddings, torch.cat([embedding, embedding])):
        raise AssertionError(f"the branches have the global embeddings {model.embeddings.tolist()}: a new release")
    return (
        "models/dit.py, DiffusionTransformer.forward: negative_global_embed is cast and not used; both branches run "
        "with global_embed, so that guidance has no part in what is conditioned globally"
    )


def released_verdicts() -> dict[str, list[ReleasedVerdict]]:
    """Under each rule of the catalogue, what stable-audio-tools ships of it; nothing where it is not installed."""
    found: dict[str, list[ReleasedVerdict]] = {}
    if all(installed(name) is not None for name in NEEDS):
        with released() as classes:
            for one in configurations(*classes):
                found.setdefault(one.rule, []).append(verdict_of("stable-audio-tools", one))
    return found


COMPARISONS: Sequence[Comparison] = (
    Comparison("stable-audio-tools guidance options", NEEDS, options_agree),
    Comparison("stable-audio-tools UNetCFG1d, negative prompt", NEEDS, negative_embedding_ignored, "differs_as_proved"),
    Comparison("stable-audio-tools transformer, global", NEEDS, negative_global_ignored, "differs_as_proved"),
)
