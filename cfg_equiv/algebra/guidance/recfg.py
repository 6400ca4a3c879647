r"""Two free coefficients: guidance whose weights do not sum to one.

.. math:: \gamma_1\, c + \gamma_0\, u, \qquad \gamma_1 = w,\quad \gamma_0 = (w - 1)\,r

With :math:`r = -1` this is CFG. ReCFG measures r from data, so that the guided score has the expectation it should;
then the weights do not sum to one, and the rule is tied to the space it was derived in (theorem G1).

References
----------
[Xia24] Xia et al., Rectified Diffusion Guidance for Conditional Generation, arXiv:2410.18737; the authors'
    ``generate_images.py`` ``edm_sampler``, which combines ``(x - D)/t``: eps on the VE path.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def recfg(xp: Any, cond: Any, uncond: Any, w: Any, ratio: Any) -> Any:
    """``gamma_0*u + gamma_1*c``."""
    gamma_0 = (w - 1) * ratio
    return gamma_0 * uncond + w * cond


RULES = (
    Rule(
        "ReCFG",
        recfg,
        "arXiv:2410.18737, code: generate_images.py edm_sampler",
        "eps",
        Twin("ratio -1: CFG", True, {"ratio": Fraction(-1)}),
        parameters={"w": Fraction(3), "ratio": Fraction(-1, 2)},
        libraries={"the authors": "on (x - D)/t, which is eps"},
    ),
)
