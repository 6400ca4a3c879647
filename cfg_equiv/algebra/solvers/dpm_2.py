r"""DPM2: the midpoint rule of the VE path with its node at the geometric mean of the two levels.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\kappa`. The node halves the step in
half-log-SNR, the slope found there is taken over the whole step in sigma. It is not DPM-Solver-2, whose step is
exponential in both stages.

References
----------
[Crowson] k-diffusion, ``sampling.py``: ``sample_dpm_2``. diffusers' ``KDPM2DiscreteScheduler``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def dpm_2(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""Euler to the node, then the node's slope over the step [Crowson, ``sample_dpm_2``].

    .. math::
        d = \frac{x - D(x,\sigma_s)}{\sigma_s},\quad x_2 = x + d\,(\sigma_m - \sigma_s),\quad
        d_2 = \frac{x_2 - D(x_2,\sigma_m)}{\sigma_m},\quad x' = x + d_2\,(\sigma_t - \sigma_s)
    """
    now = past[0]
    d = (now.z - now.pred) / now.at.sigma
    dt_1 = mid.sigma - now.at.sigma
    dt_2 = t.sigma - now.at.sigma
    x_2 = now.z + d * dt_1
    d_2 = (x_2 - net(x_2, mid)) / mid.sigma
    return now.z + d_2 * dt_2


SOLVERS = (
    Solver(
        "dpm_2",
        "x0",
        (Inner(dpm_2, (Fraction(1, 2),)),),
        order=2,
        source="k-diffusion sample_dpm_2",
        last=lift(euler_ve),
        state="z/alpha",
        clock="lam",
        aliases={"diffusers": "KDPM2DiscreteScheduler", "k_diffusion": "sample_dpm_2", "comfyui": "dpm_2"},
    ),
)
