r"""CFG-Zero*: the unconditional velocity is scaled to fit the conditional one, and the first steps do nothing.

.. math:: s\,u + w\,(c - s\,u), \qquad s = \frac{\langle c, u\rangle}{\lVert u\rVert^2}

which is :math:`P_u c + w\,(c - P_u c)`: what c shares with the direction of u is kept, and only the rest is guided. The
direction of a prediction is that of another vector in every space. The authors' models are flow models, and u is a
velocity. Zero-init sets the whole prediction to zero: "do not move" of a velocity, a black image of x0.

ComfyUI's node takes the scale from :math:`z - D`, which is the direction of the velocity on the flow path, and then
scales x0 by it: neither the rule on velocities nor the rule on x0.

References
----------
[Fan25] Fan et al., CFG-Zero*: Improved Classifier-Free Guidance for Flow Matching Models, arXiv:2503.18886, section 4.1
    (the scale) and 4.2 (zero-init); the authors' README and ``models/sd/sd3_pipeline.py`` ``optimized_scale``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.distilled import distilled
from cfg_equiv.algebra.guidance.nonlinear import off_latent, zero_init
from cfg_equiv.algebra.guidance.record import Rule, Twin


def best_scale(xp: Any, cond: Any, uncond: Any) -> Any:
    """The ``s`` for which ``s*u`` is nearest to ``c``."""
    return xp.dot(cond, uncond) / xp.dot(uncond, uncond)


def cfg_zero_star(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``s*u + w*(c - s*u)``."""
    return cfg(cond, best_scale(xp, cond, uncond) * uncond, w)


def cfg_zero_star_node(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    """ComfyUI's node: the scale of ``z - D``, applied to ``D``."""
    scale = best_scale(xp, z - cond, z - uncond)
    return cfg(cond, uncond, w) + uncond * (scale - 1) + w * uncond * (1 - scale)


def z_projected_zero_star(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    """Only the part of ``u`` perpendicular to the latent is scaled, to fit that of ``c``."""
    across = off_latent(xp, z, uncond)
    scale = best_scale(xp, off_latent(xp, z, cond), across)
    return cfg(cond, uncond + (scale - 1) * across, w)


def zero_prediction(xp: Any, pred: Any, w: Any) -> Any:
    """The first steps: whatever was predicted and whatever the weight, zero."""
    return zero_init(xp, pred)


def _unscaled(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    return cfg(cond, uncond, w)


def _node_unscaled(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    return cfg(cond, uncond, w)


def _whole(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    """The known-bad neighbour: the whole of u is scaled."""
    return cfg_zero_star(xp, cond, uncond, w)


RULES = (
    Rule(
        "CFG-Zero*",
        cfg_zero_star,
        "arXiv:2503.18886, section 4.1; code: models/sd/sd3_pipeline.py optimized_scale",
        "flow",
        Twin("scale 1: CFG", True, formula=_unscaled),
        parameters={"w": Fraction(2)},
        fewest=2,
        libraries={
            "the authors": "on the velocity of SD3, Wan, Hunyuan and others, 1e-8 added to the divisor",
            "diffusers": "guiders.ClassifierFreeZeroStarGuidance, on the model's own output",
            "ComfyUI": "nodes_cfg.py CFGZeroStar: the rule below",
        },
        commuting="z-projected CFG-Zero*",
    ),
    Rule(
        "CFGZeroStar (ComfyUI)",
        cfg_zero_star_node,
        "ComfyUI comfy_extras/nodes_cfg.py CFGZeroStar",
        "x0",
        Twin("scale 1: CFG", True, formula=_node_unscaled),
        parameters={"w": Fraction(2)},
        sees_z=True,
        libraries={"ComfyUI": "CFGZeroStar, on x0 with the scale of z - x0"},
        commuting="z-projected CFG-Zero*",
    ),
    Rule(
        "zero-init",
        zero_prediction,
        "arXiv:2503.18886, section 4.2; code: models/sd/sd3_pipeline.py (zero_steps)",
        "flow",
        Twin("the prediction is kept", True, formula=distilled),
        branches={"pred": "here"},
        libraries={
            "diffusers": "guiders.ClassifierFreeZeroStarGuidance zero_init_steps, on the model's own output: of an "
            "eps model it means x0 = z/alpha"
        },
    ),
    Rule(
        "z-projected CFG-Zero*",
        z_projected_zero_star,
        "derived here, from theorem G2 with z",
        "any",
        Twin("the whole of u is scaled", False, formula=_whole),
        parameters={"w": Fraction(2)},
        sees_z=True,
        elements=3,
    ),
)
