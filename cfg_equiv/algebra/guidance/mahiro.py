r"""MaHiRo: between the guided prediction and the scaled conditional one, by how alike two directions are.

.. math:: \frac{s\, g + (4 - s)\, w\, c}{4}, \qquad s = 2\,(1 + \cos(u_\circ, m_\circ)), \qquad
    m = \frac{w\,c + g}{2}

with :math:`g = u + w(c - u)` and :math:`x_\circ = \mathrm{sign}(x)\sqrt{|x|}` element by element, u there times w. The
weights sum to :math:`(s + (4 - s)\, w)/4`, which is one only at s = 4 or w = 1; so even with s held fixed it depends on
the space, and s is made of signs and sizes of predictions. At s = 4 it is CFG (the twin). The cosine is over channels;
the node then takes its mean over positions *and over the batch*, which is left out here.

References
----------
[Mahiro] ComfyUI ``comfy_extras/nodes_mahiro.py`` ``mahiro_normd``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule, Twin


def _signed_root(xp: Any, x: Any) -> Any:
    return xp.sqrt(xp.abs(x)) * xp.sign(x)


def mahiro(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """The node's formula at one position."""
    leap, guided = w * cond, cfg(cond, uncond, w)
    one, other = _signed_root(xp, w * uncond), _signed_root(xp, (leap + guided) / 2)
    likeness = 2 * (1 + xp.dot(one, other) / (xp.norm(one) * xp.norm(other)))
    return (likeness * guided + (4 - likeness) * leap) / 4


def _alike(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """As if both directions were the same."""
    return cfg(cond, uncond, w)


RULES = (
    Rule(
        "MaHiRo",
        mahiro,
        "ComfyUI comfy_extras/nodes_mahiro.py mahiro_normd",
        "x0",
        Twin("directions alike: CFG", True, formula=_alike, changes={"arena": "exact"}),
        parameters={"w": Fraction(2)},
        arena="interval",
        over="channels",
        libraries={"ComfyUI": "Mahiro, on x0"},
    ),
)
