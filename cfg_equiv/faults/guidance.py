"""Guidance rules: right ones in several spellings, and the ways in which released code got them wrong."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans
from cfg_equiv.algebra.guidance.nonlinear import norm_cap, projected_guidance, static_clip, std_rescale
from cfg_equiv.faults.record import Fault, Good
from cfg_equiv.guidance import guide
from cfg_equiv.testing.subjects import Guidance

AT_ONE, AT_ZERO = "u+w(c-u)", "c+w(c-u)"
Rule = Callable[[Tensor, Tensor, float], Tensor]


class Statistics:
    """The namespace of the non-linear rules on tensors, over the axes of one item, or over others by mistake."""

    def __init__(self, dims: Callable[[Tensor], tuple[int, ...]]) -> None:
        self.dims = dims

    def std(self, x: Tensor) -> Tensor:
        """The standard deviation."""
        return x.std(self.dims(x), keepdim=True)

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """The inner product."""
        return (x * y).sum(self.dims(x), keepdim=True)

    def norm(self, x: Tensor) -> Tensor:
        """The Euclidean norm."""
        return self.dot(x, x).sqrt()

    @staticmethod
    def clip(x: Tensor, low: float, high: float) -> Tensor:
        """The elementwise clip."""
        return x.clamp(low, high)

    @staticmethod
    def minimum(x: float, y: Tensor) -> Tensor:
        """The smaller of a number and a tensor's elements."""
        return y.clamp(max=x)


class Guarded(Statistics):
    """The same, with the square of a vector kept from zero, so that a projection on nothing is nothing."""

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """The inner product; a positive number for a vector with itself."""
        product = super().dot(x, y)
        return product.clamp(min=torch.finfo(x.dtype).tiny) if x is y else product


ITEM = Statistics(lambda x: tuple(range(1, x.ndim)))
GUARDED = Guarded(ITEM.dims)
BATCH = Statistics(lambda x: tuple(range(x.ndim)))
ACROSS = Statistics(lambda x: (0,))


def written_out(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """``w*c + (1 - w)*u``, as Imagen prints it."""
    return w * cond + (1 - w) * uncond


def lerp(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The interpolation of the library."""
    return torch.lerp(uncond, cond, w)


def stacked(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Both branches in one batch, and apart again, as pipelines do."""
    u, c = torch.cat([uncond, cond]).chunk(2)
    result: Tensor = cfg(c, u, w)
    return result


def skipped_when_off(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The unconditional branch is left out exactly where it has no weight."""
    result: Tensor = cond if w == 1 else cfg(cond, uncond, w)
    return result


def whole_projection(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Projected guidance that keeps the parallel part whole is plain guidance."""
    result: Tensor = projected_guidance(GUARDED, cond, uncond, w, 1)
    return result


def gate_below_one(rule: Rule) -> Rule:
    """Guidance is skipped for ``w <= 1``, whatever the convention of the rule."""
    return lambda cond, uncond, w: cond if w <= 1 else rule(cond, uncond, w)


def swapped(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The branches are taken in the other order."""
    result: Tensor = cfg(uncond, cond, w)
    return result


def three_channels(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """All channels but the last are guided."""
    return torch.cat([cfg(cond[:, :-1], uncond[:, :-1], w), cond[:, -1:]], 1)


def rescaled(statistics: Statistics, cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Guidance, then the std of the conditional prediction in the space of the predictions."""
    result: Tensor = std_rescale(statistics, cond, cfg(cond, uncond, w), 0.75)
    return result


def clipped_after(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The guided prediction is clipped, whatever it predicts."""
    result: Tensor = static_clip(ITEM, cfg(cond, uncond, w), 1.0)
    return result


def clipped_before(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Each branch is clipped."""
    result: Tensor = cfg(static_clip(ITEM, cond, 0.5), static_clip(ITEM, uncond, 0.5), w)
    return result


def projected(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The part of the difference along the prediction is dropped."""
    result: Tensor = projected_guidance(ITEM, cond, uncond, w, 0)
    return result


def capped(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The difference is capped at an absolute norm."""
    result: Tensor = norm_cap(ITEM, cond, uncond, w, 1.0)
    return result


def larger(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Only differences that raise the prediction count."""
    return uncond + w * torch.relu(cond - uncond)


def wrong_base(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """A difference altered by a projection is added to the unconditional prediction."""
    parallel = cond * (ITEM.dot(cond - uncond, cond) / ITEM.dot(cond, cond))
    result: Tensor = cfg(cond - parallel, uncond, w)
    return result


def interleaved(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The branches are stacked one after the other and read as if they alternated."""
    pairs = torch.cat([uncond, cond]).reshape(-1, 2, *cond.shape[1:])
    result: Tensor = cfg(pairs[:, 1], pairs[:, 0], w)
    return result


def unguided(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The weight is accepted and never read."""
    return cond.clone()


def extrapolated(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Not finite where guidance is off: the weight is divided out again."""
    return uncond + (cond - uncond) * ((w * w - w) / torch.tensor(w - 1, dtype=cond.dtype))


def in_place(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """The difference is written into the conditional prediction."""
    return cond.sub_(uncond).mul_(w).add_(uncond)


class Momentum:
    """The difference is averaged with those of earlier calls."""

    def __init__(self) -> None:
        self.running: Any = 0

    def __call__(self, cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        """Guidance along the running difference."""
        if isinstance(self.running, Tensor) and self.running.shape != cond.shape:
            self.running = 0
        self.running = (cond - uncond) - 0.5 * self.running
        result: Tensor = uncond + w * self.running
        return result


class SharedBuffer:
    """The result lives in memory that the next call overwrites."""

    def __init__(self) -> None:
        self.buffers: dict[Any, Tensor] = {}

    def __call__(self, cond: Tensor, uncond: Tensor, w: float) -> Tensor:
        """Plain guidance, written into the buffer of this shape."""
        buffer = self.buffers.setdefault((cond.shape, cond.dtype), torch.empty_like(cond))
        return buffer.copy_(cfg(cond, uncond, w))


def by_large_numbers(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Plain guidance, by way of numbers that half precision does not hold."""
    large = 2.0**16
    guided: Tensor = cfg(large * cond, large * uncond, w)
    return guided / large


def _good(rule: Rule, convention: str = AT_ONE, name: str = "") -> Good:
    name = name or getattr(rule, "__name__", "")
    return Good(f"guidance.{name}", lambda: Guidance(rule, convention, name=name))


def _bad(name: str, rule: Callable[[], Rule], fails: tuple[str, ...], source: str, convention: str = AT_ONE) -> Fault:
    return Fault(f"guidance.{name}", lambda: Guidance(rule(), convention, name=name), fails, source)


TRANSLATION, SCALE, SIGN, ENDS = "cfg_translation", "cfg_scale", "cfg_sign", "cfg_end_points"
GOOD = (
    _good(cfg),
    _good(cfg_from_cond, AT_ZERO),
    _good(cfg_ho_salimans, AT_ZERO),
    _good(guide, name="guide"),
    _good(written_out),
    _good(lerp),
    _good(stacked),
    _good(skipped_when_off),
    _good(whole_projection),
)
FAULTS = (
    _bad("one_too_many", lambda: cfg_from_cond, (ENDS,), "diffusers #5882 and a dozen others"),
    _bad("one_too_few", lambda: cfg, (ENDS,), "CompVis stable-diffusion #796", AT_ZERO),
    _bad("gate_of_the_other", lambda: gate_below_one(cfg_from_cond), (ENDS,), "diffusers PR #13183", AT_ZERO),
    _bad("gate_at_zero", lambda: gate_below_one(cfg), (ENDS,), "diffusers #9680"),
    _bad("swapped", lambda: swapped, (ENDS,), "OneTrainer #775, diffusers PR #667"),
    _bad("three_of_four_channels", lambda: three_channels, (ENDS, "sens"), "facebookresearch/DiT #41"),
    _bad("rescale", lambda: partial(rescaled, ITEM), (TRANSLATION,), "HunyuanVideo #277, arXiv:2305.08891"),
    _bad("rescale_whole_batch", lambda: partial(rescaled, BATCH), (TRANSLATION, "bat"), "sd-dynamic-thresholding #88"),
    _bad("rescale_across_items", lambda: partial(rescaled, ACROSS), ("bat",), "sd-dynamic-thresholding #88"),
    _bad("clip_after", lambda: clipped_after, (TRANSLATION, SCALE), "diffusers #1602"),
    _bad("clip_before", lambda: clipped_before, (TRANSLATION, SCALE), "kohya sd-scripts #1432"),
    _bad("projection", lambda: projected, (TRANSLATION,), "arXiv:2410.02416, in the raw space"),
    _bad("norm_threshold", lambda: capped, (SCALE,), "arXiv:2410.02416, in the raw space"),
    _bad("raised_only", lambda: larger, (SIGN, ENDS), "thresholded differences"),
    _bad("altered_on_the_wrong_base", lambda: wrong_base, (TRANSLATION, ENDS), "diffusers PR #10173"),
    _bad("interleaved", lambda: interleaved, (ENDS, "bat"), "mlx-swift-examples PR #170, diffusers #9215"),
    _bad("never_guided", lambda: unguided, (ENDS, "sens"), "Scale-RAE #7"),
    _bad("nan_when_off", lambda: extrapolated, (ENDS,), "a weight divided out at w = 1"),
    _bad("by_large_numbers", lambda: by_large_numbers, ("dt",), "half precision's range"),
    _bad("in_place", lambda: in_place, ("st",), "CleanDiffuser #31"),
    _bad("momentum", Momentum, ("st",), "arXiv:2410.02416, never reset"),
    _bad("shared_buffer", SharedBuffer, ("st",), "ComfyUI PR #14814"),
)
