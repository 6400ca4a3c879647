r"""Classifier-free guidance, in the two conventions of the literature.

The weight means different things: :math:`u + w(c - u)` is off at ``w = 1``; :math:`c + w(c - u) = (1+w)c - wu` is off
at ``w = 0``. The same number in the two conventions is two different samples; :math:`w_1 = 1 + w_0` maps one to the
other.

References
----------
[HS22] Ho, Salimans, Classifier-Free Diffusion Guidance, arXiv:2207.12598, eq. 6.
[Saharia22] Saharia et al., Imagen, arXiv:2205.11487, eq. 2; it prints :math:`wc + (1-w)u`, which is the same.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def cfg(cond: Any, uncond: Any, w: Any) -> Any:
    """``u + w*(c - u)``: off at ``w = 1`` [Saharia22, eq. 2]. With a negative prompt, ``uncond`` is its prediction."""
    return uncond + w * (cond - uncond)


def cfg_from_cond(cond: Any, uncond: Any, w: Any) -> Any:
    """``c + w*(c - u)``: off at ``w = 0``."""
    return cond + w * (cond - uncond)


def cfg_ho_salimans(cond: Any, uncond: Any, w: Any) -> Any:
    """``(1 + w)*c - w*u``: the form [HS22, eq. 6] prints; off at ``w = 0``."""
    return (1 + w) * cond - w * uncond


def weight_off_at_one(w: Any) -> Any:
    """The weight of ``u + w*(c - u)`` that equals weight ``w`` of ``c + w*(c - u)``."""
    return 1 + w


def weight_off_at_zero(w: Any) -> Any:
    """The weight of ``c + w*(c - u)`` that equals weight ``w`` of ``u + w*(c - u)``."""
    return w - 1


def _cfg(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    return cfg(cond, uncond, w)


def _ho_salimans(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    return cfg_ho_salimans(cond, uncond, w)


def _base_forgotten(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """Weights that sum to zero."""
    return w * (cond - uncond)


def _sign_slip(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """Weights that sum to ``1 + 2*w``."""
    return (1 + w) * cond + w * uncond


def _unbalanced(xp: Any, cond: Any, negative: Any, w: Any) -> Any:
    """Weights that sum to ``1 - w``: the negative is taken away and nothing is added."""
    return cond - w * negative


RULES = (
    Rule(
        "CFG",
        _cfg,
        "arXiv:2205.11487, eq. 2",
        "any",
        Twin("the base is forgotten: w*(c - u)", False, formula=_base_forgotten),
        libraries={
            "diffusers": "guiders.ClassifierFreeGuidance, on the model's own output",
            "ComfyUI": "samplers.cfg_function, on x0",
            "stable-audio-tools": "models/dit.py cfg_scale, on the model's own output",
            "EDM2": "generate_images.py ref.lerp(D, w), on x0",
        },
    ),
    Rule(
        "CFG (1+w)",
        _ho_salimans,
        "arXiv:2207.12598, eq. 6",
        "any",
        Twin("a sign slip: (1+w)*c + w*u", False, formula=_sign_slip),
        libraries={"diffusers": "guiders.ClassifierFreeGuidance(use_original_formulation=True)"},
    ),
    Rule(
        "negative prompt",
        _cfg,
        "diffusers and ComfyUI: the negative prompt's prediction takes the place of the unconditional one",
        "any",
        Twin("subtracted without balance: c - w*n", False, formula=_unbalanced),
        branches={"cond": "here", "negative": "here"},
        parameters={"w": Fraction(3)},
    ),
)
