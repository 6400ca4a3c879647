r"""Every coefficient of a file of solvers, and the file with one of them changed by a small factor.

A coefficient is an operand of a sum, a factor, a divisor, an argument of a function of the namespace, what is returned
without any of these, or an integer that stands alone. It is multiplied by 65/64, exactly; of a logarithm, whose
exponential must stay rational, the argument is. And every ``alpha`` is taken for ``sigma`` once, every ``sigma`` for
``alpha``: a factor that no step to equal scales can see.
"""

import ast
import builtins
import gc
import importlib
import os
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from cfg_equiv.bench.mutation import ROOT, Mutant

FACTOR = Fraction(65, 64)
PACKAGE = "cfg_equiv.algebra"
FOLDER = ROOT / "algebra"
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
# Numbers that are no coefficients: places in a list, counts, and what an entry declares.
_PLACES = (ast.Subscript, ast.Compare, ast.Dict, ast.JoinedStr)
_OTHER = {"alpha": "sigma", "sigma": "alpha"}
_COUNTS = ("range", "min", "max")


def coefficients(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, str, int | None]]:
    """The coefficients under a node, each by the node that holds it, the field and the place in that field."""
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for k, child in enumerate(children):
            if isinstance(child, ast.expr) and _is_coefficient(node, name, child, inside):
                yield node, name, k if isinstance(value, list) else None
            if isinstance(child, ast.AST) and not _is_place(node, name, child):
                yield from coefficients(child, inside or isinstance(child, ast.FunctionDef))


def _is_place(node: ast.AST, name: str, child: ast.AST) -> bool:
    """Whether what is below is no coefficient."""
    if isinstance(node, ast.FunctionDef):
        return name != "body"
    if isinstance(node, ast.AnnAssign):
        return name == "annotation"
    if isinstance(node, ast.keyword):
        return node.arg in ("order", "strict")
    return _counts(node) or isinstance(child, _PLACES) or _is_zero(child)


def _is_coefficient(node: ast.AST, name: str, child: ast.expr, inside: bool) -> bool:
    if _is_fraction(child):
        return True
    if not inside or _is_fraction(node) or _counts(node):
        return False
    if isinstance(node, ast.Return):
        return not isinstance(child, ast.Tuple | ast.List | ast.ListComp | ast.BinOp)
    if isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC):
        return not _is_zero(child)
    if isinstance(node, ast.Call) and name == "args" and isinstance(node.func, ast.Attribute):
        return isinstance(node.func.value, ast.Name) and node.func.value.id == "xp"
    return isinstance(child, ast.Constant) and type(child.value) is int and child.value != 0


def _counts(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _COUNTS


def _is_fraction(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Fraction", "_F")


def _is_zero(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_zero(node.left) or _is_zero(node.right)
    return isinstance(node, ast.Constant) and node.value == 0


def _statements(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Every simple statement with the function it stands in (``""`` for the module itself)."""

    def walk(body: list[ast.stmt], where: str) -> Iterator[tuple[str, ast.stmt]]:
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                yield from walk(statement.body, f"{where}.{statement.name}".lstrip("."))
            elif isinstance(statement, ast.For | ast.If | ast.While):
                yield from walk([*statement.body, *statement.orelse], where)
            else:
                yield where, statement

    yield from walk(tree.body, "")


class _Site(NamedTuple):
    """Where a coefficient stands: its function, its statement, and the node, field and place that hold it."""

    function: str
    statement: ast.stmt
    holder: ast.AST
    name: str
    k: int | None
    exchange: bool

    @property
    def expression(self) -> ast.expr:
        value = getattr(self.holder, self.name)
        found: ast.expr = value if self.k is None else value[self.k]
        return found

    def put(self, expression: ast.expr) -> None:
        if self.k is None:
            setattr(self.holder, self.name, expression)
        else:
            getattr(self.holder, self.name)[self.k] = expression

    def change(self) -> ast.expr:
        """Put the call around the coefficient, or the other scale in its place; return what stood there."""
        old = self.expression
        new: ast.expr = ast.Call(ast.Name("__scaled__", ast.Load()), [old], [])
        if self.exchange and isinstance(old, ast.Attribute):
            new = ast.Attribute(old.value, _OTHER[old.attr], ast.Load())
        self.put(ast.copy_location(new, old))
        return old


def _sites(tree: ast.Module) -> list[_Site]:
    """The factors, then the exchanges."""
    return [
        _Site(where, statement, *place, exchange)
        for exchange in (False, True)
        for where, statement in _statements(tree)
        for place in (scales(statement) if exchange else coefficients(statement, bool(where)))
    ]


def scales(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every ``alpha`` and ``sigma`` of a point under a node."""
    for name, value in ast.iter_fields(node):
        for k, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.Attribute) and child.attr in _OTHER:
                yield node, name, k if isinstance(value, list) else None
            if isinstance(child, ast.AST):
                yield from scales(child)


def module_of(family: str) -> ModuleType:
    """The family's module."""
    inner = f"solvers.{family}"
    return importlib.import_module(f"{PACKAGE}.{inner if (FOLDER / 'solvers' / f'{family}.py').exists() else family}")


def family_of(module: str) -> str:
    """The family of a module, by its name or file."""
    name = module.removeprefix(f"{PACKAGE}.").removeprefix(f"{FOLDER}{os.sep}").removesuffix(".py").replace(os.sep, ".")
    return name.removeprefix("solvers.")


def families() -> list[str]:
    """The files of solvers, of the first-order samplers, of those with noise, and what all share: names below."""
    folders = ("solvers", "samplers", "stochastic")
    found = {folder: sorted(path.stem for path in (FOLDER / folder).glob("*.py")) for folder in folders}
    return [
        *(name for name in found["solvers"] if name not in ("__init__", "record")),
        *(f"samplers.{name}" for name in found["samplers"] if name != "__init__"),
        *(f"stochastic.{name}" for name in found["stochastic"] if name not in ("__init__", "record")),
        *("lagrange", "linear", "moments", "nodes", "points"),
    ]


def source(family: str) -> str:
    """The text of a family's file."""
    return Path(str(module_of(family).__file__)).read_text(encoding="utf-8")


def sites(family: str) -> list[Mutant]:
    """Every change of a family: ``before`` is the coefficient, ``after`` its statement with it marked or exchanged."""
    module, found = module_of(family).__name__, []
    for index, site in enumerate(_sites(ast.parse(source(family)))):
        old = site.change()
        before, after = ast.unparse(old), ast.unparse(site.statement).replace("__scaled__", "SCALED")
        site.put(old)
        found.append(Mutant(module, site.function, site.statement.lineno, before, after, index))
    return found


class Scale:
    """What stands around the coefficient: it multiplies, and remembers whether it could."""

    def __init__(self, done: bool = False) -> None:
        self.called = self.scaled = done

    def __call__(self, value: Any) -> Any:
        """The value times the factor, as far as it is a number."""
        self.called = True
        if hasattr(value, "ratio"):  # a logarithm at a rational point
            self.scaled = True
            return type(value)(value.ratio * FACTOR)
        if isinstance(value, bool | list | tuple | str) or value is None:
            return value
        self.scaled = True
        if isinstance(value, float) or hasattr(value, "dtype"):
            return value * float(FACTOR)
        return value * FACTOR


def install(mutant: Mutant, rebuild: bool) -> Scale:
    """Put the mutant in the place of the family's functions, in this process; or build its entries anew with it."""
    family = family_of(mutant.module)
    module, text = module_of(family), source(family)
    tree = ast.parse(text)
    site = _sites(tree)[mutant.index]
    site.change()
    ast.fix_missing_locations(tree)
    old, new = (compile(t, str(module.__file__), "exec") for t in (text, tree))
    scale = Scale(site.exchange)
    vars(builtins)["__scaled__"] = scale  # the name in the mutant; no module has one of its own
    if rebuild:
        _rebuild(new, module)
        return scale
    changed = {_place(a): b for a, b in _pairs(old, new) if a != b}
    for function in live(str(module.__file__)):
        function.__code__ = changed.get(_place(function.__code__), function.__code__)
    return scale


@cache
def live(file: str) -> list[FunctionType]:
    """The functions of a file that exist, closures included; found once, since that takes a while."""
    found = (one for one in gc.get_objects() if type(one) is FunctionType)
    return [one for one in found if one.__code__.co_filename == file]


def _rebuild(code: CodeType, module: ModuleType) -> None:
    from cfg_equiv.algebra.solvers import SOLVERS
    from cfg_equiv.algebra.stochastic import STOCHASTIC

    namespace: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, namespace)
    for solver in namespace.get("SOLVERS", ()):
        for field in fields(solver):
            if field.name != "ends":
                object.__setattr__(SOLVERS[solver.name], field.name, getattr(solver, field.name))
    for entry in namespace.get("STOCHASTIC", ()):
        for field in fields(entry):
            object.__setattr__(STOCHASTIC[entry.name], field.name, getattr(entry, field.name))


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield old, new
    for a, b in zip(old.co_consts, new.co_consts, strict=False):
        if isinstance(a, CodeType) and isinstance(b, CodeType):
            yield from _pairs(a, b)
