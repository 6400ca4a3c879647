r"""Heun's method on the probability-flow ODE of the VE path.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\kappa`.

References
----------
[Karras22] Karras et al., arXiv:2206.00364, algorithm 1. [Crowson] k-diffusion, ``sampling.py``: ``sample_heun``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def heun(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""Euler to ``t``, then the mean of both slopes [Karras22, algorithm 1; Crowson].

    .. math::
        d = \frac{x - D(x,\sigma_s)}{\sigma_s},\quad \hat x = x + d\,(\sigma_t-\sigma_s),\quad
        \hat d = \frac{\hat x - D(\hat x,\sigma_t)}{\sigma_t},\quad
        x' = x + \tfrac12(d + \hat d)(\sigma_t-\sigma_s)
    """
    now = past[0]
    d = (now.z - now.pred) / now.at.sigma
    dt = t.sigma - now.at.sigma
    ahead = now.z + d * dt
    d_ahead = (ahead - net(ahead, t)) / t.sigma
    return now.z + (d + d_ahead) / 2 * dt


SOLVERS = (
    Solver(
        "heun",
        "x0",
        (Inner(heun),),
        order=2,
        source="arXiv:2206.00364 algorithm 1",
        last=lift(euler_ve),
        state="z/alpha",
        aliases={
            "diffusers": "HeunDiscreteScheduler",
            "k_diffusion": "sample_heun",
            "comfyui": "heun",
        },
    ),
)
