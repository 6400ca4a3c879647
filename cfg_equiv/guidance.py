r"""Guidance rules on tensors, validated; the formulas are in :mod:`cfg_equiv.algebra.guidance`.

The weight means different things: in ``"u+w(c-u)"`` guidance is off at w = 1, in ``"c+w(c-u)"`` at w = 0. All rules
take predictions of one parameterization at one latent, and do not care which (that they need not is theorem Q1).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.guidance import composable as _composable
from cfg_equiv.algebra.guidance import instruct_pix2pix as _pix2pix
from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, weight_off_at_one, weight_off_at_zero
from cfg_equiv.algebra.guidance.interval import interval_weight
from cfg_equiv.algebra.guidance.learned_variance import guide_mean_channels
from cfg_equiv.errors import MismatchError, ParameterError, WeightError, sentence, unknown_name
from cfg_equiv.validation import broadcast, described, first, level_at, per_element, require_alike, require_latent

CONVENTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {"u+w(c-u)": cfg, "c+w(c-u)": cfg_from_cond}
OFF: dict[str, int] = {"u+w(c-u)": 1, "c+w(c-u)": 0}  # the weight at which the conditional prediction comes back


def _rule(convention: str) -> Callable[[Any, Any, Any], Any]:
    if convention not in CONVENTIONS:
        raise unknown_name("guidance convention", convention, CONVENTIONS)
    return CONVENTIONS[convention]


def _finite(name: str, w: Any) -> None:
    weights = torch.as_tensor(w)
    bad = ~torch.isfinite(weights)
    if bad.any():
        came = first(weights, bad)
        raise WeightError(sentence(f"{name} to be a finite number", came, "check where the guidance weight comes from"))


def _weight(name: str, w: Any, like: Tensor) -> Tensor:
    weight = per_element(name, w, like)
    _finite(name, weight)
    return weight


def guide(cond: Tensor, uncond: Tensor, w: Any, *, convention: str = "u+w(c-u)") -> Tensor:
    """Classifier-free guidance with weight ``w``, a number or one weight an item."""
    rule = _rule(convention)
    require_alike(cond=cond, uncond=uncond)
    guided: Tensor = rule(cond, uncond, _weight("w", w, cond))
    return guided


def convert_weight(w: Any, source: str, target: str) -> Any:
    """The weight of convention ``target`` that does what ``w`` does in convention ``source``."""
    for convention in (source, target):
        _rule(convention)
    _finite("w", w)
    if source == target:
        return w
    return weight_off_at_one(w) if OFF[target] == 1 else weight_off_at_zero(w)


def guide_from_negative(cond: Tensor, negative: Tensor, w: Any, *, convention: str = "u+w(c-u)") -> Tensor:
    """Guidance away from a negative prompt: its prediction takes the place of the unconditional one."""
    require_alike(cond=cond, negative=negative)
    return guide(cond, negative, w, convention=convention)


def compose(conds: Sequence[Tensor], uncond: Tensor, weights: Sequence[Any]) -> Tensor:
    """``u + sum_i w_i*(c_i - u)``: several conditions, each with its own weight of either sign."""
    if not conds or len(conds) != len(weights):
        raise MismatchError(
            sentence("one weight a condition, and at least one", f"{len(conds)} and {len(weights)}", "pair them up")
        )
    require_alike(uncond=uncond, **{f"conds[{i}]": cond for i, cond in enumerate(conds)})
    checked = [_weight(f"weights[{i}]", w, uncond) for i, w in enumerate(weights)]
    guided: Tensor = _composable.composable(conds, uncond, checked)
    return guided


def instruct_pix2pix(text_image: Tensor, image: Tensor, uncond: Tensor, w_text: Any, w_image: Any) -> Tensor:
    """Two weights, for an image condition and for a text given the image."""
    require_alike(uncond=uncond, image=image, text_image=text_image)
    weights = _weight("w_text", w_text, uncond), _weight("w_image", w_image, uncond)
    guided: Tensor = _pix2pix.instruct_pix2pix(text_image, image, uncond, *weights)
    return guided


def guide_in_interval(
    cond: Tensor,
    uncond: Tensor,
    w: Any,
    *,
    alpha: Any,
    sigma: Any,
    low: float,
    high: float,
    convention: str = "u+w(c-u)",
) -> Tensor:
    r"""Guidance where ``low <= lam < high`` in half-log-SNR :math:`\log(\alpha/\sigma)`, off elsewhere.

    The interval is decided level by level, so items of a batch may be on either side of it.
    """
    rule = _rule(convention)
    require_alike(cond=cond, uncond=uncond)
    if not low < high:
        raise ParameterError(
            sentence("an interval low < high of half-log-SNR", f"{low} and {high}", "large lam is the data end")
        )
    lam = level_at(alpha, sigma, cond).lam
    spread, weight = broadcast(lam, _weight("w", w, cond))
    chosen = [
        interval_weight(one, level, low, high, OFF[convention])
        for one, level in zip(weight.flatten().tolist(), spread.flatten().tolist(), strict=True)
    ]
    guided: Tensor = rule(
        cond, uncond, torch.tensor(chosen, dtype=cond.dtype, device=cond.device).reshape(spread.shape)
    )
    return guided


def split_learned_variance(pred: Tensor) -> tuple[Tensor, Tensor]:
    """The prediction and the variance channels of a network that puts both on axis 1, half and half."""
    require_latent("pred", pred)
    if pred.ndim < 2 or pred.shape[1] % 2:
        raise MismatchError(
            sentence(
                "an even number of channels on axis 1", described(pred), "only learned-variance networks have both"
            )
        )
    mean, variance = pred.chunk(2, dim=1)
    return mean, variance


def guide_learned_variance(cond: Tensor, uncond: Tensor, w: Any, *, convention: str = "u+w(c-u)") -> Tensor:
    """Guidance of the prediction channels (first half of axis 1); the variance channels are those of ``cond``."""
    rule = _rule(convention)
    require_alike(cond=cond, uncond=uncond)
    split_learned_variance(cond)
    weight = _weight("w", w, cond)
    if weight.ndim:
        if weight.shape[1] != 1:
            raise MismatchError(
                sentence(
                    "one weight for all channels", described(weight), "a weight that varies by channel has no rule"
                )
            )
        weight = weight.squeeze(1)
    channels = guide_mean_channels(
        lambda c, u: rule(c, u, weight), cond.unbind(1), uncond.unbind(1), cond.shape[1] // 2
    )
    return torch.stack(channels, dim=1)
