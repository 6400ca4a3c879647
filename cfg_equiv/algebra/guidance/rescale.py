r"""Guided predictions brought back to the spread of the conditional one: CFG rescale, and what it is taken over.

.. math:: \phi\, g\,\frac{\mathrm{std}(c)}{\mathrm{std}(g)} + (1 - \phi)\,g, \qquad g = u + w\,(c - u)

A factor on a prediction is another factor on another prediction, and moves x0 towards :math:`\alpha z` (theorem Q7).
The authors' networks predict v. Released code takes the standard deviation over an item, or over channels at every
position; that changes the vectors, not the formula, and not the verdict.

The last rule does the same to what is perpendicular to the latent,

.. math:: g + \phi\,\Bigl(\frac{\mathrm{std}(P_z c)}{\mathrm{std}(P_z g)} - 1\Bigr)\,P_z g

and commutes: :math:`P_z` of a prediction is only scaled, so the ratio does not move.

References
----------
[Lin23] Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, arXiv:2305.08891, section 3.4, eqs.
    14-16; diffusers ``guiders/guider_utils.py`` ``rescale_noise_cfg``; stable-audio-tools ``models/dit.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import off_latent, std_rescale
from cfg_equiv.algebra.guidance.record import Rule, Twin


def cfg_rescale(xp: Any, cond: Any, uncond: Any, w: Any, phi: Any) -> Any:
    """CFG, then the rescale [Lin23, eqs. 14-16]."""
    return std_rescale(xp, cond, cfg(cond, uncond, w), phi)


def z_projected_rescale(xp: Any, cond: Any, uncond: Any, w: Any, phi: Any, z: Any) -> Any:
    """The rescale of the part perpendicular to the latent; the part along it is left as it is."""
    guided = cfg(cond, uncond, w)
    across = off_latent(xp, z, guided)
    return guided - across + std_rescale(xp, off_latent(xp, z, cond), across, phi)


def _whole(xp: Any, cond: Any, uncond: Any, w: Any, phi: Any, z: Any) -> Any:
    """The known-bad neighbour: the whole prediction is rescaled."""
    return cfg_rescale(xp, cond, uncond, w, phi)


NONE = Twin("phi = 0: CFG", True, {"phi": Fraction(0)})
VALUES = {"w": Fraction(3), "phi": Fraction(7, 10)}

RULES = (
    Rule(
        "CFG rescale",
        cfg_rescale,
        "arXiv:2305.08891, section 3.4, eqs. 14-16",
        "v",
        NONE,
        parameters=VALUES,
        fewest=2,
        libraries={
            "diffusers": "guidance_rescale of guiders and pipelines (rescale_noise_cfg), on the model's own output: "
            "v, eps or velocity; LTX2Guidance on x0",
            "ComfyUI": "nodes_model_advanced.py RescaleCFG: converted to v on the VE path first, whatever the model is",
        },
        commuting="z-projected rescale",
    ),
    Rule(
        "scale_phi",
        cfg_rescale,
        "stable-audio-tools models/dit.py DiffusionTransformer.forward (scale_phi)",
        "v",
        NONE,
        parameters=VALUES,
        over="channels",
        fewest=2,
        libraries={
            "stable-audio-tools": "models/dit.py scale_phi, on the model's own output (v, or the velocity of a "
            "rectified flow): the standard deviation over channels, frame by frame"
        },
        commuting="z-projected rescale",
    ),
    Rule(
        "z-projected rescale",
        z_projected_rescale,
        "derived here, from theorem G2 with z",
        "any",
        Twin("the whole prediction is rescaled", False, formula=_whole),
        parameters=VALUES,
        sees_z=True,
        fewest=2,
        elements=3,
    ),
)
