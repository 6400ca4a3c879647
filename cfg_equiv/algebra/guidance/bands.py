r"""The part of a vector in the span of orthogonal vectors: what a frequency band, or a level of a pyramid, is.

.. math:: P x = \sum_k \frac{\langle b_k, x\rangle}{\langle b_k, b_k\rangle}\, b_k
"""

from typing import Any


def band(xp: Any, x: Any, basis: Any) -> Any:
    """The part of ``x`` in the span of the orthogonal vectors ``basis``."""
    part = 0 * x
    for b in basis:
        part = part + b * (xp.dot(b, x) / xp.dot(b, b))
    return part
