r"""Integrals of the Lagrange basis: the weights of an Adams-Bashforth step on any grid.

For distinct nodes :math:`u_0, \dots, u_{n-1}` and a step from :math:`u_0` to :math:`u_t` the weights are
:math:`w_j = \int_{u_0}^{u_t}\prod_{k\ne j}\frac{u - u_k}{u_j - u_k}\,du`: exact for polynomials of degree below
:math:`n`. The origin is moved to :math:`u_0`, where the moments are :math:`h^{m+1}/(m+1)` with :math:`h = u_t - u_0`
and nothing cancels.
"""

from collections.abc import Sequence
from typing import Any

from cfg_equiv.algebra.moments import quadrature_weights


def lagrange_integrals(nodes: Sequence[Any], end: Any) -> tuple[Any, ...]:
    """The integral of each basis polynomial from the first node to ``end``."""
    h = end - nodes[0]
    moments, power = [], h
    for m in range(len(nodes)):
        moments.append(power / (m + 1))
        power = power * h
    return quadrature_weights([node - nodes[0] for node in nodes], moments)
