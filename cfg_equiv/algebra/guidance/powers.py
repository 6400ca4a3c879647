r"""Guidance of another degree: the difference times a power of its own norm.

.. math:: u + w\,\beta(t)\,\frac{d}{\lVert d\rVert^{\gamma}}, \qquad c + w\,\lVert d\rVert^{a}\, d

A change of parameterization by the factor A changes the first by :math:`A\,|A|^{-\gamma}` and the second by
:math:`A\,|A|^{a}`: they commute with shifts and with the sign, and with a scale only at power zero (the twins), where
both are CFG. An integer power is enough to see it.

References
----------
[Malarz25] Malarz et al., Classifier-free Guidance with Adaptive Scaling, arXiv:2502.10574; the authors'
    ``latent_diffusion.py`` ``BetaDDIMGeo``.
[Pavasovic25] Pavasovic et al., Classifier-Free Guidance: From High-Dimensional Analysis to Generalized Guidance Forms,
    arXiv:2502.07849 (power-law CFG, in the score); its text was not at hand, three implementations of it agree on the
    form, among them xxiiyu/cui_generalized_guidance_forms ``PowerLawCFG``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def beta_cfg(xp: Any, cond: Any, uncond: Any, w: Any, gamma: Any, beta: Any) -> Any:
    """``u + w*beta*d/|d|**gamma``."""
    diff = cond - uncond
    part = diff / (xp.norm(diff) ** gamma) * beta
    return uncond + w * part


def power_law_cfg(xp: Any, cond: Any, uncond: Any, w: Any, power: Any) -> Any:
    """``c + w*|d|**a*d``."""
    diff = cond - uncond
    return cond + diff * (w * xp.norm(diff) ** power)


RULES = (
    Rule(
        "beta-CFG",
        beta_cfg,
        "arXiv:2502.10574, code: latent_diffusion.py BetaDDIMGeo",
        "eps",
        Twin("gamma = 0: CFG with a schedule", True, {"gamma": 0}),
        parameters={"w": Fraction(5), "gamma": 1, "beta": Fraction(1)},
        libraries={"the authors": "on eps"},
    ),
    Rule(
        "power-law CFG",
        power_law_cfg,
        "arXiv:2502.07849, as xxiiyu/cui_generalized_guidance_forms PowerLawCFG implements it",
        "score",
        Twin("power 0: CFG", True, {"power": 0}),
        parameters={"w": Fraction(2), "power": 1},
        libraries={"ComfyUI": "xxiiyu/cui_generalized_guidance_forms PowerLawCFG: x0, with the norm of the score"},
    ),
)
