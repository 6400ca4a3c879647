r"""Guidance without an unconditional branch: by an independent condition (ICG), or by a perturbed time (TSG).

ICG puts the prediction under a random condition in place of the unconditional one. TSG asks the same network with a
perturbed time embedding :math:`\tilde t` at the same latent:

.. math:: D(z, \tilde t) + w\,\bigl(D(z, t) - D(z, \tilde t)\bigr)

Whether TSG depends on the space is a matter of who converts. If both outputs are converted at the sampler's ``t``, the
perturbed network is one more prediction there and the rule is CFG. If each is converted at the time it was asked for,
their scales differ and the rule depends on the space (the twin). EDM preconditioning does the latter: c_skip and c_out
are functions of the perturbed noise level.

References
----------
[Sadat24b] Sadat et al., No Training, No Problem: Rethinking Classifier-Free Guidance for Diffusion Models,
    arXiv:2407.02687, algorithms 1 and 2, read in an account of the paper that prints both; no code by its authors.
"""

from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule, Twin


def icg(xp: Any, cond: Any, random: Any, w: Any) -> Any:
    """``r + w*(c - r)`` with the prediction ``r`` under an independent condition."""
    return cfg(cond, random, w)


def tsg(xp: Any, pred: Any, perturbed: Any, w: Any) -> Any:
    """``p + w*(pred - p)`` with the prediction ``p`` of the network that was told another time."""
    return cfg(pred, perturbed, w)


def _averaged(xp: Any, cond: Any, random: Any, w: Any) -> Any:
    """The known-bad neighbour: the random branch halved, as the mean of two of which one is dropped."""
    return random / 2 + w * (cond - random)


RULES = (
    Rule(
        "ICG",
        icg,
        "arXiv:2407.02687, algorithm 1",
        "any",
        Twin("weights that sum to one half", False, formula=_averaged),
        branches={"cond": "here", "random": "here"},
    ),
    Rule(
        "TSG",
        tsg,
        "arXiv:2407.02687, algorithm 2",
        "any",
        Twin(
            "each output is converted at the time it was asked for",
            False,
            changes={
                "branches": {"pred": "here", "perturbed": "other_level"},
                "latents": {"perturbed": lambda w: (1, 0)},
            },
        ),
        branches={"pred": "here", "perturbed": "here"},
    ),
)
