r"""Small dense linear systems by elimination, with ``+ - * /`` alone: exact wherever the numbers are.

The pivots are taken down the diagonal in order, without a choice, since a choice would be a decision on values. Gauss
without exchange needs every leading principal minor to be non-zero. That holds for the systems met here,
:math:`R_{km} = r_m^k` and :math:`C_{mk} = r_m^k/(k+1)!` on distinct nodes :math:`r_m`: each leading minor is a
Vandermonde determinant on the first nodes, up to factorials, and the ``k``-th pivot of ``R`` is
:math:`\prod_{m<k}(r_k - r_m)`. A zero pivot raises where numbers are exact, and gives a non-finite solution where not.
"""

from collections.abc import Sequence
from typing import Any


def solve(matrix: Sequence[Sequence[Any]], rhs: Sequence[Any]) -> tuple[Any, ...]:
    """The solution of ``matrix x = rhs``; a right-hand side of latents gives latents."""
    rows = [[*row, b] for row, b in zip(matrix, rhs, strict=True)]
    for k, pivot in enumerate(rows):
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot[k]
            rows[i] = [a - factor * p for a, p in zip(rows[i], pivot, strict=True)]
    solution: list[Any] = []
    for k in reversed(range(len(rows))):
        known = rows[k][-1]
        for a, x in zip(rows[k][k + 1 : -1], solution, strict=True):
            known = known - a * x
        solution.insert(0, known / rows[k][k])
    return tuple(solution)


def inverse(matrix: Sequence[Sequence[Any]], one: Any) -> tuple[tuple[Any, ...], ...]:
    """The rows of the inverse; ``one`` is the unit of its numbers."""
    n = len(matrix)
    units = [[0 * one] * k + [one] + [0 * one] * (n - 1 - k) for k in range(n)]
    columns = [solve(matrix, unit) for unit in units]
    return tuple(zip(*columns, strict=True))
