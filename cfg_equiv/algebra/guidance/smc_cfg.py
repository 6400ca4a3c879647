r"""SMC-CFG: guidance as sliding-mode control of the difference between the branches.

.. math:: s = (e - e') + \lambda\, e', \qquad e := e - k\,\operatorname{sign}(s), \qquad u + w\,e

with :math:`e = c - u` and :math:`e'` the one of the step before. The switching term has the fixed size k, in the units
of the space; and :math:`s` adds differences of two levels, whose scales change by different factors. At k = 0 it is CFG
(the twin). The sign is the element-wise one of the released code.

References
----------
[Wang26] Wang et al., CFG-Ctrl: Control-Based Classifier-Free Diffusion Guidance, arXiv:2603.03281; the authors'
    ``pipeline/common_cfg_ctrl.py`` ``_cfg_ctrl_apply``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def smc_cfg(xp: Any, cond: Any, uncond: Any, cond_before: Any, uncond_before: Any, w: Any, k: Any, decay: Any) -> Any:
    """One step after the first, whose difference was kept as it was."""
    error = cond - uncond
    before = cond_before - uncond_before
    s = (error - before) + decay * before
    return uncond + w * (error - k * xp.sign(s))


RULES = (
    Rule(
        "SMC-CFG",
        smc_cfg,
        "arXiv:2603.03281, code: pipeline/common_cfg_ctrl.py _cfg_ctrl_apply",
        "flow",
        Twin("k = 0: CFG", True, {"k": Fraction(0)}),
        branches={
            "cond": "here",
            "uncond": "here",
            "cond_before": "other_level",
            "uncond_before": "other_level",
        },
        parameters={"w": Fraction(2), "k": Fraction(3, 10), "decay": Fraction(1, 20)},
        libraries={"the authors": "on the velocity of SD3, Flux, Qwen-Image and Wan"},
        commuting="history projection",
    ),
)
