r"""v-diffusion's pseudo Runge-Kutta and pseudo improved Euler: one-step methods on the noise, DDIM as their step.

``PRK`` has its node at the middle of the time of the cosine schedule, which is the bisector of the two angles: VP only.
``PIE`` has no node and holds on any path; in :math:`z/\alpha` it is Heun's method.

v-diffusion's ``plms_sample`` and ``plms2_sample`` start with these steps and put the *averaged* noise into the history
where PNDM puts the first one; that history is not one of network outputs, and they are not in the catalogue.

References
----------
[Crowson] v-diffusion-pytorch, ``diffusion/sampling.py``: ``transfer``, ``prk_step``, ``pie_step``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver


def _transfer(x: Any, eps: Any, s: Point, t: Point) -> Any:
    """``pred = (x - eps*sigma)/alpha``, recombined at ``t`` [Crowson, ``transfer``]."""
    pred = (x - eps * s.sigma) / s.alpha
    return pred * t.alpha + eps * t.sigma


def prk(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    r"""The transfer of :math:`(\epsilon_1 + 2\epsilon_2 + 2\epsilon_3 + \epsilon_4)/6` [Crowson, ``prk_step``]."""
    x, s, eps_1 = past[0].z, past[0].at, past[0].pred
    x_1 = _transfer(x, eps_1, s, mid)
    eps_2 = net(x_1, mid)
    x_2 = _transfer(x, eps_2, s, mid)
    eps_3 = net(x_2, mid)
    x_3 = _transfer(x, eps_3, s, t)
    eps_4 = net(x_3, t)
    eps_prime = (eps_1 + 2 * eps_2 + 2 * eps_3 + eps_4) / 6
    return _transfer(x, eps_prime, s, t)


def pie(xp: Any, past: tuple[Past, ...], t: Point, net: Network) -> Any:
    r"""The transfer of :math:`(\epsilon_1 + \epsilon_2)/2` [Crowson, ``pie_step``]."""
    x, s, eps_1 = past[0].z, past[0].at, past[0].pred
    x_1 = _transfer(x, eps_1, s, t)
    eps_2 = net(x_1, t)
    eps_prime = (eps_1 + eps_2) / 2
    return _transfer(x, eps_prime, s, t)


SOLVERS = (
    Solver(
        "prk",
        "eps",
        (Inner(prk, (Fraction(1, 2),)),),
        order=4,
        source="v-diffusion-pytorch diffusion/sampling.py prk_step",
        path="vp",
        clock="angle",
        aliases={"v_diffusion": "prk_sample"},
    ),
    Solver(
        "pie",
        "eps",
        (Inner(pie),),
        order=2,
        source="v-diffusion-pytorch diffusion/sampling.py pie_step",
        aliases={"v_diffusion": "pie_sample"},
    ),
)
