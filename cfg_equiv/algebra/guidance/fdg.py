r"""Frequency-Decoupled Guidance: another weight for every level of a Laplacian pyramid.

Level by level :math:`u_\ell + w_\ell\, d_\ell`, then the pyramid is added up. Reconstruction is exact,
:math:`\sum_\ell x_\ell = x`, and decomposition linear, so the rule is :math:`u + L(c - u)` with a linear map L: it
commutes. The options beside it do not: a parallel weight other than 1 projects the difference of a level on the
*prediction* of that level (the twin), as APG does, and a guidance rescale takes standard deviations of predictions.

Here the pyramid has two levels on four elements: a box filter takes means of pairs, and the coarse level is kept
upsampled, which changes neither sums nor projections within it.

References
----------
[Sadat25] Sadat et al., Guidance in the Frequency Domain Enables High-Fidelity Sampling at Low CFG Scales,
    arXiv:2506.19713. diffusers ``guiders/frequency_decoupled_guidance.py`` ``forward``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.bands import band
from cfg_equiv.algebra.guidance.record import Rule, Twin


def _level(xp: Any, cond: Any, uncond: Any, w: Any, parallel: Any) -> Any:
    """One level: the difference, its part along ``cond`` weighted, times ``w``, on ``uncond``."""
    shift = cond - uncond
    along = cond * (xp.dot(shift, cond) / xp.dot(cond, cond))
    return uncond + w * (parallel * along + (shift - along))


def fdg(xp: Any, cond: Any, uncond: Any, w: Any, w_low: Any, parallel: Any, parallel_low: Any, pairs: Any) -> Any:
    """Weight ``w`` on the fine level, ``w_low`` on the coarse one."""
    cond_low, uncond_low = band(xp, cond, pairs), band(xp, uncond, pairs)
    high = _level(xp, cond - cond_low, uncond - uncond_low, w, parallel)
    return _level(xp, cond_low, uncond_low, w_low, parallel_low) + high


RULES = (
    Rule(
        "FDG",
        fdg,
        "arXiv:2506.19713; diffusers guiders/frequency_decoupled_guidance.py forward",
        "any",
        Twin("parallel_weights = (0, 1)", False, {"parallel": Fraction(0)}),
        parameters={
            "w": Fraction(10),
            "w_low": Fraction(5),
            "parallel": Fraction(1),
            "parallel_low": Fraction(1),
            "pairs": ((1, 1, 0, 0), (0, 0, 1, 1)),
        },
        elements=4,
        fewest=4,
        libraries={
            "diffusers": "guiders.FrequencyDecoupledGuidance, native space: B with its defaults, D with "
            "parallel_weights or guidance_rescale",
        },
    ),
)
