r"""Element by element: the larger prediction, the positive part of the difference, the largest differences.

These rules commute with shifts and with positive scales, and not with the sign: class C. They mean the same in eps, v
and flow, which differ by positive factors, and the same in x0 and score; between the two groups the larger becomes the
smaller. A test of eps against v alone would call them invariant (theorem G3). Their odd neighbours commute.

References
----------
Derived here: the smallest rules of class C. No paper proposes them alone.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def larger(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``u + w*(max(c, u) - u)``."""
    return uncond + w * (xp.maximum(cond, uncond) - uncond)


def positive_part(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``u + w*relu(c - u)``."""
    return uncond + w * xp.maximum(cond - uncond, 0)


def top_signed(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``u + w*d`` where ``d`` reaches its own median, else ``u``."""
    d = cond - uncond
    return uncond + w * (xp.greater_equal(d, xp.quantile(d, Fraction(1, 2))) * d)


def _both_parts(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """``max + min - u`` in place of ``max``: odd."""
    return uncond + w * (xp.maximum(cond, uncond) + xp.minimum(cond, uncond) - 2 * uncond)


def _odd_part(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    d = cond - uncond
    return uncond + w * (xp.maximum(d, 0) - xp.maximum(-d, 0))


def _top_by_size(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    d = cond - uncond
    size = xp.abs(d)
    return uncond + w * (xp.greater_equal(size, xp.quantile(size, Fraction(1, 2))) * d)


SOURCE = "derived here: an example of class C"

RULES = (
    Rule("max", larger, SOURCE, "x0", Twin("max and min", True, formula=_both_parts)),
    Rule("relu", positive_part, SOURCE, "x0", Twin("both parts", True, formula=_odd_part)),
    Rule(
        "signed top-k",
        top_signed,
        SOURCE,
        "x0",
        Twin("by size", True, formula=_top_by_size),
        fewest=2,
        commuting="LEDITS++",
    ),
)
