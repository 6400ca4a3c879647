r"""A leading coefficient in print: in derivatives of what the network says, as text and in LaTeX.

``X`` is what the denoiser says along the exact solution, ``eps`` what the noise prediction says; primes are derivatives
by half-log-SNR; ``D_y``, ``D_yy``, ``eps_y`` are the network's derivatives by :math:`y = z/\alpha` along it. On the VE
path the proof has :math:`\kappa_s = 1`; the power of ``kappa`` that a term has elsewhere follows from the latent's
unit, in which ``X`` and ``y`` are of degree 1, the i-th derivative of ``D`` by ``y`` of degree :math:`1 - i`, that of
``eps`` of degree :math:`-i`.
"""

from typing import Any

from sympy import Add, Expr, Mul, Symbol, factor, latex

from cfg_equiv.exact.coefficients import Quotient
from cfg_equiv.theorems.jet_model import Basis, Model

_LETTERS = {"data": ("X", "D"), "noise": ("eps", "eps")}
_LATEX = {"data": ("X", "D"), "noise": (r"\epsilon", r"\epsilon")}
_PRIMES = 3  # derivatives written with primes


def _order_of_jet(name: str) -> tuple[int, int] | None:
    """``a1_2`` as ``(1, 2)``; None for other generators."""
    i, _, n = name[1:].partition("_")
    return (int(i), int(n)) if name[0] == "a" and n else None


def _name(name: str, basis: Basis, tex: bool) -> str:
    """A generator as it is printed."""
    if (found := _order_of_jet(name)) is None:
        if not tex or name in ("y", "t"):
            return name
        return r"\kappa" if name == "kappa" else f"{name[0]}_{{{name[1:]}}}"
    i, n = found
    letter = (_LATEX if tex else _LETTERS)[basis][min(i, 1)]
    below = ("_{" + "y" * i + "}" if tex else "_" + "y" * i) if i else ""
    if n <= _PRIMES:
        return letter + below + "'" * n
    return f"{letter}{below}^{{({n})}}" if tex else f"{letter}{below}^({n})"


def _degree(powers: dict[str, int], basis: Basis) -> int:
    """The degree of a product in the unit of the latent."""
    top = 1 if basis == "data" else 0
    total = powers.get("y", 0)
    for name, power in powers.items():
        if found := _order_of_jet(name):
            total += (top - found[0]) * power
    return total


def _collected(coefficient: Quotient, model: Model) -> list[tuple[Expr, Expr]]:
    """The products of the network's derivatives, each with its factored coefficient."""
    kappa = Symbol("kappa", positive=True)
    found: dict[Expr, Expr] = {}
    for powers, c in coefficient.monomials():
        own = {name: power for name, power in powers.items() if _order_of_jet(name) or name == "y"}
        rest = {name: power for name, power in powers.items() if name not in own}
        key = Mul(*(Symbol(name) ** power for name, power in own.items()))
        if model.path == "any" and not model.scale:
            key = key * kappa ** (1 - _degree(own, model.basis))
        found[key] = found.get(key, 0) + c.as_expr() * Mul(*(Symbol(name) ** power for name, power in rest.items()))
    return [(key, factor(value)) for key, value in found.items()]


def _printed(coefficient: Quotient, model: Model, tex: bool) -> tuple[str, bool]:
    """The coefficient in print, and whether it is a sum."""
    terms = _collected(coefficient, model)
    names = {
        symbol: Symbol(_name(str(symbol), model.basis, tex)) for key, value in terms for symbol in _free(key, value)
    }
    written = [(value * key).xreplace(names) for key, value in terms]
    expression: Any = Add(*written)
    if tex:
        plain = {symbol: str(symbol) for symbol in expression.free_symbols}
        return latex(expression, symbol_names=plain), len(written) > 1
    return str(expression), len(written) > 1


def _free(*expressions: Expr) -> set[Any]:
    return set().union(*(expression.free_symbols for expression in expressions))


def text_term(coefficient: Quotient, power: int, model: Model) -> str:
    """``-X''/12 * h^3``."""
    text, is_sum = _printed(coefficient, model, tex=False)
    return f"({text}) * h^{power}" if is_sum else f"{text} * h^{power}"


def latex_term(coefficient: Quotient, power: int, model: Model) -> str:
    r"""``- \frac{X''}{12} h^{3}``."""
    text, is_sum = _printed(coefficient, model, tex=True)
    return rf"\left({text}\right) h^{{{power}}}" if is_sum else rf"{text}\, h^{{{power}}}"
