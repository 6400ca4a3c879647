r"""Skimmed CFG: where guidance pushes a prediction outwards, it is done at a lower scale.

The mask asks for signs: of the prediction, of the difference, of the guided prediction, and of how far that lies from
the latent. Signs of *predictions* are a statement about the origin of x0, which no other space shares. At a skimming
scale equal to the guidance scale nothing is skimmed and CFG is left (the twin).

References
----------
[Extraltodeus] ``skimmed_CFG.py`` of Extraltodeus/Skimmed_CFG (ComfyUI nodes): ``get_skimming_mask``, ``skimmed_CFG``,
    ``CFG_skimming_single_scale_pre_cfg_node``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def _same_sign(xp: Any, a: Any, b: Any) -> Any:
    s, t = xp.sign(a), xp.sign(b)
    return xp.greater_equal(s, t) * xp.greater_equal(t, s)


def _skim(xp: Any, z: Any, cond: Any, uncond: Any, w: Any, skimming: Any) -> Any:
    """``cond`` with the guidance beyond ``skimming`` taken away where the mask says so."""
    denoised = z - ((z - uncond) + w * ((z - cond) - (z - uncond)))
    matching = _same_sign(xp, cond - uncond, cond)
    matching_after = _same_sign(xp, cond, cond * w - uncond * (w - 1))
    deviation = _same_sign(xp, denoised, denoised - z)
    low = z - ((z - uncond) + skimming * ((z - cond) - (z - uncond)))
    return cond - matching * matching_after * deviation * ((denoised - low) / w)


def skimmed_cfg(xp: Any, cond: Any, uncond: Any, w: Any, skimming: Any, z: Any) -> Any:
    """The node: the unconditional branch is skimmed first, then the conditional one; then CFG."""
    uncond = _skim(xp, z, uncond, cond, w, skimming)
    cond = _skim(xp, z, cond, uncond, w, skimming)
    return uncond + w * (cond - uncond)


RULES = (
    Rule(
        "Skimmed CFG",
        skimmed_cfg,
        "Extraltodeus/Skimmed_CFG skimmed_CFG.py CFG_skimming_single_scale_pre_cfg_node",
        "x0",
        Twin("skimming at the guidance scale", True, {"skimming": Fraction(3)}),
        parameters={"w": Fraction(3), "skimming": Fraction(1)},
        sees_z=True,
        libraries={"ComfyUI": "Skimmed_CFG nodes, on x0"},
    ),
)
