r"""Angle domain guidance: the conditional prediction is turned away from the unconditional one, not pushed.

.. math:: \theta' = \min\bigl((w - 1)\,\theta,\ \theta_{\max}\bigr), \qquad
    \cos\theta'\; c + \frac{\sin\theta'}{\sin\theta}\,\bigl(c - P_u c\bigr)

with :math:`\theta` the angle between c and u, and :math:`P_u` the projection on u. An angle between predictions has its
vertex at the origin of their space, and every space has another one. The authors' is x0: their code converts the
velocity of SD3 to it, turns, and converts back. Pushed, not turned, it is CFG (the twin). Their guards against
:math:`\theta = 0` (1e-3 on the weight and on the sine) are left out here; there the limit is
:math:`c + (w - 1)(c - P_u c)`.

References
----------
[Jin25] Jin et al., Angle Domain Guidance: Latent Diffusion Requires Rotation Rather Than Extrapolation,
    arXiv:2506.11039; the authors' ``method/ADG_SD3.py`` and ``method/utils.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import downweighted
from cfg_equiv.algebra.guidance.record import Rule, Twin


def adg(xp: Any, cond: Any, uncond: Any, w: Any, most: Any) -> Any:
    """The turned prediction; ``most`` is the largest angle."""
    angle = xp.acos(xp.dot(cond, uncond) / (xp.norm(cond) * xp.norm(uncond)))
    turned = xp.minimum((w - 1) * angle, most)
    across = downweighted(xp, cond - uncond, uncond, 0)
    return cond * xp.cos(turned) + across * (xp.sin(turned) / xp.sin(angle))


def _pushed(xp: Any, cond: Any, uncond: Any, w: Any, most: Any) -> Any:
    return cfg(cond, uncond, w)


RULES = (
    Rule(
        "ADG",
        adg,
        "arXiv:2506.11039, code: method/ADG_SD3.py",
        "x0",
        Twin("pushed, not turned: CFG", True, formula=_pushed, changes={"arena": "exact"}),
        parameters={"w": Fraction(2), "most": Fraction(157, 150)},
        arena="interval",
        fewest=2,
        libraries={"the authors": "on x0 = z - sigma*v of SD3, back to the velocity; the largest angle is 3.14/3"},
    ),
)
