r"""Adaptive projected guidance (APG): momentum, a norm threshold, and less of what lies along the prediction.

.. math:: d := d + \beta\, d', \qquad d := d\,\min(1, r/\lVert d\rVert), \qquad
    c + (w - 1)\,(d_\perp + \eta\, d_\parallel)

with :math:`d = c - u` and :math:`d_\parallel` its part along the prediction c, in that order. Each of the three depends
on the space, in its own way: momentum adds differences of two levels, the threshold is an absolute radius (r in x0 is
:math:`|A|\,r` where differences are A times as long), and the direction of c is that of another vector in every space
(theorem Q7). The authors apply it to x0.

What is perpendicular to the latent is only scaled by a change of parameterization. Projected on that part of c, the
rule commutes (theorem G10): the last rule here.

References
----------
[Sadat24] Sadat, Hilliges, Weber, Eliminating Oversaturation and Artifacts of High Guidance Scales in Diffusion Models,
    arXiv:2410.02416, section 4 and algorithm 1 (PyTorch); its text was not at hand, three copies of the algorithm were.
    diffusers ``guiders/adaptive_projected_guidance.py`` ``normalized_guidance``; ComfyUI ``comfy_extras/nodes_apg.py``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond
from cfg_equiv.algebra.guidance.nonlinear import capped, downweighted, norm_cap, off_latent, projected_guidance
from cfg_equiv.algebra.guidance.record import Rule, Seen, Twin


def momentum(d: Any, before: Any, beta: Any) -> Any:
    """The second step's running difference: the buffer starts at zero, so that it held the first step's difference."""
    return d + beta * before


def apg(
    xp: Any,
    cond: Any,
    uncond: Any,
    cond_before: Any,
    uncond_before: Any,
    w: Any,
    eta: Any,
    radius: Any,
    beta: Any,
) -> Any:
    """The second step of algorithm 1."""
    d = momentum(cond - uncond, cond_before - uncond_before, beta)
    return cond + (w - 1) * downweighted(xp, capped(xp, d, radius), cond, eta)


def apg_without_momentum(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any, radius: Any) -> Any:
    """Threshold and projection of the current difference."""
    return cond + (w - 1) * downweighted(xp, capped(xp, cond - uncond, radius), cond, eta)


def apg_momentum(xp: Any, cond: Any, uncond: Any, cond_before: Any, uncond_before: Any, w: Any, beta: Any) -> Any:
    """Momentum alone: ``eta = 1`` and no threshold."""
    return cond + (w - 1) * momentum(cond - uncond, cond_before - uncond_before, beta)


def apg_from_uncond(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any) -> Any:
    """``u + w*(...)``: the same rule only at ``eta = 1``, for what is taken from d is missed at the base."""
    return uncond + w * downweighted(xp, cond - uncond, cond, eta)


def z_projected_apg(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any, z: Any) -> Any:
    """The part of the difference along ``P_z c`` is weighted, where ``P_z`` takes the direction of the latent out."""
    return cond + (w - 1) * downweighted(xp, cond - uncond, off_latent(xp, z, cond), eta)


def _uncapped(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any) -> Any:
    return cfg(cond, uncond, w)


def _neither(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any, radius: Any) -> Any:
    return cfg(cond, uncond, w)


def _plain(
    xp: Any,
    cond: Any,
    uncond: Any,
    cond_before: Any,
    uncond_before: Any,
    w: Any,
    eta: Any,
    radius: Any,
    beta: Any,
) -> Any:
    """No part is weighted, none is cut off, nothing is remembered."""
    return cfg_from_cond(cond, uncond, w - 1)


def _on_prediction(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any, z: Any) -> Any:
    """The known-bad neighbour: the projection on the prediction itself."""
    return projected_guidance(xp, cond, uncond, w, eta)


WITH_PAST: dict[str, Seen] = {
    "cond": "here",
    "uncond": "here",
    "cond_before": "other_level",
    "uncond_before": "other_level",
}

RULES = (
    Rule(
        "APG",
        apg,
        "arXiv:2410.02416, section 4, algorithm 1",
        "x0",
        Twin("eta = 1, no threshold, no momentum: CFG", True, formula=_plain),
        branches=WITH_PAST,
        parameters={"w": Fraction(4), "eta": Fraction(0), "radius": Fraction(5), "beta": Fraction(-1, 2)},
        fewest=2,
        libraries={
            "diffusers": "guiders.AdaptiveProjectedGuidance: on the model's own output; with its default "
            "use_original_formulation=False the base is u and the weight w",
            "ComfyUI": "nodes_apg.py APG, on x0; the result is c + w*(...), CFG at w + 1 where nothing is changed",
            "ACE-Step": "apg_guidance.py apg_forward, on the velocity, over the last two axes",
            "Cosmos": "models/cfg.py adaptive_projected_guidance, on the model's own output",
        },
        commuting="z-projected APG",
    ),
    Rule(
        "APG (no momentum)",
        apg_without_momentum,
        "stable-audio-3 models/dit.py forward (apg_scale = 1 - eta, cfg_norm_threshold), read in a copy",
        "x0",
        Twin("eta = 1, no threshold: CFG", True, formula=_neither),
        parameters={"w": Fraction(2), "eta": Fraction(0), "radius": Fraction(5)},
        fewest=2,
        libraries={
            "stable-audio-3": "models/dit.py: on x0, over channels and frames; scale_phi afterwards on the model's "
            "output, so that one forward has two canonical spaces"
        },
        commuting="z-projected APG",
    ),
    Rule(
        "APG projection",
        projected_guidance,
        "arXiv:2410.02416, section 4, algorithm 1 without momentum and threshold",
        "x0",
        Twin("eta = 1: CFG", True, {"eta": Fraction(1)}),
        parameters={"w": Fraction(2), "eta": Fraction(0)},
        fewest=2,
        libraries={"diffusers": "adaptive_projected_guidance_momentum=None, ..._rescale=0: the model's own output"},
        commuting="z-projected APG",
    ),
    Rule(
        "APG threshold",
        norm_cap,
        "arXiv:2410.02416, section 4, algorithm 1 with eta = 1 and without momentum",
        "x0",
        Twin("no threshold: CFG", True, formula=_uncapped),
        parameters={"w": Fraction(2), "radius": Fraction(5)},
        libraries={"diffusers": "adaptive_projected_guidance_rescale, in units of the model's own output"},
        commuting="Reinhard CFG",
    ),
    Rule(
        "APG momentum",
        apg_momentum,
        "arXiv:2410.02416, section 4, algorithm 1 with eta = 1 and without threshold",
        "x0",
        Twin("beta = 0: CFG", True, {"beta": Fraction(0)}),
        branches=WITH_PAST,
        parameters={"w": Fraction(2), "beta": Fraction(-1, 2)},
        libraries={
            "diffusers": "adaptive_projected_guidance_momentum: the buffer holds differences of the model's own output"
        },
        commuting="history projection",
    ),
    Rule(
        "APG (u + w form)",
        apg_from_uncond,
        "diffusers guiders/adaptive_projected_guidance.py normalized_guidance, use_original_formulation=False",
        "x0",
        Twin("eta = 1: CFG", True, {"eta": Fraction(1)}),
        parameters={"w": Fraction(2), "eta": Fraction(0)},
        fewest=2,
        libraries={"diffusers": "the default: at w = 1 it is not the conditional prediction, unless eta = 1"},
        commuting="z-projected APG",
    ),
    Rule(
        "z-projected APG",
        z_projected_apg,
        "derived here, from theorem G2 with z (theorem G10)",
        "any",
        Twin("projected on the prediction itself", False, formula=_on_prediction),
        parameters={"w": Fraction(2), "eta": Fraction(0)},
        sees_z=True,
        elements=3,
    ),
)
