r"""From data to noise: the steps that invert a deterministic sampler. Run on a grid of rising noise.

v-diffusion calls the network where the latent is, at ``s``: its step is the sampler's own with ``s`` and ``t`` in the
other order. So are the steps of diffusers' ``DPMSolverMultistepInverseScheduler``, whose update functions are copies
of the forward scheduler's. ``DDIMInverseScheduler`` is another map: its caller asks the network about the latent at
``s`` under the time of ``t``, the point to be reached, and the scheduler reads the answer with the scales of ``s``. A
noise, data or v prediction of one denoiser at one place are then no longer readings of each other, so the three
branches of that scheduler are three maps; and as the latent is not of the level that the network is told, they depend
on the path and not on the signal-to-noise ratios alone. The path of the scheduler is VP.

References
----------
[Crowson] v-diffusion-pytorch, ``diffusion/sampling.py``: ``reverse_sample``. [diffusers] ``DDIMInverseScheduler.step``
    and its use in ``StableDiffusionDiffEditPipeline.invert``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def v_reverse(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""``pred = x*alpha - v*sigma``, ``eps = x*sigma + v*alpha``, recombined at ``t`` [Crowson]; VP only."""
    now = past[0]
    pred = now.z * now.at.alpha - now.pred * now.at.sigma
    eps = now.z * now.at.sigma + now.pred * now.at.alpha
    return pred * t.alpha + eps * t.sigma


def ddim_inverse_eps(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""With :math:`\epsilon = \epsilon(z_s, t)` [diffusers, ``prediction_type="epsilon"``].

    .. math:: z' = \alpha_t\frac{z - \sigma_s\epsilon}{\alpha_s} + \sigma_t\epsilon
    """
    s, z = past[0].at, past[0].z
    pred_epsilon = net(z, t)
    pred_original_sample = (z - s.sigma * pred_epsilon) / s.alpha
    return t.alpha * pred_original_sample + t.sigma * pred_epsilon


def ddim_inverse_x0(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""With :math:`x_0 = x_0(z_s, t)` and :math:`\epsilon = (z-\alpha_s x_0)/\sigma_s` [diffusers, ``"sample"``].

    At its first step the scheduler's :math:`\sigma_s` is 0, and the quotient is not defined.
    """
    s, z = past[0].at, past[0].z
    pred_original_sample = net(z, t)
    pred_epsilon = (z - s.alpha * pred_original_sample) / s.sigma
    return t.alpha * pred_original_sample + t.sigma * pred_epsilon


def ddim_inverse_v(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""With :math:`v = v(z_s, t)` read at ``s`` [diffusers, ``"v_prediction"``]; VP only.

    .. math:: z' = \alpha_t(\alpha_s z - \sigma_s v) + \sigma_t(\alpha_s v + \sigma_s z)
    """
    s, z = past[0].at, past[0].z
    v = net(z, t)
    pred_original_sample = s.alpha * z - s.sigma * v
    pred_epsilon = s.alpha * v + s.sigma * z
    return t.alpha * pred_original_sample + t.sigma * pred_epsilon


SOLVERS = (
    Solver(
        "v_reverse",
        "v",
        (v_reverse,),
        order=1,
        source="v-diffusion-pytorch diffusion/sampling.py, reverse_sample",
        path="vp",
    ),
    Solver(
        "ddim_inverse_eps",
        "eps",
        (Inner(ddim_inverse_eps),),
        order=1,
        source="diffusers DDIMInverseScheduler.step, epsilon",
        path="vp",
        aliases={"diffusers": "DDIMInverseScheduler(prediction_type='epsilon', clip_sample=False)"},
    ),
    Solver(
        "ddim_inverse_x0",
        "x0",
        (Inner(ddim_inverse_x0),),
        order=1,
        source="diffusers DDIMInverseScheduler.step, sample",
        path="vp",
        aliases={"diffusers": "DDIMInverseScheduler(prediction_type='sample', clip_sample=False)"},
    ),
    Solver(
        "ddim_inverse_v",
        "v",
        (Inner(ddim_inverse_v),),
        order=1,
        source="diffusers DDIMInverseScheduler.step, v_prediction",
        path="vp",
        aliases={"diffusers": "DDIMInverseScheduler(prediction_type='v_prediction', clip_sample=False)"},
    ),
)
