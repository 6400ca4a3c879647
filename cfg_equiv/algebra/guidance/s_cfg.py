r"""Semantic-aware CFG: every region's weight is scaled so that the guidance is equally strong in all of them.

.. math:: u + w\,\rho\,(c - u), \qquad
    \rho = \frac{\operatorname{mean}_{\text{foreground}} |c - u|}{\operatorname{mean}_{\text{region}} |c - u|}

The rate is a ratio of two norms of the difference, so neither a scale nor a sign moves it; clamping it afterwards to
fixed numbers does not matter either. The rule commutes. Rates from the norms of a prediction would not (the twin).

The released code adds 1e-8 to the divisor and smooths the map of rates; both are left out here, the first being an
absolute number, the second a linear map of the rates.

References
----------
[Shen24] Shen et al., Rethinking the Spatial Inconsistency in Classifier-Free Diffusion Guidance, arXiv:2404.05384;
    the authors' ``sd/sd.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def _rates(xp: Any, strength: Any, w: Any, regions: Any, foreground: Any, most: Any) -> Any:
    fore = xp.dot(strength, foreground) / xp.sum(foreground)
    rate = 0 * strength
    for mask in regions:
        mean = xp.dot(strength, mask) / xp.sum(mask)
        rate = rate + (fore / mean) * mask
    return xp.minimum(xp.clip(rate, Fraction(4, 5), 3), most / w)


def s_cfg(xp: Any, cond: Any, uncond: Any, w: Any, regions: Any, foreground: Any, most: Any) -> Any:
    """CFG with the weight ``w*rate``, at most ``most``."""
    delta = cond - uncond
    rate = _rates(xp, xp.abs(delta), w, regions, foreground, most)
    return uncond + w * rate * delta


def _rates_of_prediction(xp: Any, cond: Any, uncond: Any, w: Any, regions: Any, foreground: Any, most: Any) -> Any:
    """The known-bad neighbour: the strength of the conditional prediction."""
    rate = _rates(xp, xp.abs(cond), w, regions, foreground, most)
    return uncond + w * rate * (cond - uncond)


RULES = (
    Rule(
        "S-CFG",
        s_cfg,
        "arXiv:2404.05384, code: sd/sd.py",
        "any",
        Twin("rates from the prediction", False, formula=_rates_of_prediction),
        parameters={
            "w": Fraction(6),
            "regions": ((1, 1, 0), (0, 0, 1)),
            "foreground": (1, 1, 0),
            "most": Fraction(15),
        },
        elements=3,
        fewest=3,
        lattice=(2,),
        libraries={"the authors": "on eps; with guidance_rescale it is of class D"},
    ),
)
