r"""Perp-Neg: only the part of the negative prompt that is perpendicular to the positive one is pushed away.

.. math:: u + w\,\Bigl(p - s\,\bigl(q - \tfrac{\langle q, p\rangle}{\langle p, p\rangle}\, p\bigr)\Bigr),
    \qquad p = c - u,\quad q = n - u

It projects, as APG and FDG's parallel weights do, but on a *difference*: the coefficient is a ratio of two quantities
of degree two, and does not move. So it commutes, though it is not linear. Projected on the prediction c itself it
would not (the twin of the first rule).

The authors guard the division by :math:`\max(\lVert p\rVert^2, 10^{-6})`. A guard is an absolute number: below it, the
rule depends on the space. The second rule is the guarded one, with a guard large enough to be met by small integers.

References
----------
[Armandpour23] Armandpour et al., Re-imagine the Negative Prompt Algorithm, arXiv:2304.04968; ``perp_neg`` of ComfyUI
    ``comfy_extras/nodes_perpneg.py``; ``get_perpendicular_component`` of ashawkey/stable-dreamfusion
    ``guidance/perpneg_utils.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def perp_neg(xp: Any, cond: Any, negative: Any, uncond: Any, w: Any, s: Any) -> Any:
    """The perpendicular part of ``n - u`` is taken away from ``c - u``."""
    pos = cond - uncond
    neg = negative - uncond
    perp = neg - (xp.dot(neg, pos) / xp.dot(pos, pos)) * pos
    return uncond + w * (pos - s * perp)


def perp_neg_guarded(xp: Any, cond: Any, negative: Any, uncond: Any, w: Any, s: Any, guard: Any) -> Any:
    """With the divisor no smaller than ``guard``."""
    pos = cond - uncond
    neg = negative - uncond
    perp = neg - (xp.dot(neg, pos) / xp.maximum(xp.dot(pos, pos), guard)) * pos
    return uncond + w * (pos - s * perp)


def _on_prediction(xp: Any, cond: Any, negative: Any, uncond: Any, w: Any, s: Any) -> Any:
    """The known-bad neighbour: perpendicular to the positive prediction."""
    pos = cond - uncond
    neg = negative - uncond
    perp = neg - (xp.dot(neg, cond) / xp.dot(cond, cond)) * cond
    return uncond + w * (pos - s * perp)


BRANCHES: dict[str, Seen] = {"cond": "here", "negative": "here", "uncond": "here"}

RULES = (
    Rule(
        "Perp-Neg",
        perp_neg,
        "arXiv:2304.04968; ComfyUI comfy_extras/nodes_perpneg.py perp_neg",
        "any",
        Twin("perpendicular to the prediction", False, formula=_on_prediction),
        branches=BRANCHES,
        parameters={"w": Fraction(1), "s": Fraction(1)},
        fewest=2,
        libraries={"ComfyUI": "PerpNegGuider, on x0; the inner products run over the whole batch"},
    ),
    Rule(
        "Perp-Neg (guard)",
        perp_neg_guarded,
        "stable-dreamfusion guidance/perpneg_utils.py get_perpendicular_component",
        "eps",
        Twin("guard 0", True, {"guard": Fraction(0)}),
        branches=BRANCHES,
        parameters={"w": Fraction(1), "s": Fraction(1), "guard": Fraction(4)},
        libraries={"stable-dreamfusion": "on eps, guard 1e-6"},
        commuting="Perp-Neg",
    ),
)
