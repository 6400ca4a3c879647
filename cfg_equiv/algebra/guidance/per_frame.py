r"""A weight for every frame of a video: CFG with a diagonal matrix in place of the number.

.. math:: u + W\,(c - u), \qquad W = \operatorname{diag}(w_1, \dots, w_n)

Any linear map of the difference commutes with every change of parameterization, here one that is diagonal; it would
even if every frame had its own noise level. A map of the *predictions* does not (the twin).

References
----------
[ComfyUI] ``comfy_extras/nodes_video_model.py``: VideoLinearCFGGuidance, VideoTriangleCFGGuidance.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def per_frame(xp: Any, cond: Any, uncond: Any, w: Any, lowest: Any, ramp: Any) -> Any:
    """``u + scale*(c - u)`` with ``scale`` from ``lowest`` (ramp 0) to ``w`` (ramp 1)."""
    scale = ramp * (w - lowest) + lowest
    return uncond + scale * (cond - uncond)


def _weights_on_predictions(xp: Any, cond: Any, uncond: Any, w: Any, lowest: Any, ramp: Any) -> Any:
    """The known-bad neighbour: every frame's weight on ``c``, the largest one on ``u``."""
    scale = ramp * (w - lowest) + lowest
    return scale * cond + (1 - w) * uncond


ON_PREDICTIONS = Twin("u has one weight for all frames", False, formula=_weights_on_predictions)
LINEAR = (0, Fraction(1, 3), Fraction(2, 3), 1)  # linspace over four frames
TRIANGLE = (0, Fraction(2, 3), Fraction(2, 3), 0)  # 2*|v - floor(v + 1/2)| of the same

RULES = (
    Rule(
        "VideoLinearCFG",
        per_frame,
        "ComfyUI comfy_extras/nodes_video_model.py VideoLinearCFGGuidance",
        "any",
        ON_PREDICTIONS,
        parameters={"w": Fraction(3), "lowest": Fraction(1), "ramp": LINEAR},
        elements=4,
        fewest=4,
        libraries={"ComfyUI": "on input - x0, which is eps on the VE path and the velocity on the flow path"},
    ),
    Rule(
        "VideoTriangleCFG",
        per_frame,
        "ComfyUI comfy_extras/nodes_video_model.py VideoTriangleCFGGuidance",
        "any",
        ON_PREDICTIONS,
        parameters={"w": Fraction(3), "lowest": Fraction(1), "ramp": TRIANGLE},
        elements=4,
        fewest=4,
        libraries={"ComfyUI": "on input - x0"},
    ),
)
