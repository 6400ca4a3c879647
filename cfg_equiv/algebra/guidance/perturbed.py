r"""Guidance by a perturbed branch: the same condition, with attention, layers, tokens or blocks disturbed.

.. math:: u + w\,(c - u) + s\,(c - p)

PAG replaces self-attention maps by the identity, SEG blurs them, SLG and STG skip layers, TPG shuffles tokens, S2
drops blocks at random. What is done inside the network does not matter here: as a rule on predictions they are one,
linear with weights that sum to one. What people add *after* it is not: with the rescaling of the SLG node, or with any
guidance rescale, the rule depends on the space (the twin).

In the default convention of diffusers, the branch that runs without CFG is ``p + s*(c - p) = c + (s-1)*(c - p)`` while
CFG at ``w = 1`` gives ``c + s*(c - p)``: the result jumps where CFG is switched off.

References
----------
[Ahn24] Ahn et al., Self-Rectifying Diffusion Sampling with Perturbed-Attention Guidance, arXiv:2403.17377.
[Hong24] Hong, Smoothed Energy Guidance, arXiv:2408.00760. [Hyung24] Hyung et al., Spatiotemporal Skip Guidance,
    arXiv:2411.18664. [TPG] Token Perturbation Guidance for Diffusion Models, arXiv:2506.10036.
[Chen25] Chen et al., S2-Guidance, arXiv:2508.12880, eq. 4; no code by its authors. Its text was not at hand; the
    authors of two independent accounts print this form, one of them with the warning that the first versions of the
    paper print it without ``s*c``: then the weights sum to ``1 - s``, and the rule depends on the space (its twin).
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.nonlinear import std_rescale
from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def perturbed_guidance(xp: Any, cond: Any, uncond: Any, perturbed: Any, w: Any, s: Any) -> Any:
    """``u + w*(c - u) + s*(c - p)``: the sum of both shifts."""
    return uncond + w * (cond - uncond) + s * (cond - perturbed)


def perturbed_alone(xp: Any, cond: Any, perturbed: Any, w: Any) -> Any:
    """``c + w*(c - p)``: without classifier-free guidance."""
    return cond + w * (cond - perturbed)


def _weak_subtracted(xp: Any, cond: Any, uncond: Any, perturbed: Any, w: Any, s: Any) -> Any:
    """The known-bad neighbour: ``-s*p`` without the ``s*c`` that balances it."""
    return uncond + w * (cond - uncond) - s * perturbed


def _subtracted(xp: Any, cond: Any, perturbed: Any, w: Any) -> Any:
    return cond - w * perturbed


def _rescaled(xp: Any, cond: Any, uncond: Any, perturbed: Any, w: Any, s: Any) -> Any:
    """With the standard deviation brought back to that of ``cond``."""
    return std_rescale(xp, cond, perturbed_guidance(xp, cond, uncond, perturbed, w, s), 1)


BRANCHES: dict[str, Seen] = {"cond": "here", "uncond": "here", "perturbed": "here"}
WEIGHTS = {"w": Fraction(3), "s": Fraction(2)}
SUBTRACTED = Twin("the perturbed branch is subtracted without balance", False, formula=_weak_subtracted)

RULES = (
    Rule(
        "PAG",
        perturbed_alone,
        "arXiv:2403.17377; diffusers pipelines/pag/pag_utils.py _apply_perturbed_attention_guidance",
        "any",
        Twin("the perturbed branch is subtracted without balance", False, formula=_subtracted),
        branches={"cond": "here", "perturbed": "here"},
        libraries={
            "diffusers": "pag_utils, guiders.PerturbedAttentionGuidance: with CFG the sum of both shifts, native space",
            "ComfyUI": "nodes_pag.py: c - p added to the guided x0",
        },
    ),
    Rule(
        "CFG + PAG",
        perturbed_guidance,
        "diffusers guiders/perturbed_attention_guidance.py forward",
        "any",
        SUBTRACTED,
        branches=BRANCHES,
        parameters=WEIGHTS,
    ),
    Rule(
        "SEG",
        perturbed_guidance,
        "arXiv:2408.00760; diffusers guiders/smoothed_energy_guidance.py forward",
        "any",
        SUBTRACTED,
        branches=BRANCHES,
        parameters=WEIGHTS,
        libraries={"diffusers": "guiders.SmoothedEnergyGuidance, native space"},
    ),
    Rule(
        "SLG",
        perturbed_guidance,
        "diffusers guiders/skip_layer_guidance.py forward",
        "any",
        Twin("followed by a rescale of the standard deviation", False, formula=_rescaled),
        branches=BRANCHES,
        parameters=WEIGHTS,
        fewest=2,
        libraries={"diffusers": "guiders.SkipLayerGuidance, native space; with guidance_rescale it is of class D"},
    ),
    Rule(
        "STG",
        perturbed_guidance,
        "arXiv:2411.18664; diffusers guiders/ltx2_guidance.py forward (c + (w-1)*(c-u) + s*(c-p), the same sum)",
        "any",
        SUBTRACTED,
        branches=BRANCHES,
        parameters=WEIGHTS,
        libraries={"diffusers": "guiders.LTX2Guidance, which adds a second such branch without the other modality"},
    ),
    Rule(
        "TPG",
        perturbed_guidance,
        "arXiv:2506.10036, code: pipeline_sdxl_tpg.py __call__ (c + (w-1)*(c-u) + s*(c-p), the same sum)",
        "any",
        SUBTRACTED,
        branches=BRANCHES,
        parameters=WEIGHTS,
    ),
    Rule(
        "S2-Guidance",
        perturbed_guidance,
        "arXiv:2508.12880, eq. 4, as two accounts of it print it",
        "any",
        Twin(
            "without the s*c that balances it, as first versions are said to print it", False, formula=_weak_subtracted
        ),
        branches=BRANCHES,
        parameters=WEIGHTS,
    ),
)
