r"""Characteristic guidance: the two branches are asked at different latents, moved apart by a correction.

.. math:: (1 + w)\, c(z_1) - w\, u(z_2), \qquad z_1 = z + w\,\Delta,\quad z_2 = z + (1 + w)\,\Delta

A prediction at :math:`z_i` moves by :math:`B z_i`. The combination commutes iff
:math:`\sum_i w_i z_i = z` (theorem G6), and here :math:`(1+w)(z + w\Delta) - w(z + (1+w)\Delta) = z`, for every
:math:`\Delta`: it commutes though no branch is at z. With the conditional branch left at z it would not (the twin).
The equation that determines :math:`\Delta` is stated in eps, and is no rule on predictions.

References
----------
[ZL23] Zheng, Lan, Characteristic Guidance, arXiv:2312.07586; the authors' CharacteristicGuidanceWebUI
    ``scripts/CharaIte.py``, which moves the conditional branch by ``(h - 1)*dx`` and the other by ``h*dx``, h the
    guidance scale of ``u + h*(c - u)``: ``h = 1 + w``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg_ho_salimans
from cfg_equiv.algebra.guidance.record import Rule, Twin


def characteristic(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """CFG on branches at their own latents."""
    return cfg_ho_salimans(cond, uncond, w)


def _moved_once(w: Any) -> tuple[Any, Any]:
    return 1, w


def _moved_further(w: Any) -> tuple[Any, Any]:
    return 1, 1 + w


def _not_moved(w: Any) -> tuple[Any, Any]:
    return 1, 0


RULES = (
    Rule(
        "characteristic guidance",
        characteristic,
        "arXiv:2312.07586, code: scripts/CharaIte.py chara_ite_inner_loop",
        "eps",
        Twin(
            "the conditional branch at z",
            False,
            changes={"latents": {"cond": _not_moved, "uncond": _moved_further}},
        ),
        branches={"cond": "other_latent", "uncond": "other_latent"},
        parameters={"w": Fraction(2)},
        latents={"cond": _moved_once, "uncond": _moved_further},
    ),
)
