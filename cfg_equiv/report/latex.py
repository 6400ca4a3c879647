r"""Shipped formulas as LaTeX, printed by running them on SymPy symbols: what is read is what is computed.

A :class:`Formula` is shown as mathematics by Jupyter and GitHub, and as its LaTeX source elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy


@dataclass(frozen=True)
class Formula:
    """Lines ``left = right`` of LaTeX, aligned at the equality sign."""

    lines: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        if len(self.lines) == 1:
            left, right = self.lines[0]
            return f"{left} = {right}" if left else right
        rows = r" \\ ".join(f"{left} &= {right}" for left, right in self.lines)
        return rf"\begin{{aligned}} {rows} \end{{aligned}}"

    __repr__ = __str__

    def __add__(self, other: "Formula") -> "Formula":
        return Formula(self.lines + other.lines)

    def _repr_latex_(self) -> str:
        return f"$$ {self} $$"


def formula(left: str, call: Callable[[], Any], *, as_written: bool = True) -> Formula:
    """What ``call`` computes on SymPy symbols, as ``left = ...``.

    ``as_written`` keeps every operation of the source; without it SymPy cancels zeros and ones and merges powers, but
    neither expands nor factors.
    """
    with sympy.evaluate(not as_written):
        value = call()
    return expression(left, value)


def expression(left: str, value: Any) -> Formula:
    """A SymPy expression, or a number, as ``left = ...``, its terms in SymPy's internal order."""
    return Formula(((left, sympy.latex(sympy.sympify(value, evaluate=False), order="none")),))
