r"""Composable guidance: several conditions, each with its own weight of either sign.

.. math:: u + \sum_i w_i (c_i - u)

References
----------
[Liu22b] Liu et al., Compositional Visual Generation with Composable Diffusion Models, arXiv:2206.01714.
"""

from collections.abc import Sequence
from typing import Any


def composable(conds: Sequence[Any], uncond: Any, weights: Sequence[Any]) -> Any:
    """``u + sum_i w_i*(c_i - u)``: conjunction for positive weights, negation for negative ones [Liu22b]."""
    guided = uncond
    for cond, w in zip(conds, weights, strict=True):
        guided = guided + w * (cond - uncond)
    return guided


def weighted_sum(preds: Sequence[Any], weights: Sequence[Any]) -> Any:
    """``sum_i w_i*pred_i`` with no condition on the weights: the general linear combination of theorem G1."""
    total = weights[0] * preds[0]
    for pred, w in zip(preds[1:], weights[1:], strict=True):
        total = total + w * pred
    return total
