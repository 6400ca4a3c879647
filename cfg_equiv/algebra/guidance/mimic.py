r"""Mimic-CFG ("dynamic thresholding" of sd-dynamic-thresholding): a high scale with the spread of a low one.

.. math:: g_w = u + w\,(c - u), \qquad \tilde g = \frac{\mathrm{clip}(\bar g_w, -M, M)}{M}\, m + \mathrm{mean}(g_w)

where :math:`\bar g` is g minus its mean over positions, m the largest :math:`|\bar g|` at the mimic scale, q a quantile
of it at the scale w, and :math:`M = \max(m, q)`; or, with standard deviations, :math:`\bar g_w\, m/q + \mathrm{mean}`.
The mean over positions is linear and would commute, a spread around it does not: the latent is not constant over
positions, so a shift along it changes the spread of everything. It would not show if it were. With the mimic scale at
the guidance scale it is CFG (the twins). The node converts ``z - x0`` to x0 first.

References
----------
[mcmonkey] sd-dynamic-thresholding, ``dynthres_core.py`` ``DynThresh.dynthresh``, ``dynthres_comfyui.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule, Twin


def _centred(xp: Any, cond: Any, uncond: Any, w: Any) -> tuple[Any, Any]:
    guided = cfg(cond, uncond, w)
    mean = xp.mean(guided)
    return guided - mean, mean


def mimic_ad(xp: Any, cond: Any, uncond: Any, w: Any, mimic: Any, percentile: Any) -> Any:
    """Start at the mean, spread by absolute deviation: the default."""
    centred, mean = _centred(xp, cond, uncond, w)
    target = xp.quantile(xp.abs(_centred(xp, cond, uncond, mimic)[0]), 1)
    largest = xp.maximum(target, xp.quantile(xp.abs(centred), percentile))
    return xp.clip(centred, 0 - largest, largest) / largest * target + mean


def mimic_std(xp: Any, cond: Any, uncond: Any, w: Any, mimic: Any) -> Any:
    """Start at the mean, spread by standard deviation."""
    centred, mean = _centred(xp, cond, uncond, w)
    return centred / xp.std(centred) * xp.std(_centred(xp, cond, uncond, mimic)[0]) + mean


def mimic_from_zero(xp: Any, cond: Any, uncond: Any, w: Any, mimic: Any) -> Any:
    """Start at zero, spread by standard deviation: the whole guided prediction is scaled."""
    factor = xp.std(cfg(cond, uncond, mimic)) / xp.std(cfg(cond, uncond, w))
    return cfg(cond, uncond, w) * factor


SAME = Twin("the mimic scale is the guidance scale: CFG", True, {"mimic": Fraction(3)})
VALUES = {"w": Fraction(3), "mimic": Fraction(2)}
COMFYUI = {"ComfyUI": "dynthres_comfyui.py DynamicThresholdingFull, on x0 = input - cond"}

RULES = (
    Rule(
        "mimic-CFG",
        mimic_ad,
        "sd-dynamic-thresholding dynthres_core.py dynthresh, MEAN and AD",
        "x0",
        SAME,
        parameters=VALUES | {"percentile": Fraction(1)},
        over="positions",
        elements=3,
        fewest=2,
        libraries=COMFYUI,
        commuting="Reinhard CFG",
    ),
    Rule(
        "mimic-CFG (STD)",
        mimic_std,
        "sd-dynamic-thresholding dynthres_core.py dynthresh, MEAN and STD",
        "x0",
        SAME,
        parameters=VALUES,
        over="positions",
        elements=3,
        fewest=2,
        libraries=COMFYUI,
        commuting="z-projected rescale",
    ),
    Rule(
        "mimic-CFG (ZERO)",
        mimic_from_zero,
        "sd-dynamic-thresholding dynthres_core.py dynthresh, ZERO and STD",
        "x0",
        SAME,
        parameters=VALUES,
        over="positions",
        elements=3,
        fewest=2,
        libraries=COMFYUI,
        commuting="z-projected rescale",
    ),
)
