r"""Regions and windows: several conditions, or several crops, each with a mask.

.. math:: \frac{\sum_i m_i\, y_i}{\sum_i m_i}

element by element. Where the masks sum to one, or are divided by their sum, every element is a combination with weights
that sum to one. Windows are crops of one latent, so that all of them are seen at the same ``z``.

References
----------
[BarTal23] Bar-Tal et al., MultiDiffusion, arXiv:2302.08113. [SWG] Adaloglou et al., Guiding a diffusion model with
    itself using sliding windows, arXiv:2411.10257.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def multidiffusion(xp: Any, first: Any, second: Any, w: Any, mask: Any) -> Any:
    """``value / count`` on an element that two windows cover, with weights ``mask`` and ``w``."""
    value = mask * first + w * second
    count = mask + w
    return value / count


def regions(xp: Any, inside: Any, outside: Any, uncond: Any, w: Any, mask: Any) -> Any:
    """CFG whose condition is ``mask*inside + (1 - mask)*outside``."""
    cond = mask * inside + (1 - mask) * outside
    return uncond + w * (cond - uncond)


def sliding_window(xp: Any, pred: Any, first: Any, second: Any, w: Any, mask: Any) -> Any:
    """``pred + w*(pred - windows)``, where the windows are averaged with a mask: guidance by what crops cannot see."""
    windows = mask * first + (1 - mask) * second
    return pred + w * (pred - windows)


def _not_counted(xp: Any, first: Any, second: Any, w: Any, mask: Any) -> Any:
    """The known-bad neighbour: ``value`` without ``count``."""
    return mask * first + w * second


def _overlapping(xp: Any, inside: Any, outside: Any, uncond: Any, w: Any, mask: Any) -> Any:
    """The known-bad neighbour: masks that overlap."""
    return uncond + w * (mask * inside + outside - uncond)


def _windows_added(xp: Any, pred: Any, first: Any, second: Any, w: Any, mask: Any) -> Any:
    """The known-bad neighbour: overlapping windows are added up."""
    return pred + w * (pred - (first + second))


THREE: dict[str, Seen] = {"inside": "here", "outside": "here", "uncond": "here"}

RULES = (
    Rule(
        "MultiDiffusion",
        multidiffusion,
        "arXiv:2302.08113; diffusers pipelines/deprecated/stable_diffusion_panorama (value / count)",
        "any",
        Twin("not divided by the count", False, formula=_not_counted),
        branches={"first": "here", "second": "here"},
        parameters={"w": Fraction(2), "mask": Fraction(1)},
        libraries={"diffusers": "StableDiffusionPanoramaPipeline averages the stepped latents, not the predictions"},
    ),
    Rule(
        "region masks",
        regions,
        "ComfyUI comfy/samplers.py calc_cond_batch (out_conds / out_counts)",
        "any",
        Twin("masks that overlap and are not divided by their sum", False, formula=_overlapping),
        branches=THREE,
        parameters={"w": Fraction(3), "mask": Fraction(1, 4)},
        libraries={"ComfyUI": "conditioning masks and areas, on x0"},
    ),
    Rule(
        "SWG",
        sliding_window,
        "arXiv:2411.10257, code: README (pos + w*(pos - neg), neg the averaged crops)",
        "any",
        Twin("overlapping windows are added up", False, formula=_windows_added),
        branches={"pred": "here", "first": "here", "second": "here"},
        parameters={"w": Fraction(2), "mask": Fraction(1, 2)},
    ),
)
