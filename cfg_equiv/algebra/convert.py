r"""Conversion between any two parameterizations.

From :math:`[Z,P]\,Q = [Z,Q]\,P + [Q,P]\,Z` (see :mod:`cfg_equiv.algebra.points`):

.. math:: \mathrm{pred}_Q = \frac{[Z,Q]\,\mathrm{pred}_P + [Q,P]\,z}{[Z,P]}

An error in ``pred_P`` is amplified by :math:`|[Z,Q]/[Z,P]|`.
"""

from typing import Any

from cfg_equiv.algebra.points import det


def convert(z: Any, pred: Any, at: Any, source: Any, target: Any) -> Any:
    """The prediction in row ``target``, given ``pred`` in row ``source`` for the latent ``z`` at the point ``at``."""
    return (det(at, target) * pred + det(target, source) * z) / det(at, source)


def amplification(at: Any, source: Any, target: Any) -> Any:
    """``[Z,Q]/[Z,P]``: the derivative of the converted prediction by the prediction."""
    return det(at, target) / det(at, source)
