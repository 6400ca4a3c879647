r"""The second-order family of EDM's ablation sampler, of which Heun's method is the member ``alpha = 1``.

The state is :math:`x = z/\alpha` and the noise level is the time (``schedule='linear'``, ``scaling='none'``): the
points are VE points, ``sigma`` is :math:`\kappa`. The node lies at the fraction :math:`a` of the step in sigma: one
half is the explicit midpoint rule, two thirds Ralston's method.

References
----------
[Karras22] Karras et al., arXiv:2206.00364; the authors' code, NVlabs/edm, ``generate.py``: ``ablation_sampler`` with
    ``solver='heun'`` and ``alpha``. The last step is Euler's.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Inner, Network, Past, Solver, lift


def _second_order(past: tuple[Past, ...], t: Point, net: Network, at: Point, a: Fraction) -> Any:
    r"""One turn of the loop, at the node :math:`t' = \hat t + a h`.

    .. math::
        d = \frac{x - D(x, \sigma_s)}{\sigma_s},\quad x' = x + a h\,d,\quad
        d' = \frac{x' - D(x', t')}{t'},\quad
        x_\mathrm{next} = x + h\Bigl(\bigl(1-\tfrac1{2a}\bigr)d + \tfrac1{2a}d'\Bigr)
    """
    now, top, bottom = past[0], a.numerator, a.denominator
    h = t.sigma - now.at.sigma
    d_cur = (now.z - now.pred) / now.at.sigma
    x_prime = now.z + h * d_cur * top / bottom
    d_prime = (x_prime - net(x_prime, at)) / at.sigma
    return now.z + h * (d_cur - d_cur * bottom / (2 * top) + d_prime * bottom / (2 * top))


def edm_midpoint(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    """``alpha = 1/2``: the explicit midpoint rule in sigma."""
    return _second_order(past, t, net, mid, Fraction(1, 2))


def edm_ralston(xp: Any, past: tuple[Past, ...], t: Point, net: Network, mid: Point) -> Any:
    """``alpha = 2/3``: Ralston's method in sigma."""
    return _second_order(past, t, net, mid, Fraction(2, 3))


SOLVERS = tuple(
    Solver(
        name,
        "x0",
        (Inner(form, (fraction,)),),
        order=2,
        source=f"NVlabs/edm generate.py ablation_sampler, alpha={fraction}",
        last=lift(euler_ve),
        state="z/alpha",
        clock="kappa",
        aliases={"edm": f"ablation_sampler(alpha={fraction})"},
    )
    for name, form, fraction in (
        ("edm_midpoint", edm_midpoint, Fraction(1, 2)),
        ("edm_ralston", edm_ralston, Fraction(2, 3)),
    )
)
