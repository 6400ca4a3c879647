r"""MAMBO-G: the guidance is weaker where the difference is large against the unconditional prediction.

.. math:: w(r) = 1 + (w - 1)\, e^{-a r}, \qquad r = \frac{\lVert c - u\rVert}{\lVert u\rVert}, \qquad
    u + w(r)\,(c - u)

The numerator is a difference and only scales; the denominator is a prediction and shifts as well. So the ratio, and the
weight with it, is another one in every space. The authors' u is a velocity. At a = 0 it is CFG (the twin). The first
version of the paper calls it RAAG, ratio-aware adaptive guidance. The README prints :math:`1 + w_{\max} e^{-a r}`,
which is the same with :math:`w_{\max} = w - 1`, the authors' code in diffusers the form here.

References
----------
[Zhu25] Zhu et al., MAMBO-G: Magnitude-Aware Mitigation for Boosted Guidance, arXiv:2508.03442 (the repository's
    README); diffusers ``guiders/magnitude_aware_guidance.py`` ``mambo_guidance``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule, Twin


def mambo_g(xp: Any, cond: Any, uncond: Any, w: Any, a: Any) -> Any:
    """CFG with the damped weight."""
    ratio = xp.norm(cond - uncond) / xp.norm(uncond)
    return cfg(cond, uncond, 1 + (w - 1) * xp.exp(0 - a * ratio))


def _undamped(xp: Any, cond: Any, uncond: Any, w: Any, a: Any) -> Any:
    return cfg(cond, uncond, w)


RULES = (
    Rule(
        "MAMBO-G",
        mambo_g,
        "arXiv:2508.03442, README; diffusers guiders/magnitude_aware_guidance.py mambo_guidance",
        "flow",
        Twin("a = 0: CFG", True, formula=_undamped, changes={"arena": "exact"}),
        parameters={"w": Fraction(10), "a": Fraction(8)},
        arena="interval",
        libraries={"diffusers": "guiders.MagnitudeAwareGuidance, on the model's own output"},
        commuting="Reinhard CFG",
    ),
)
