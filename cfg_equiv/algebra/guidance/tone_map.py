r"""Reinhard tone mapping of the difference: large guidance is compressed, relative to its own mean and spread.

.. math:: |d| \mapsto \frac{|d|/t}{|d|/t + 1}\, t, \qquad
    t = m\,\bigl(5\operatorname{std}|d| + \operatorname{mean}|d|\bigr)

The white point t scales with the difference, so the map is homogeneous of degree one, and odd: it commutes. The same
node maps the prediction itself when there is only one branch (the twin).

References
----------
[ComfyUI] ``comfy_extras/nodes_latent.py``: LatentOperationTonemapReinhard, LatentApplyOperationCFG.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def reinhard(xp: Any, latent: Any, multiplier: Any) -> Any:
    """The tone map; the node's 1e-10 beside the magnitude is left out."""
    magnitude = xp.abs(latent)
    normalized = latent / magnitude
    top = (xp.std(magnitude) * 5 + xp.mean(magnitude)) * multiplier
    scaled = magnitude / top
    return normalized * (scaled / (scaled + 1) * top)


def reinhard_cfg(xp: Any, cond: Any, uncond: Any, w: Any, multiplier: Any) -> Any:
    """The mapped difference takes the place of the difference in CFG."""
    mapped = reinhard(xp, cond - uncond, multiplier) + uncond
    return uncond + w * (mapped - uncond)


def _on_prediction(xp: Any, cond: Any, uncond: Any, w: Any, multiplier: Any) -> Any:
    """The node's branch for a single condition."""
    return uncond + w * (reinhard(xp, cond, multiplier) - uncond)


RULES = (
    Rule(
        "Reinhard CFG",
        reinhard_cfg,
        "ComfyUI comfy_extras/nodes_latent.py LatentApplyOperationCFG with LatentOperationTonemapReinhard",
        "any",
        Twin("the tone map on the prediction", False, formula=_on_prediction),
        parameters={"w": Fraction(3), "multiplier": Fraction(1)},
        fewest=2,
        libraries={"ComfyUI": "on the difference of x0; with one branch on x0 itself: class D"},
    ),
)
