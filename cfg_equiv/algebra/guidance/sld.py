r"""Safe Latent Diffusion: pushed away from a concept, element by element, where the two differ little.

.. math:: \mu = \min(1, k\,|c - s|), \quad \mu := 0 \text{ where } c - s \ge \lambda, \qquad
    u + w\,\bigl((c - u) - \mu\,(s - u)\bigr)

Two absolute numbers, the cap 1 and the threshold :math:`\lambda`, meet differences that a change of parameterization
scales; and the threshold is one-sided, so a change of sign moves it too. Without both it would commute (the twin).
Momentum makes it depend on what happened at other levels beside.

References
----------
[Schramowski22] Schramowski et al., Safe Latent Diffusion, arXiv:2211.05105, eqs. 3, 4, 6-8 as the comments of diffusers
    ``pipelines/deprecated/stable_diffusion_safe/pipeline_stable_diffusion_safe.py`` number them.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def safety(xp: Any, cond: Any, concept: Any, uncond: Any, k: Any, threshold: Any) -> Any:
    """``mu*(s - u)``."""
    scale = xp.minimum(xp.abs(cond - concept) * k, 1)
    kept = 1 - xp.greater_equal(cond - concept, threshold)
    return (concept - uncond) * (kept * scale)


def sld(xp: Any, cond: Any, concept: Any, uncond: Any, w: Any, k: Any, threshold: Any) -> Any:
    """After the warm-up, without momentum."""
    guidance = cond - uncond - safety(xp, cond, concept, uncond, k, threshold)
    return uncond + w * guidance


def sld_momentum(
    xp: Any,
    cond: Any,
    concept: Any,
    uncond: Any,
    cond_before: Any,
    concept_before: Any,
    uncond_before: Any,
    w: Any,
    k: Any,
    threshold: Any,
    momentum: Any,
    beta: Any,
) -> Any:
    """The second step: ``momentum`` times the buffer is added to the safety term."""
    buffer = (1 - beta) * safety(xp, cond_before, concept_before, uncond_before, k, threshold)
    term = safety(xp, cond, concept, uncond, k, threshold) + momentum * buffer
    return uncond + w * (cond - uncond - term)


def _always(xp: Any, cond: Any, concept: Any, uncond: Any, w: Any, k: Any, threshold: Any) -> Any:
    """The scale fixed at its cap: composable guidance with a negative weight."""
    return uncond + w * (cond - uncond - (concept - uncond))


def _always_with_memory(
    xp: Any,
    cond: Any,
    concept: Any,
    uncond: Any,
    cond_before: Any,
    concept_before: Any,
    uncond_before: Any,
    w: Any,
    k: Any,
    threshold: Any,
    momentum: Any,
    beta: Any,
) -> Any:
    """The scale fixed at its cap, and the memory read but not used."""
    return _always(xp, cond, concept, uncond, w, k, threshold)


NOW: dict[str, Seen] = {"cond": "here", "concept": "here", "uncond": "here"}
BEFORE: dict[str, Seen] = {
    "cond_before": "other_level",
    "concept_before": "other_level",
    "uncond_before": "other_level",
}
VALUES = {"w": Fraction(2), "k": Fraction(1, 4), "threshold": Fraction(1, 100)}

RULES = (
    Rule(
        "SLD",
        sld,
        "arXiv:2211.05105; diffusers pipelines/deprecated/stable_diffusion_safe",
        "eps",
        Twin("scale 1 everywhere", True, formula=_always),
        branches=NOW,
        parameters=VALUES,
        libraries={"diffusers": "StableDiffusionPipelineSafe, on eps"},
        commuting="composable",
    ),
    Rule(
        "SLD momentum",
        sld_momentum,
        "arXiv:2211.05105; diffusers pipelines/deprecated/stable_diffusion_safe",
        "eps",
        Twin("scale 1 everywhere, momentum 0", True, formula=_always_with_memory),
        branches=NOW | BEFORE,
        parameters=VALUES | {"momentum": Fraction(3, 10), "beta": Fraction(2, 5)},
        libraries={"diffusers": "sld_momentum_scale, on eps"},
        commuting="composable",
    ),
)
