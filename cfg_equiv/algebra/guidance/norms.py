r"""Guided predictions brought back to the norm of the conditional one, or not let above it.

.. math:: g\,\frac{\lVert c\rVert}{\lVert g\rVert}, \qquad g\,\min\bigl(1, r\,\lVert c\rVert/\lVert g\rVert\bigr),
    \qquad g = u + w\,(c - u)

The norm of a *prediction* knows where the origin of its space is: in x0 it is the size of the image, in a velocity that
of image minus noise. So the rule is another one in every space. At w = 1 the first is the conditional prediction, and
the twin without a cap is CFG.

References
----------
[Qwen25] diffusers ``pipelines/qwenimage/pipeline_qwenimage.py`` (``cond_norm / noise_norm`` over the last axis).
[Qin25] Lumina-Image 2.0, arXiv:2503.21758 (CFG-Renorm; its text was not at hand); ComfyUI
    ``comfy_extras/nodes_lumina2.py`` ``RenormCFG``; diffusers
    ``pipelines/z_image/pipeline_z_image.py`` (``cfg_normalization``).
[CFGNorm] ComfyUI ``comfy_extras/nodes_cfg.py`` ``CFGNorm``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import off_latent
from cfg_equiv.algebra.guidance.record import Rule, Twin


def norm_preserving(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``g*|c|/|g|``."""
    guided = cfg(cond, uncond, w)
    return guided * (xp.norm(cond) / xp.norm(guided))


def renorm(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any) -> Any:
    """``g`` no longer than ``radius*|c|``."""
    guided = cfg(cond, uncond, w)
    return guided * xp.minimum(1, radius * xp.norm(cond) / xp.norm(guided))


def z_projected_renorm(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any, z: Any) -> Any:
    """The part of ``g`` perpendicular to the latent, no longer than ``radius`` times that of ``c``."""
    guided = cfg(cond, uncond, w)
    across = off_latent(xp, z, guided)
    ratio = radius * xp.norm(off_latent(xp, z, cond)) / xp.norm(across)
    return guided - across + across * xp.minimum(1, ratio)


def _plain(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any) -> Any:
    return cfg(cond, uncond, w)


def _whole(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any, z: Any) -> Any:
    """The known-bad neighbour: the norm of the whole prediction."""
    return renorm(xp, cond, uncond, w, radius)


UNCAPPED = Twin("no cap: CFG", True, formula=_plain)
VALUES = {"w": Fraction(2), "radius": Fraction(1)}

RULES = (
    Rule(
        "norm-preserving CFG",
        norm_preserving,
        "diffusers pipelines/qwenimage/pipeline_qwenimage.py __call__ (true_cfg_scale)",
        "flow",
        Twin("w = 1: the conditional prediction", True, {"w": Fraction(1)}),
        parameters={"w": Fraction(2)},
        over="last",
        libraries={
            "diffusers": "QwenImage, NucleusMoE (last axis) and JoyImageEdit (axis 2) pipelines, on the velocity; "
            "Lumina2Pipeline cfg_normalization, over the last axis of an image, which is its width"
        },
        commuting="z-projected renorm",
    ),
    Rule(
        "CFG-Renorm",
        renorm,
        "diffusers pipelines/z_image/pipeline_z_image.py (cfg_normalization); ComfyUI comfy_extras/nodes_lumina2.py",
        "flow",
        UNCAPPED,
        parameters=VALUES,
        libraries={
            "diffusers": "ZImagePipeline cfg_normalization, of c + w*(c - u); LongCatImagePipeline "
            "enable_cfg_renorm, over the last axis with a lower bound: the velocity",
            "ComfyUI": "RenormCFG, on x0: another rule",
        },
        commuting="z-projected renorm",
    ),
    Rule(
        "CFGNorm",
        renorm,
        "ComfyUI comfy_extras/nodes_cfg.py CFGNorm, strength 1",
        "x0",
        UNCAPPED,
        parameters=VALUES,
        over="channels",
        libraries={"ComfyUI": "CFGNorm, on x0, the norm over channels at every position"},
        commuting="z-projected renorm",
    ),
    Rule(
        "z-projected renorm",
        z_projected_renorm,
        "derived here, from theorem G2 with z",
        "any",
        Twin("the norm of the whole prediction", False, formula=_whole),
        parameters=VALUES,
        sees_z=True,
        elements=3,
    ),
)
