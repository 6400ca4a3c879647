r"""FreSca: the difference is filtered, low and high frequencies scaled differently.

.. math:: u + w\,F(c - u)

with a Fourier mask F, a linear map. The paper's second use filters the network's *prediction* where there is nothing to
take a difference of (its depth demo): the twin, which depends on the space, as every map of one prediction does.

Here the vector has four elements and the high band is its highest frequency, (1, -1, 1, -1).

References
----------
[Huang25] Huang et al., FreSca: Scaling in Frequency Space Enhances Diffusion Models, arXiv:2504.02154; the authors'
    repository, and ComfyUI ``comfy_extras/nodes_fresca.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.bands import band
from cfg_equiv.algebra.guidance.record import Rule, Twin


def fourier_filter(xp: Any, x: Any, low: Any, high: Any, high_band: Any) -> Any:
    """``low`` times the low frequencies and ``high`` times the high ones."""
    part = band(xp, x, high_band)
    return low * (x - part) + high * part


def fresca(xp: Any, cond: Any, uncond: Any, w: Any, low: Any, high: Any, high_band: Any) -> Any:
    """The filtered difference takes the place of the difference in CFG."""
    filtered_cond = fourier_filter(xp, cond - uncond, low, high, high_band) + uncond
    return uncond + w * (filtered_cond - uncond)


def fresca_on_prediction(xp: Any, cond: Any, uncond: Any, w: Any, low: Any, high: Any, high_band: Any) -> Any:
    """The filter on the guided prediction."""
    return fourier_filter(xp, uncond + w * (cond - uncond), low, high, high_band)


RULES = (
    Rule(
        "FreSca",
        fresca,
        "arXiv:2504.02154; ComfyUI comfy_extras/nodes_fresca.py",
        "any",
        Twin("the filter on the prediction", False, formula=fresca_on_prediction),
        parameters={
            "w": Fraction(3),
            "low": Fraction(1),
            "high": Fraction(5, 4),
            "high_band": ((1, -1, 1, -1),),
        },
        elements=4,
        fewest=4,
        libraries={
            "ComfyUI": "FreSca node, on the difference of x0; its mask holds one frequency more on the negative side, "
            "and taking the real part averages the two",
            "the authors": "LEdits++ demo on the difference of eps; Marigold demo on the prediction: class D",
        },
    ),
)
