r"""One prediction, scaled: epsilon scaling against exposure bias, and temporal score rescaling.

.. math:: \hat\epsilon = \epsilon / s, \qquad
    \hat s = r\, s_\theta, \quad r = \frac{\eta\,\nu + 1}{\eta\,\nu / k + 1},\ \eta = \alpha^2/\sigma^2

A rule of one prediction commutes only if it is the identity (theorem G2), so both mean what they say in one class of
spaces: eps and score, which differ by a factor. Scaling a velocity is another rule.

References
----------
[Ning23] Ning et al., Elucidating the Exposure Bias in Diffusion Models, arXiv:2308.15321.
[Xu25] Temporal Score Rescaling for Temperature Sampling in Diffusion and Flow Models, arXiv:2510.01184, eq. 6 (as
    ComfyUI ``comfy_extras/nodes_eps.py`` cites it).
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def epsilon_scaling(xp: Any, pred: Any, w: Any) -> Any:
    """``eps/w``."""
    return pred / w


def temporal_score_rescaling(xp: Any, pred: Any, w: Any, snr: Any, variance: Any) -> Any:
    """``r*score`` with ``k = w``."""
    return (snr * variance + 1) / (snr * variance / w + 1) * pred


RULES = (
    Rule(
        "epsilon scaling",
        epsilon_scaling,
        "arXiv:2308.15321; ComfyUI comfy_extras/nodes_eps.py EpsilonScaling",
        "eps",
        Twin("factor 1", True, {"w": Fraction(1)}),
        branches={"pred": "here"},
        parameters={"w": Fraction(201, 200)},
        libraries={
            "ComfyUI": "EpsilonScaling divides input - x0: eps on the VE path, but the velocity on the flow path"
        },
    ),
    Rule(
        "TSR",
        temporal_score_rescaling,
        "arXiv:2510.01184, eq. 6; ComfyUI comfy_extras/nodes_eps.py TemporalScoreRescaling",
        "score",
        Twin("k = 1", True, {"w": Fraction(1)}),
        branches={"pred": "here"},
        parameters={"w": Fraction(1, 2), "snr": Fraction(1), "variance": Fraction(1)},
        libraries={"ComfyUI": "TemporalScoreRescaling: x0 between input/alpha and x0, which is the score rule exactly"},
    ),
)
