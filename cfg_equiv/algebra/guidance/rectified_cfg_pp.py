r"""Rectified-CFG++: the conditional velocity here, the guidance from a look-ahead.

.. math:: v_c(z, t) + w\,\bigl(v_c(\tilde z, \tilde t) - v_u(\tilde z, \tilde t)\bigr)

The difference is taken at one latent and one level, and would commute there; it is added to a prediction of another
level, where differences scale by another factor. With the look-ahead at the same level the rule is CFG (the twin).

References
----------
[Saini25] Saini, Gupta, Bovik, Rectified-CFG++ for Flow Based Models, arXiv:2510.07631; the authors'
    ``rect-cfg-SD3-pipeline/pipeline.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def rectified_cfg_pp(xp: Any, cond: Any, cond_ahead: Any, uncond_ahead: Any, w: Any) -> Any:
    """The corrected velocity."""
    return cond + w * (cond_ahead - uncond_ahead)


RULES = (
    Rule(
        "Rectified-CFG++",
        rectified_cfg_pp,
        "arXiv:2510.07631, code: rect-cfg-SD3-pipeline/pipeline.py",
        "flow",
        Twin(
            "no look-ahead",
            True,
            changes={"branches": {"cond": "here", "cond_ahead": "here", "uncond_ahead": "here"}},
        ),
        branches={"cond": "here", "cond_ahead": "other_level", "uncond_ahead": "other_level"},
        parameters={"w": Fraction(1)},
        libraries={"the authors": "on the velocity of SD3"},
    ),
)
