r"""Classifier-free guidance, in the two conventions of the literature.

The weight means different things: :math:`u + w(c - u)` is off at ``w = 1``; :math:`c + w(c - u) = (1+w)c - wu` is off
at ``w = 0``. The same number in the two conventions is two different samples; :math:`w_1 = 1 + w_0` maps one to the
other.

References
----------
[HS22] Ho, Salimans, Classifier-Free Diffusion Guidance, arXiv:2207.12598, eq. 6.
[Saharia22] Saharia et al., Imagen, arXiv:2205.11487, eq. 2; it prints :math:`wc + (1-w)u`, which is the same.
"""

from typing import Any


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
