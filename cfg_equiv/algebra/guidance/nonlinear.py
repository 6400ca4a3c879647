r"""Post-processing that does not commute with a change of parameterization (theorem Q7). Not smooth, or not linear.

Each rule takes vectors: anything with ``+ - *`` by scalars and whose statistics the namespace ``xp`` knows
(``std``, ``dot``, ``norm``, ``clip``). Which axis they run over is the namespace's business, not the formula's.

References
----------
[Lin23] Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, arXiv:2305.08891, eqs. 14-16.
[Saharia22] Imagen, arXiv:2205.11487, section 2.3 (static thresholding). [Sadat24] APG, arXiv:2410.02416, algorithm 1.
[Fan25] CFG-Zero*, arXiv:2503.18886, section 4.2 (zero-init).
"""

from collections.abc import Callable
from typing import Any


def std_rescale(xp: Any, cond: Any, guided: Any, phi: Any) -> Any:
    r"""CFG rescale [Lin23, eqs. 14-16]: :math:`\phi\, g\,\mathrm{std}(c)/\mathrm{std}(g) + (1-\phi)\,g`.

    The released stable-audio DiT calls ``phi`` ``scale_phi`` and takes the std over channels.
    """
    rescaled = guided * (xp.std(cond) / xp.std(guided))
    return phi * rescaled + (1 - phi) * guided


def static_clip(xp: Any, pred: Any, limit: Any) -> Any:
    r"""Clip to :math:`[-\mathrm{limit}, \mathrm{limit}]`; defined on ``x0`` [Saharia22, section 2.3]."""
    return xp.clip(pred, -limit, limit)


def downweighted(xp: Any, difference: Any, onto: Any, eta: Any) -> Any:
    """The part of a difference along a vector, weighted by ``eta``, and the rest of it whole."""
    parallel = onto * (xp.dot(difference, onto) / xp.dot(onto, onto))
    return difference - parallel + eta * parallel


def capped(xp: Any, difference: Any, radius: Any) -> Any:
    """A difference no longer than ``radius``."""
    return xp.minimum(1, radius / xp.norm(difference)) * difference


def off_latent(xp: Any, z: Any, pred: Any) -> Any:
    """The part of a prediction perpendicular to the latent: what a change of parameterization only scales."""
    return pred - z * (xp.dot(pred, z) / xp.dot(z, z))


def projected_guidance(xp: Any, cond: Any, uncond: Any, w: Any, eta: Any) -> Any:
    r"""APG without threshold or momentum [Sadat24]: :math:`c + (w-1)(d_\perp + \eta\, d_\parallel)`, ``d = c - u``.

    :math:`d_\parallel` is the projection of ``d`` on the prediction ``c`` itself.
    """
    return cond + (w - 1) * downweighted(xp, cond - uncond, cond, eta)


def norm_cap(xp: Any, cond: Any, uncond: Any, w: Any, radius: Any) -> Any:
    r"""APG's norm threshold [Sadat24]: :math:`c + (w-1)\,d\,\min(1, r/\lVert d\rVert)`."""
    return cond + (w - 1) * capped(xp, cond - uncond, radius)


def zero_init(xp: Any, pred: Any) -> Any:
    """The first steps of CFG-Zero* [Fan25]: the prediction is replaced by zero."""
    return 0 * pred


def difference_rule(h: Callable[[Any], Any], cond: Any, uncond: Any) -> Any:
    """``u + H(c - u)``: the shape of every rule that commutes without seeing z (theorem G2), H odd of degree one."""
    return uncond + h(cond - uncond)
