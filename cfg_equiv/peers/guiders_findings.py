r"""Where released guidance options of diffusers are not what their names or their documentation say.

References
----------
[Sadat24] APG, arXiv:2410.02416, algorithm 1. [diffusers] ``guiders/*.py``.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import torch

from cfg_equiv.adapters.diffusers_guiders import STEP
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.nonlinear import downweighted
from cfg_equiv.exact.interval_vectors import apart
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.guiders import APG, BARE, NEEDS, asked, magnitude_aware, nonlinear
from cfg_equiv.peers.released_rules import DRAWS, answer

F = Fraction


def apg_default_form() -> str:
    r"""At ``eta = 0`` the default form of the released APG lacks :math:`d_\parallel`, whatever the weight."""
    default = next(one for one in nonlinear() if one.symbol == "AdaptiveProjectedGuidance(eta)")
    paper, largest = RULES["APG projection"], 0.0
    for seed in range(DRAWS):
        got, expected, missing = (answer(rule, seed) for rule in (default.own, paper, replace(paper, formula=_along)))
        if not apart(got, expected):
            raise AssertionError("the default form of APG agrees with the paper's at eta = 0: the release has changed")
        if apart(expected - got, missing):
            raise AssertionError(f"the default form of APG is {expected - got} away from the paper's, not {missing}")
        largest = max(largest, *(abs(float(str(x))) for x in missing))
    return (
        "guiders/adaptive_projected_guidance.py, normalized_guidance: at eta = 0 and use_original_formulation=False it "
        f"lacks the part of cond - uncond along cond, whatever the weight (up to {largest:.3g} on these predictions); "
        "so as the weight goes to 1 it does not become the conditional prediction, which it is at 1"
    )


def _along(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any) -> Any:
    """The part of ``c - u`` along c."""
    difference = cond - uncond
    return difference - downweighted(xp, difference, cond, eta)


def mix_starts_late() -> str:
    """The step named as the first with APG is the last without it."""
    cond, uncond = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0, -1.0]]])
    options = {**BARE, f"{APG}momentum": None, "eta": 0.0, "guidance_scale": 2.0, f"{APG}scale": 2.0}
    plain = uncond + 2 * (cond - uncond)
    at_step = [
        asked("AdaptiveProjectedMixGuidance", {**options, f"{APG}start_step": start}, cond, uncond, step=STEP)
        for start in (STEP, STEP - 1)
    ]
    if not torch.equal(at_step[0], plain) or torch.equal(at_step[1], plain):
        raise AssertionError("AdaptiveProjectedMixGuidance starts at the step it is told: the release has changed")
    largest = (at_step[1] - plain).abs().max().item()
    return (
        "guiders/adaptive_projected_guidance_mix.py, _is_apg_enabled: 'the step at which the adaptive projected "
        f"guidance starts' is still plain guidance, APG begins one step later (a difference of {largest:.3g} here)"
    )


def magnitude_aware_raises() -> str:
    """The released MAMBO-G takes sequences of vectors alone: of an image or a video it asks for a norm of a matrix."""
    shapes = {"a sequence": (2, 4, 8), "an image": (2, 4, 8, 8), "a video": (2, 4, 2, 8, 8)}
    raised = {}
    for what, shape in shapes.items():
        try:
            magnitude_aware(torch.ones(shape), torch.zeros(shape) + 0.5, w=3.0, a=0.5)
        except RuntimeError as error:
            raised[what] = str(error)
    if list(raised) != ["an image", "a video"]:
        raise AssertionError(f"MagnitudeAwareGuidance raises on {list(raised)}: the release has changed")
    return (
        "guiders/magnitude_aware_guidance.py, mambo_guidance: torch.norm over three or four axes raises "
        f"{raised['an image']!r} on predictions of images and videos; only three-dimensional predictions pass"
    )


COMPARISONS: Sequence[Comparison] = tuple(
    Comparison(f"diffusers {name}", NEEDS, claim, "differs_as_proved")
    for name, claim in (
        ("AdaptiveProjectedGuidance, default form", apg_default_form),
        ("AdaptiveProjectedMixGuidance, first step", mix_starts_late),
        ("MagnitudeAwareGuidance, images", magnitude_aware_raises),
    )
)
