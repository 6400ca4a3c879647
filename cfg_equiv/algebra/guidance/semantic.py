r"""SEGA and LEdits++: an edit direction, kept only where it is large.

.. math:: u + w\,(c - u) + M\, s\,(e - u), \qquad M = 1\bigl[\,|s(e - u)| \ge q_\lambda(|s(e - u)|)\,\bigr]

The mask compares the difference with a quantile *of itself*: scaling both does not move it, nor does a sign, so the
rule commutes though it is not smooth. The mask of the prediction would move (the twin). Ties at the quantile may be
broken by rounding.

SEGA adds momentum, the direction of earlier steps. Those live at other levels, where a change of parameterization is
another map: with momentum the rule depends on the space (theorem G5). The second rule is its second step, where the
buffer holds ``1 - beta`` times the first step's direction.

References
----------
[Brack23] Brack et al., SEGA: Instructing Text-to-Image Models using Semantic Guidance, arXiv:2301.12247;
    diffusers ``SemanticStableDiffusionPipeline``.
[Brack24] Brack et al., LEDITS++, arXiv:2311.16711, eq. 12; diffusers ``pipelines/ledits_pp``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def masked_edit(xp: Any, edit: Any, uncond: Any, w: Any, threshold: Any) -> Any:
    """``w*(e - u)`` where it reaches its own quantile, else zero."""
    direction = w * (edit - uncond)
    size = xp.abs(direction)
    return xp.greater_equal(size, xp.quantile(size, threshold)) * direction


def leditspp(xp: Any, edit: Any, uncond: Any, w: Any, threshold: Any) -> Any:
    """``u + masked edit`` with the mask of the noise estimate alone."""
    return uncond + masked_edit(xp, edit, uncond, w, threshold)


def sega(xp: Any, cond: Any, edit: Any, uncond: Any, w: Any, s: Any, threshold: Any) -> Any:
    """CFG and the masked edit."""
    return uncond + w * (cond - uncond) + masked_edit(xp, edit, uncond, s, threshold)


def sega_momentum(
    xp: Any,
    cond: Any,
    edit: Any,
    uncond: Any,
    edit_before: Any,
    uncond_before: Any,
    w: Any,
    s: Any,
    threshold: Any,
    momentum: Any,
    beta: Any,
) -> Any:
    """The second step: ``momentum`` times the buffer is added to the masked edit."""
    buffer = (1 - beta) * masked_edit(xp, edit_before, uncond_before, s, threshold)
    edited = masked_edit(xp, edit, uncond, s, threshold) + momentum * buffer
    return uncond + w * (cond - uncond) + edited


def _mask_of_prediction(xp: Any, edit: Any, uncond: Any, w: Any, threshold: Any) -> Any:
    size = xp.abs(edit)
    return uncond + xp.greater_equal(size, xp.quantile(size, threshold)) * (w * (edit - uncond))


def _mask_above_one(xp: Any, cond: Any, edit: Any, uncond: Any, w: Any, s: Any, threshold: Any) -> Any:
    """The known-bad neighbour: an absolute threshold in place of the quantile."""
    direction = s * (edit - uncond)
    return uncond + w * (cond - uncond) + xp.greater_equal(xp.abs(direction), threshold) * direction


NOW: dict[str, Seen] = {"cond": "here", "edit": "here", "uncond": "here"}
BEFORE: dict[str, Seen] = {"edit_before": "other_level", "uncond_before": "other_level"}
VALUES = {"w": Fraction(3), "s": Fraction(2), "threshold": Fraction(3, 4)}

RULES = (
    Rule(
        "LEDITS++",
        leditspp,
        "arXiv:2311.16711, eq. 12; diffusers pipelines/ledits_pp/pipeline_leditspp_stable_diffusion.py",
        "any",
        Twin("the mask of the prediction", False, formula=_mask_of_prediction),
        branches={"edit": "here", "uncond": "here"},
        parameters={"w": Fraction(10), "threshold": Fraction(3, 4)},
        elements=3,
        fewest=2,
        libraries={"diffusers": "LEditsPPPipelineStableDiffusion, on eps; its guidance_rescale is of class D"},
    ),
    Rule(
        "SEGA",
        sega,
        "arXiv:2301.12247; diffusers pipelines/deprecated/semantic_stable_diffusion, edit_momentum_scale = 0",
        "any",
        Twin("an absolute threshold", False, {"threshold": Fraction(3)}, _mask_above_one),
        branches=NOW,
        parameters=VALUES,
        elements=3,
        libraries={"diffusers": "SemanticStableDiffusionPipeline, on eps"},
    ),
    Rule(
        "SEGA momentum",
        sega_momentum,
        "diffusers pipelines/deprecated/semantic_stable_diffusion/pipeline_semantic_stable_diffusion.py",
        "eps",
        Twin("momentum 0", True, {"momentum": Fraction(0)}),
        branches=NOW | BEFORE,
        parameters=VALUES | {"momentum": Fraction(1, 2), "beta": Fraction(2, 5)},
        libraries={"diffusers": "edit_momentum_scale (0.1 by default), on eps"},
        commuting="SEGA",
    ),
)
