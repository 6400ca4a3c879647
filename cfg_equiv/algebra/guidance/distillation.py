r"""Score distillation: residuals of predictions as gradients of what was noised.

.. math:: \text{SDS: } w\,(\hat y - y), \qquad \text{DDS: } w\,\bigl(\hat y(z) - \hat y(z_{\mathrm{ref}})\bigr)

where y is what the network should have said of the noise that was added. The answer is a gradient, applied as it is.
The weights of a residual sum to zero, so a shift along z leaves it alone, and a change of parameterization multiplies
it by A, sign included: class F, to be absorbed in the weighting. DDS subtracts predictions at *different* latents:
there the shift stays, and the difference depends on the space as well (class D), unless both are residuals. At one
target the difference of residuals is the DDS of eps.

ISM subtracts a prediction of the level before, where the latent is another one as well: the scale of both is not
common, and it depends on the space through the past (class E).

VSD and CSD replace the target by another network's prediction, or the pair by two conditions: the same weights.

References
----------
[Poole22] Poole et al., DreamFusion, arXiv:2209.14988 (no code by its authors); ashawkey/stable-dreamfusion
    ``guidance/sd_utils.py`` ``train_step``. [Hertz23] Hertz et al., Delta Denoising Score, arXiv:2304.07090; theirs,
    google/prompt-to-prompt ``DDS_zeroshot.ipynb`` ``get_dds_loss``, which converts a v-prediction to eps first, and
    ``get_sds_loss``. [Liang23] Liang et al., LucidDreamer, arXiv:2311.11284; the authors' ``guidance/sd_utils.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def sds(xp: Any, pred: Any, target: Any, w: Any) -> Any:
    """The residual."""
    return w * (pred - target)


def dds(xp: Any, pred: Any, reference: Any, w: Any) -> Any:
    """The difference of two predictions with the same noise added to two images."""
    return w * (pred - reference)


def ism(xp: Any, pred: Any, before: Any, w: Any) -> Any:
    """The difference to the prediction of the level before."""
    return w * (pred - before)


def _beside(xp: Any, pred: Any, before: Any, w: Any) -> Any:
    return before + w * (pred - before)


def dds_residuals(xp: Any, pred: Any, target: Any, reference: Any, reference_target: Any, w: Any) -> Any:
    """The difference of two residuals."""
    return w * ((pred - target) - (reference - reference_target))


def _towards(xp: Any, pred: Any, target: Any, w: Any) -> Any:
    """The residual on the target: a prediction again."""
    return target + w * (pred - target)


def _difference_on_base(xp: Any, pred: Any, reference: Any, w: Any) -> Any:
    return reference + w * (pred - reference)


def _residuals_on_base(xp: Any, pred: Any, target: Any, reference: Any, reference_target: Any, w: Any) -> Any:
    return target + dds_residuals(xp, pred, target, reference, reference_target, w)


AT_ONE_LATENT: dict[str, Seen] = {"pred": "here", "reference": "here"}

RULES = (
    Rule(
        "SDS",
        sds,
        "arXiv:2209.14988; stable-dreamfusion guidance/sd_utils.py train_step",
        "eps",
        Twin("added to the target: a prediction", True, formula=_towards, changes={"answer": "prediction"}),
        branches={"pred": "here", "target": "here"},
        parameters={"w": Fraction(1)},
        answer="gradient",
    ),
    Rule(
        "DDS",
        dds,
        "arXiv:2304.07090, code: DDS_zeroshot.ipynb get_dds_loss",
        "eps",
        Twin(
            "at one latent, added to the reference",
            True,
            formula=_difference_on_base,
            changes={"answer": "prediction", "branches": AT_ONE_LATENT},
        ),
        branches={"pred": "here", "reference": "other_latent"},
        parameters={"w": Fraction(1)},
        answer="gradient",
    ),
    Rule(
        "ISM",
        ism,
        "arXiv:2311.11284, code: guidance/sd_utils.py train_step",
        "eps",
        Twin(
            "at one level, added to the other",
            True,
            formula=_beside,
            changes={"answer": "prediction", "branches": {"pred": "here", "before": "here"}},
        ),
        branches={"pred": "here", "before": "other_level"},
        parameters={"w": Fraction(1)},
        answer="gradient",
        libraries={"the authors": "on eps of Stable Diffusion, w = sigma/alpha"},
    ),
    Rule(
        "DDS residuals",
        dds_residuals,
        "derived here: what DDS in eps is, in any space, up to the factor",
        "eps",
        Twin("added to the target: a prediction", True, formula=_residuals_on_base, changes={"answer": "prediction"}),
        branches={
            "pred": "here",
            "target": "here",
            "reference": "other_latent",
            "reference_target": "other_latent",
        },
        parameters={"w": Fraction(1)},
        answer="gradient",
    ),
)
