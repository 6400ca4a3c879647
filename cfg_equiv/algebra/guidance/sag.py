r"""Self-attention guidance: away from the prediction at a blurred latent.

.. math:: g + s\,\bigl(\epsilon_u(z) - \epsilon(\hat z)\bigr), \qquad
    \hat z = \alpha\,\mathrm{blur}(x_0) + \sigma\,\epsilon_u

The two predictions are seen at different latents, so that :math:`\sum_i w_i z_i = z + s(z - \hat z) \ne z`: the same
difference is another shift in every space (theorem G6). Taken at one latent, as PAG does, it commutes (the twin). What
the paper means is the difference of eps; in x0 that is :math:`s\,(\mathrm{blur}(x_0) - D(\hat z))`.

References
----------
[Hong22] Hong et al., Improving Sample Quality of Diffusion Models Using Self-Attention Guidance, arXiv:2210.00939.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def sag(xp: Any, cond: Any, uncond: Any, degraded: Any, w: Any, s: Any) -> Any:
    """CFG, and ``s`` times the difference to the degraded branch."""
    return uncond + w * (cond - uncond) + s * (uncond - degraded)


RULES = (
    Rule(
        "SAG",
        sag,
        "arXiv:2210.00939; diffusers pipelines/deprecated/stable_diffusion_sag/pipeline_stable_diffusion_sag.py",
        "eps",
        Twin(
            "the degraded branch at z",
            True,
            changes={"branches": {"cond": "here", "uncond": "here", "degraded": "here"}},
        ),
        branches={"cond": "here", "uncond": "here", "degraded": "other_latent"},
        parameters={"w": Fraction(3), "s": Fraction(1)},
        libraries={
            "diffusers": "StableDiffusionSAGPipeline adds native predictions: the paper's rule for eps models only",
            "ComfyUI": "nodes_sag.py adds s*(blurred x0 - D) to x0: the paper's rule",
        },
        commuting="PAG",
    ),
)
