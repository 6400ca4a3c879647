r"""Thresholds on the image: static clipping before or after guidance, and Imagen's dynamic thresholding.

.. math:: \mathrm{clip}(x_0, -1, 1), \qquad \mathrm{clip}(x_0, -s, s)/s,\quad
    s = \max\bigl(1, \mathrm{quantile}_p |x_0|\bigr)

A pixel has a range, a noise or a velocity has none: the rule belongs to x0. Schedulers that clip convert to x0 first,
and are canonical; guiders that clip the model's own output are not. Clipping each branch before guidance is a third
rule, even on x0. Unclipped, all are CFG (the twins).

References
----------
[Saharia22] Saharia et al., Imagen, arXiv:2205.11487, section 2.3; diffusers ``schedulers/scheduling_ddim.py``
    ``_threshold_sample`` and ``clip_sample``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import static_clip
from cfg_equiv.algebra.guidance.record import Rule, Twin


def dynamic_threshold(xp: Any, pred: Any, percentile: Any) -> Any:
    """Clipped to its own quantile, where that is above 1, and divided by it."""
    s = xp.maximum(xp.quantile(xp.abs(pred), percentile), 1)
    return xp.clip(pred, 0 - s, s) / s


def dynamic_thresholding(xp: Any, cond: Any, uncond: Any, w: Any, percentile: Any) -> Any:
    """Of the guided prediction."""
    return dynamic_threshold(xp, cfg(cond, uncond, w), percentile)


def clip_after(xp: Any, cond: Any, uncond: Any, w: Any, limit: Any) -> Any:
    """The guided prediction is clipped."""
    return static_clip(xp, cfg(cond, uncond, w), limit)


def clip_before(xp: Any, cond: Any, uncond: Any, w: Any, limit: Any) -> Any:
    """Each branch is clipped."""
    return cfg(static_clip(xp, cond, limit), static_clip(xp, uncond, limit), w)


def _unbounded(xp: Any, cond: Any, uncond: Any, w: Any, percentile: Any) -> Any:
    return cfg(cond, uncond, w)


def _unclipped(xp: Any, cond: Any, uncond: Any, w: Any, limit: Any) -> Any:
    return cfg(cond, uncond, w)


UNCLIPPED = Twin("unclipped: CFG", True, formula=_unclipped)
VALUES = {"w": Fraction(2), "limit": Fraction(1)}

RULES = (
    Rule(
        "dynamic thresholding",
        dynamic_thresholding,
        "arXiv:2205.11487, section 2.3; diffusers schedulers/scheduling_ddim.py _threshold_sample",
        "x0",
        Twin("no threshold: CFG", True, formula=_unbounded),
        parameters={"w": Fraction(3), "percentile": Fraction(199, 200)},
        libraries={"diffusers": "thresholding=True of schedulers, on x0 after conversion; s is also bounded above"},
        commuting="Reinhard CFG",
    ),
    Rule(
        "static clip",
        clip_after,
        "arXiv:2205.11487, section 2.3",
        "x0",
        UNCLIPPED,
        parameters=VALUES,
        libraries={"diffusers": "clip_sample of schedulers, on x0 after conversion"},
        commuting="Reinhard CFG",
    ),
    Rule(
        "clip before guidance",
        clip_before,
        "derived here: the static clip in the other order",
        "x0",
        UNCLIPPED,
        parameters=VALUES,
        commuting="Reinhard CFG",
    ),
)
