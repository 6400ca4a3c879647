r"""Two-weight guidance for a text and an image condition.

References
----------
[Brooks22] Brooks, Holynski, Efros, InstructPix2Pix, arXiv:2211.09800, eq. 3.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def instruct_pix2pix(text_image: Any, image: Any, uncond: Any, w_text: Any, w_image: Any) -> Any:
    """``u + w_I*(e(image) - u) + w_T*(e(text, image) - e(image))`` [Brooks22, eq. 3]."""
    return uncond + w_image * (image - uncond) + w_text * (text_image - image)


def _rule(xp: Any, text_image: Any, image: Any, uncond: Any, w: Any, w_image: Any) -> Any:
    return instruct_pix2pix(text_image, image, uncond, w, w_image)


def _text_alone(xp: Any, text_image: Any, image: Any, uncond: Any, w: Any, w_image: Any) -> Any:
    """The known-bad neighbour: the text weight multiplies the prediction instead of the difference."""
    return uncond + w_image * (image - uncond) + w * text_image


RULES = (
    Rule(
        "InstructPix2Pix",
        _rule,
        "arXiv:2211.09800, eq. 3; edit_cli.py CFGDenoiser of the authors",
        "any",
        Twin("the text weight multiplies the prediction", False, formula=_text_alone),
        branches={"text_image": "here", "image": "here", "uncond": "here"},
        parameters={"w": Fraction(7), "w_image": Fraction(3, 2)},
        libraries={
            "the authors": "edit_cli.py, on the x0 of k-diffusion",
            "diffusers": "StableDiffusionInstructPix2PixPipeline, on the model's own output: the same rule",
        },
    ),
)
