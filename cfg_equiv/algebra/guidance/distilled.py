r"""Guidance distilled into the network: the weight is an input, and the sampler combines nothing.

As a rule on one prediction it is the identity, and the identity is the only rule of one prediction that commutes and
does not see ``z`` (theorem G2 with one branch): every other post-processing of a single prediction depends on the
space.

References
----------
[Meng22] Meng et al., On Distillation of Guided Diffusion Models, arXiv:2210.03142.
"""

from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def distilled(xp: Any, pred: Any, w: Any) -> Any:
    """The network's output; ``w`` went into the network."""
    return pred


def _applied_again(xp: Any, pred: Any, w: Any) -> Any:
    """The known-bad neighbour: the weight multiplies the output as well."""
    return w * pred


RULES = (
    Rule(
        "distilled guidance",
        distilled,
        "arXiv:2210.03142; diffusers pipelines/flux/pipeline_flux.py (the guidance embedding)",
        "any",
        Twin("the weight multiplies the output as well", False, formula=_applied_again),
        branches={"pred": "here"},
        libraries={"diffusers": "FluxPipeline guidance_scale; its true_cfg_scale is CFG on top"},
    ),
)
