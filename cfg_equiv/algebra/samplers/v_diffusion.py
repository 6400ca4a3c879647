r"""One turn of the v-diffusion sampling loop of stable-audio-tools.

References
----------
[SAT] stable-audio-tools, ``inference/sampling.py``, ``sample``; the loop of v-diffusion-pytorch. VP cosine path.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def v_diffusion(xp: Any, x: Any, v: Any, s: Point, t: Point, noise: Any, eta: Any) -> Any:
    r"""``pred = x*alpha - v*sigma``, ``eps = x*sigma + v*alpha``, then both recombined at ``t`` [SAT]; VP only."""
    pred = x * s.alpha - v * s.sigma
    eps = x * s.sigma + v * s.alpha
    ddim_sigma = (
        eta * xp.sqrt(t.sigma * t.sigma / (s.sigma * s.sigma)) * xp.sqrt(1 - s.alpha * s.alpha / (t.alpha * t.alpha))
    )
    adjusted_sigma = xp.sqrt(t.sigma * t.sigma - ddim_sigma * ddim_sigma)
    return pred * t.alpha + eps * adjusted_sigma + noise * ddim_sigma
