r"""Any conversion between two parameterizations as a formula: LaTeX to read, torch code to paste.

Both are printed from the shipped conversion, run on SymPy symbols, and simplified by the relation of the path: VP
:math:`\alpha^2+\sigma^2=1`, VE :math:`\alpha=1`, flow :math:`\alpha=1-\sigma`. The velocity of a path obeys the
derivative of its relation. A simplification only ever replaces an expression by an equal one on the path.
"""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import sympy
from sympy.printing.pycode import PythonCodePrinter

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.errors import ParameterError, sentence, unknown_name

PATHS = ("any", "vp", "ve", "flow")
# How a prediction is written, in LaTeX and as a Python name.
_LATEX = {
    "eps": r"\epsilon",
    "x0": "x_0",
    "v": "v",
    "score": "s",
    "flow": "u",
    "reversed_flow": r"\bar{u}",
    "velocity": r"\dot{z}",
    "F": "F",
    "k_diffusion_v": r"F_{k}",
    "z_minus_denoised": "d",
}
_ALPHA, _SIGMA, _DATA, _R = sympy.symbols("alpha sigma sigma_data R", positive=True)
_DALPHA, _DSIGMA, _Z = sympy.symbols("dalpha dsigma z", real=True)
_WRITTEN = {_DATA: r"\sigma_d", _DALPHA: r"\dot{\alpha}", _DSIGMA: r"\dot{\sigma}"}
_ON_PATH: dict[str, dict[Any, Any]] = {
    "any": {},
    "vp": {_DALPHA: -_SIGMA * _DSIGMA / _ALPHA},
    "ve": {_ALPHA: sympy.Integer(1), _DALPHA: sympy.Integer(0)},
    "flow": {_DALPHA: -_DSIGMA},
}
_RELATION = {"vp": _ALPHA**2 + _SIGMA**2 - 1, "flow": _ALPHA + _SIGMA - 1}  # zero on the path
_ORDERS = ((_SIGMA, _ALPHA, _R), (_ALPHA, _SIGMA, _R), (_R, _SIGMA, _ALPHA))  # which symbol goes first


@dataclass(frozen=True)
class ConversionFormula:
    """A conversion on a path: its LaTeX, the source of a torch function, and the factors that it divides by."""

    source: str
    target: str
    path: str
    latex: str
    torch: str
    divides_by: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON's types."""
        return asdict(self)

    def __str__(self) -> str:
        limits = f"\n# needs {', '.join(f'{factor} != 0' for factor in self.divides_by)}" if self.divides_by else ""
        return f"{self.latex}\n\n{self.torch}{limits}"


def formula(
    source: str, target: str, *, path: str = "any", sigma_data: int | float | Fraction | None = None
) -> ConversionFormula:
    """The prediction ``target`` from the latent and the prediction ``source``, simplified for a path.

    Parameters
    ----------
    source, target
        Names of parameterizations.
    path
        ``any``, ``vp``, ``ve`` or ``flow``.
    sigma_data
        The deviation of the data in the rows ``F`` and ``k_diffusion_v``, a positive number; ``None``: a symbol.

    Raises
    ------
    UnknownNameError
        If one of the three is not a known name.
    ParameterError
        If ``sigma_data`` is given and not finite and positive, or neither row takes it.
    """
    for kind, name in (("source parameterization", source), ("target parameterization", target)):
        if name not in PARAMETERIZATIONS:
            raise unknown_name(kind, name, PARAMETERIZATIONS)
    if path not in PATHS:
        raise unknown_name("path", path, PATHS)
    data = _deviation(sigma_data, (source, target))
    pred = sympy.Symbol(source, real=True)
    expression = _shortest(_weights(source, target, path, pred, data), pred)
    names = {pred: _LATEX[source], **_WRITTEN}
    latex = f"{_LATEX[target]} = {sympy.latex(expression, symbol_names=names)}"
    divisors = sympy.Mul.make_args(sympy.factor(sympy.denom(sympy.together(expression))))
    limits = tuple(sorted({str(factor.as_base_exp()[0]) for factor in divisors if not _positive(factor)}))
    return ConversionFormula(source, target, path, latex, _code(source, target, path, expression), limits)


def _positive(factor: Any) -> bool:
    """Whether a factor is positive on all of a path, ends included: the root, and the data's deviation."""
    return bool(factor.subs({_ALPHA: 0}).is_positive and factor.subs({_SIGMA: 0}).is_positive)


class _Roots:
    """The namespace of the rows: a root is one symbol, its radicand kept beside."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.radicand: Any = None

    def sqrt(self, x: Any) -> Any:
        """The symbol of the only root there is."""
        self.radicand = _reduced(sympy.expand(x), self.path, ())
        return _R


def _deviation(value: Any, names: tuple[str, ...]) -> Any:
    """The deviation of the data as SymPy takes it: as the decimal it was written as, or its symbol."""
    if value is None:
        return _DATA
    if not any("sigma_data" in PARAMETERIZATIONS[name].needs for name in names):
        taking = [name for name, p in PARAMETERIZATIONS.items() if "sigma_data" in p.needs]
        raise ParameterError(sentence(f"sigma_data only with {' or '.join(taking)}", "other rows", "leave it out"))
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not 0 < value < float("inf"):
        raise ParameterError(sentence("sigma_data to be finite and positive", repr(value), "pass for instance 0.5"))
    return sympy.Rational(str(value))


def _weights(source: str, target: str, path: str, pred: Any, data: Any) -> tuple[Any, Any]:
    """The coefficients of the prediction and of ``z``, each as short as the path makes it."""
    on_path = _ON_PATH[path]
    at = Point(_ALPHA.subs(on_path), _SIGMA)
    given = {"sigma_data": data, "dalpha": _DALPHA.subs(on_path), "dsigma": _DSIGMA}
    xp = _Roots(path)
    value = sympy.expand(to_space(xp, _Z, pred, at, source, target, **given))
    squares = () if xp.radicand is None else (_R**2 - xp.radicand,)
    parts = (value.coeff(pred).subs(_Z, 0), value.coeff(_Z).subs(pred, 0))
    first, second = (_reduced(sympy.together(part), path, squares) for part in parts)
    root = _R if xp.radicand is None else sympy.sqrt(xp.radicand)
    return first.subs(_R, root), second.subs(_R, root)


def _reduced(value: Any, path: str, squares: tuple[Any, ...]) -> Any:
    """The shortest of the equal fractions that the relations of the path and of the root lead to."""
    found = [sympy.factor(sympy.cancel(value))]
    on_path = (*squares, _RELATION[path]) if path in _RELATION else squares
    bases = [
        sympy.groebner(relations, *order, _DATA, _DALPHA, _DSIGMA, order="lex")
        for relations, order in itertools.product({squares, on_path} - {()}, _ORDERS)
    ]
    for basis in bases:  # the whole fraction, and factor by factor
        numerator, denominator = (_remainder(basis, part) for part in sympy.fraction(found[0]))
        found.append(sympy.factor(sympy.cancel(numerator / denominator)))
    pairs = [factor.as_base_exp() for factor in sympy.Mul.make_args(found[0])]
    shortest = [min([base, *(_remainder(basis, base) for basis in bases)], key=_length) for base, _ in pairs]
    product = sympy.Mul(*(base**power for base, (_, power) in zip(shortest, pairs, strict=True)))
    return min([*found, product], key=_length)


def _remainder(basis: Any, value: Any) -> Any:
    return sympy.expand(basis.reduce(sympy.expand(value))[1])


def _shortest(weights: tuple[Any, Any], pred: Any) -> Any:
    first, second = weights
    flat = first * pred + second * _Z
    fraction = sympy.together(flat)
    return min((flat, fraction), key=_length)


def _length(value: Any) -> tuple[int, int]:
    return int(sympy.count_ops(value)), len(str(value))


class _Torch(PythonCodePrinter):  # type: ignore[misc]
    """Plain arithmetic, and ``torch.sqrt`` for a root."""

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if expr.exp == sympy.S.Half:
            return f"torch.sqrt({self._print(expr.base)})"
        if expr.exp == -sympy.S.Half:
            return f"1/torch.sqrt({self._print(expr.base)})"
        return str(super()._print_Pow(expr, rational=rational))


def _code(source: str, target: str, path: str, expression: Any) -> str:
    where = "on any path" if path == "any" else f"on the {path} path"
    arguments = ["z", source, *_arguments(expression.free_symbols)]
    return (
        f"def {target}_from_{source}({', '.join(arguments)}):\n"
        f'    """{target} from {source} {where}; z, {source} and the levels are tensors."""\n'
        f"    return {_Torch().doprint(expression)}"
    )


def _arguments(symbols: Iterable[Any]) -> list[str]:
    return [str(x) for x in (_ALPHA, _SIGMA, _DALPHA, _DSIGMA, _DATA) if x in symbols]
