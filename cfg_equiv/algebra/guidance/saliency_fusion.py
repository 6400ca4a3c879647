r"""Saliency-adaptive noise fusion: of two guided predictions, each element takes the one with the larger saliency.

.. math:: \Omega_i = \operatorname{softmax}\bigl(|w\,(c_i - u_i)|\bigr), \qquad
    \text{take } i = \arg\max_i \Omega_i

Softmax is not homogeneous: at small scales it compares sums, at large ones the largest elements, so a change of
parameterization changes which element comes from where. On one or two elements it never shows: there the comparison of
the two softmaxes is that of :math:`|d_1| - |d_2|`, of degree one. Compared by the sizes themselves the fusion commutes
(the twin). The smoothing of the released code, a linear map of the sizes, is left out.

References
----------
[Wang24] Wang et al., High-fidelity Person-centric Subject-to-Image Synthesis, arXiv:2311.10329; the authors'
    ``facediffuser/pipeline.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def _softmax(xp: Any, x: Any) -> Any:
    weights = xp.exp(x)
    return weights / xp.sum(weights)


def saliency_fusion(xp: Any, subject: Any, subject_base: Any, base: Any, text: Any, w: Any) -> Any:
    """The text-driven model's guided prediction, or the subject model's where that is more salient."""
    text_part = w * (text - base)
    subject_part = w * (subject - subject_base)
    chosen = xp.greater_equal(_softmax(xp, xp.abs(text_part)), _softmax(xp, xp.abs(subject_part)))
    return chosen * (base + text_part) + (1 - chosen) * (subject_base + subject_part)


def _by_size(xp: Any, subject: Any, subject_base: Any, base: Any, text: Any, w: Any) -> Any:
    """The sizes are compared as they are."""
    text_part = w * (text - base)
    subject_part = w * (subject - subject_base)
    chosen = xp.greater_equal(xp.abs(text_part), xp.abs(subject_part))
    return chosen * (base + text_part) + (1 - chosen) * (subject_base + subject_part)


RULES = (
    Rule(
        "SNF",
        saliency_fusion,
        "arXiv:2311.10329, code: facediffuser/pipeline.py",
        "eps",
        Twin("sizes compared without softmax", True, formula=_by_size, changes={"arena": "exact"}),
        branches={"subject": "here", "subject_base": "here", "base": "here", "text": "here"},
        parameters={"w": Fraction(1, 3)},
        arena="interval",
        elements=3,
        fewest=3,
        lattice=(3,),
        libraries={"ComfyUI": "pamparamm/sd-perturbed-attention snf_guidance, on differences of x0"},
    ),
)
