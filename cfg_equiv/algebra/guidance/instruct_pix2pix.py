r"""Two-weight guidance for a text and an image condition.

References
----------
[Brooks22] Brooks, Holynski, Efros, InstructPix2Pix, arXiv:2211.09800, eq. 3.
"""

from typing import Any


def instruct_pix2pix(text_image: Any, image: Any, uncond: Any, w_text: Any, w_image: Any) -> Any:
    """``u + w_I*(e(image) - u) + w_T*(e(text, image) - e(image))`` [Brooks22, eq. 3]."""
    return uncond + w_image * (image - uncond) + w_text * (text_image - image)
