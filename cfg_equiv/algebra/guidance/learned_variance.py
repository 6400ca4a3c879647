r"""Guidance for networks whose extra channels hold a learned variance.

The variance channels are not predictions: they take no part in guidance, and none in a conversion.

References
----------
[ND21] Nichol, Dhariwal, Improved DDPM, arXiv:2102.09672: the variance learned as an interpolation.
"""

from collections.abc import Callable, Sequence
from typing import Any


def guide_mean_channels(
    rule: Callable[[Any, Any], Any], cond: Sequence[Any], uncond: Sequence[Any], n: int
) -> list[Any]:
    """Apply ``rule(cond, uncond)`` to the first ``n`` channels; the others are passed on from ``cond``."""
    return [rule(c, u) for c, u in zip(cond[:n], uncond[:n], strict=True)] + list(cond[n:])


def guide_all_channels(
    rule: Callable[[Any, Any], Any], cond: Sequence[Any], uncond: Sequence[Any], n: int
) -> list[Any]:
    """The known-bad neighbour: guides the variance channels as well. ``n`` is accepted and ignored."""
    return [rule(c, u) for c, u in zip(cond, uncond, strict=True)]
