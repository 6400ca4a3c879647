r"""Rules that remember: momentum of predictions, and the one way to use the past that commutes.

Momentum Guidance extrapolates the current prediction away from an average m of earlier ones,

.. math:: y + a\,(y - m), \qquad m := (1 - \beta)\, y + \beta\, m

The earlier ones are predictions of other levels. Every level has its own change of parameterization, and the average
mixes them: velocities averaged are not x0's averaged. By theorem G5 a rule that commutes is of degree one in the
current difference and of degree *zero* in every past one. Taking the current difference off the direction of the
previous one is such a rule: the second one here, derived from the theorem.

References
----------
[Liao26] Liao et al., Momentum Guidance: Plug-and-Play Guidance for Flow Models, arXiv:2602.20360, algorithm 1;
    ``mg_nodes.py`` of pamparamm/sd-perturbed-attention.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def momentum_guidance(xp: Any, pred: Any, before: Any, w: Any) -> Any:
    """The second step: the average is the first step's prediction, for every beta."""
    return pred + w * (pred - before)


def history_projection(xp: Any, cond: Any, uncond: Any, cond_before: Any, uncond_before: Any, w: Any, keep: Any) -> Any:
    """CFG with the part of the difference along the previous difference weighted by ``keep``."""
    d = cond - uncond
    before = cond_before - uncond_before
    along = before * (xp.dot(d, before) / xp.dot(before, before))
    return uncond + w * (d - along + keep * along)


def _linear_momentum(xp: Any, cond: Any, uncond: Any, cond_before: Any, uncond_before: Any, w: Any, keep: Any) -> Any:
    """The known-bad neighbour: the previous difference added with a weight."""
    return uncond + w * (cond - uncond + keep * (cond_before - uncond_before))


RULES = (
    Rule(
        "Momentum Guidance",
        momentum_guidance,
        "arXiv:2602.20360, algorithm 1",
        "flow",
        Twin("weight 0", True, {"w": Fraction(0)}),
        branches={"pred": "here", "before": "other_level"},
        parameters={"w": Fraction(1, 2)},
        libraries={
            "the paper": "on the velocity",
            "ComfyUI": "sd-perturbed-attention mg_nodes.py, on x0: another rule",
        },
        commuting="history projection",
    ),
    Rule(
        "history projection",
        history_projection,
        "derived here, from theorem G5",
        "any",
        Twin("the previous difference is added", False, formula=_linear_momentum),
        branches={
            "cond": "here",
            "uncond": "here",
            "cond_before": "other_level",
            "uncond_before": "other_level",
        },
        parameters={"w": Fraction(3), "keep": Fraction(1, 2)},
    ),
)
