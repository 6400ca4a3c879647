r"""Autoguidance: a worse version of the same network takes the place of the unconditional one.

.. math:: D_w = D_0 + w\,(D_1 - D_0)

The two networks may have been trained for different parameterizations. Both have to be converted with the same level
and the same latent; then nothing distinguishes the rule from classifier-free guidance.

References
----------
[Karras24] Karras et al., Guiding a Diffusion Model with a Bad Version of Itself, arXiv:2406.02507; EDM2,
    ``generate_images.py``: ``ref_Dx.lerp(Dx, guidance)``.
"""

from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def autoguidance(xp: Any, main: Any, weak: Any, w: Any) -> Any:
    """``weak.lerp(main, w)``."""
    return weak + w * (main - weak)


def _extrapolated(xp: Any, main: Any, weak: Any, w: Any) -> Any:
    """The known-bad neighbour: weights ``1 + w`` and ``-1``."""
    return main + (w * main - weak)


RULES = (
    Rule(
        "autoguidance",
        autoguidance,
        "arXiv:2406.02507; EDM2 generate_images.py edm_sampler",
        "any",
        Twin("weights 1 + w and -1", False, formula=_extrapolated),
        branches={"main": "here", "weak": "here"},
        libraries={"EDM2": "on x0", "diffusers": "guiders.AutoGuidance, on the model's own output"},
    ),
)
