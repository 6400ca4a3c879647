r"""Interpolatory quadrature from its moments: the solution of a Vandermonde system, in closed form.

Weights :math:`w_j` that integrate every polynomial of degree below :math:`n` exactly solve
:math:`\sum_j u_j^k w_j = b_k` for :math:`k < n`, where :math:`b_k` is the integral of :math:`u^k` against the weight
function. With the Lagrange basis :math:`\ell_j(u) = \sum_k a_{jk}u^k` on the nodes the solution is
:math:`w_j = \sum_k a_{jk} b_k`: one product over the other nodes, no elimination and no pivot to choose.
"""

from collections.abc import Sequence
from typing import Any


def quadrature_weights(nodes: Sequence[Any], moments: Sequence[Any]) -> tuple[Any, ...]:
    """The weights on distinct nodes whose moments of order 0, 1, ... are the given ones, as many as nodes."""
    weights = []
    for j, node in enumerate(nodes):
        others = [*nodes[:j], *nodes[j + 1 :]]
        polynomial = _monic(others)
        scale = 1
        for other in others:
            scale = scale * (node - other)
        terms = [a * b for a, b in zip(polynomial, moments, strict=True)]
        weights.append(sum(terms[1:], terms[0]) / scale)
    return tuple(weights)


def _monic(roots: Sequence[Any]) -> list[Any]:
    """The coefficients, constant first, of the monic polynomial with these roots."""
    polynomial: list[Any] = [1]
    for root in roots:
        shifted, scaled = [0, *polynomial], [*(-root * a for a in polynomial), 0]
        polynomial = [a + b for a, b in zip(shifted, scaled, strict=True)]
    return polynomial
