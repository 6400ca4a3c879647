r"""Composable guidance: several conditions, each with its own weight of either sign.

.. math:: u + \sum_i w_i (c_i - u)

References
----------
[Liu22b] Liu et al., Compositional Visual Generation with Composable Diffusion Models, arXiv:2206.01714.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


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


def _two_conditions(xp: Any, first: Any, second: Any, uncond: Any, w: Any, w_second: Any) -> Any:
    return composable((first, second), uncond, (w, w_second))


def _without_base(xp: Any, first: Any, second: Any, uncond: Any, w: Any, w_second: Any) -> Any:
    return weighted_sum((first, second), (w, w_second))


RULES = (
    Rule(
        "composable",
        _two_conditions,
        "arXiv:2206.01714; composable_stable_diffusion/pipeline_composable_stable_diffusion.py of the authors",
        "any",
        Twin("the unconditional branch is dropped", False, formula=_without_base),
        branches={"first": "here", "second": "here", "uncond": "here"},
        parameters={"w": Fraction(3), "w_second": Fraction(-1)},
        libraries={"ComfyUI": "several conditionings are averaged first (calc_cond_batch), then CFG: also of class A"},
    ),
)
