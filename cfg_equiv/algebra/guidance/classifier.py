r"""Classifier guidance: the gradient of a classifier is added to a prediction.

In eps it is :math:`\hat\epsilon = \epsilon - w\,\sigma\,g` with :math:`g = \nabla_z \log p(y \mid z)`. A gradient is no
prediction: adding it unscaled means another thing in every space. Moving one guided prediction along the conversion
gives the shift in each,

.. math:: \Delta(p\,x_0 + q\,\epsilon) = w\,g\,\sigma\,\frac{p\,\sigma - q\,\alpha}{\alpha}

(theorem G8): :math:`\sigma^2/\alpha` times ``w*g`` in x0, :math:`-\sigma` in eps, 1 in the score. If the gradient is
that of the implicit classifier, a difference of two predictions, the rule is CFG and commutes (the twin).

References
----------
[DN21] Dhariwal, Nichol, Diffusion Models Beat GANs on Image Synthesis, arXiv:2105.05233; the authors'
    ``guided_diffusion/gaussian_diffusion.py`` ``condition_score``. Their ``condition_mean`` adds the gradient times the
    variance to the mean of a step, which is another rule.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg_from_cond
from cfg_equiv.algebra.guidance.record import Rule, Twin
from cfg_equiv.algebra.points import Point, Row


def classifier_guidance(xp: Any, pred: Any, gradient: Any, w: Any, sigma: Any) -> Any:
    """``eps - w*sigma*g``."""
    return pred - w * sigma * gradient


def gradient_shift(gradient: Any, w: Any, at: Point, row: Row) -> Any:
    """What ``w`` times the gradient of a log-density adds to the prediction of a row."""
    return w * gradient * at.sigma * (row.p * at.sigma - row.q * at.alpha) / at.alpha


def _implicit(xp: Any, pred: Any, gradient: Any, w: Any, sigma: Any) -> Any:
    """The classifier's gradient is the difference to an unconditional prediction."""
    return cfg_from_cond(pred, gradient, w)


RULES = (
    Rule(
        "classifier guidance",
        classifier_guidance,
        "arXiv:2105.05233, code: guided_diffusion/gaussian_diffusion.py condition_score",
        "eps",
        Twin(
            "the implicit classifier: a difference of predictions",
            True,
            formula=_implicit,
            changes={"branches": {"pred": "here", "gradient": "here"}},
        ),
        branches={"pred": "here", "gradient": "constant"},
        parameters={"w": Fraction(1), "sigma": Fraction(1, 2)},
        commuting="CFG (1+w)",
    ),
)
