"""Mutations: change every operator, sign and integer of the algebra, one at a time, and see whether anything turns red.

Each mutant lives in a forked child: the code object of the shipped function is replaced there, so every module that
imported the function runs the mutant. The child proves the theorems that execute the function, runs the exact grid,
then the test suite with the ``mutation`` profile, and stops at the first thing that fails.

Run ``python -m cfg_equiv.bench.mutation`` in a checkout. It exits with 1 if fewer than 95 % are killed.
"""

import argparse
import ast
import contextlib
import copy
import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SWAPS: dict[type[ast.AST], Callable[[], ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LtE: ast.Lt,
    ast.Lt: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
}
DEMANDED = 0.95


@dataclass(frozen=True)
class Mutant:
    """One change: the module, the function, the line, what stands there and what replaces it."""

    module: str
    function: str
    line: int
    before: str
    after: str
    index: int

    def __str__(self) -> str:
        return f"{self.module.removeprefix('cfg_equiv.')}:{self.line} {self.function}: {self.before}  ->  {self.after}"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: ``theorem Q3``, ``grid``, ``pytest``, or ``survived``."""

    mutant: Mutant
    killer: str
    seconds: float


def changes(node: ast.AST) -> Iterator[Callable[[], None]]:
    """The mutations of one node, each as a function that makes it in place."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield lambda: setattr(node, "op", SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    elif isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            if type(operator) in SWAPS:
                yield partial(node.ops.__setitem__, k, SWAPS[type(operator)]())
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield partial(setattr, node, "value", node.value + 1)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method of a module, by qualified name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{sub.name}", sub) for sub in node.body if isinstance(sub, ast.FunctionDef))


def mutants(module: str) -> list[tuple[Mutant, ast.Module]]:
    """Every mutant of a module, with its syntax tree."""
    path = ROOT.parent / Path(*module.split(".")).with_suffix(".py")
    if not path.exists():
        path = ROOT.parent / Path(*module.split(".")) / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[tuple[Mutant, ast.Module]] = []
    for name, function in functions(tree):
        for position, node in enumerate(ast.walk(function)):
            for k in range(sum(1 for _ in changes(node))):
                changed = copy.deepcopy(tree)
                target = list(ast.walk(dict(functions(changed))[name]))[position]
                before = ast.unparse(target)
                list(changes(target))[k]()
                line = getattr(node, "lineno", function.lineno)
                found.append((Mutant(module, name, line, before, ast.unparse(target), len(found)), changed))
    return found


def modules() -> list[str]:
    """The modules of the algebra."""
    paths = sorted((ROOT / "algebra").rglob("*.py"))
    names = (".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in paths)
    return [name.removesuffix(".__init__") for name in names]


def install(mutant: Mutant, tree: ast.Module) -> None:
    """Replace the code (and defaults) of the shipped function by the mutant's, in this process."""
    module = importlib.import_module(mutant.module)
    target: Any = module
    for part in mutant.function.split("."):
        target = target.__dict__[part] if isinstance(target, type) else getattr(target, part)
    target = getattr(target, "fget", target)
    namespace: dict[str, Any] = {"__name__": mutant.module, "__file__": module.__file__}
    exec(compile(tree, str(module.__file__), "exec"), namespace)
    changed: Any = namespace
    for part in mutant.function.split("."):
        changed = changed[part] if isinstance(changed, dict) else changed.__dict__[part]
    changed = getattr(changed, "fget", changed)
    _replace(target, changed)


def _replace(target: FunctionType, changed: FunctionType) -> None:
    code: CodeType = changed.__code__
    target.__code__ = code
    target.__defaults__ = changed.__defaults__


def killer(mutant: Mutant, executed: dict[str, set[str]], tests: list[str]) -> str:
    """What turns red first, in this process, with the mutant installed."""
    from cfg_equiv.theorems import THEOREMS, prove
    from cfg_equiv.theorems.grid import run_grid

    name = f"{mutant.module.removeprefix('cfg_equiv.')}.{mutant.function}"
    # A theorem that does not execute the function cannot notice its mutant; Q6, the long one, comes last.
    for theorem in sorted((t for t in THEOREMS if name in executed[t.id]), key=lambda theorem: theorem.id == "Q6"):
        try:
            if not prove(theorem).holds:
                return f"theorem {theorem.id}"
        except Exception as error:  # a mutant may break anything in any way: all of it is red
            return f"theorem {theorem.id} ({type(error).__name__})"
    try:
        if run_grid().failed:
            return "grid"
    except Exception as error:  # as above
        return f"grid ({type(error).__name__})"
    import pytest

    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    return "survived" if status == 0 else "pytest"


def run_one(mutant: Mutant, tree: ast.Module, executed: dict[str, set[str]], tests: list[str], limit: float) -> Outcome:
    """Fork, install, find the killer. A child that does not end in time is killed, and so counts as red."""
    start = time.perf_counter()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            install(mutant, tree)
            text = killer(mutant, executed, tests)
        except BaseException as error:  # the child must report and end, whatever happened
            text = f"error {type(error).__name__}"
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        done = _wait(child, start + limit)
        text = pipe.read().decode() if done else "timeout"
    return Outcome(mutant, text or "crash", round(time.perf_counter() - start, 1))


def _wait(child: int, deadline: float) -> bool:
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.perf_counter() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return False
        time.sleep(0.02)
    return True


def main() -> int:
    """Run the mutations and print the table; the survivors last, one a line."""
    parser = argparse.ArgumentParser(description="Change every operator, sign and integer of the algebra.")
    parser.add_argument("--module", action="append", help="only this module, e.g. cfg_equiv.algebra.convert")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=float, default=600, help="seconds for one mutant")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="what pytest runs when the theorems stay green")
    options = parser.parse_args()
    # Imported once, before the forks, so that a mutant costs its checks and not their imports.
    import torch

    from cfg_equiv.theorems import THEOREMS, grid, prove

    torch.set_num_threads(1)
    grid.run_grid()
    executed = {theorem.id: set(prove(theorem).calls) for theorem in THEOREMS}
    work = [pair for name in options.module or modules() for pair in mutants(name)]
    outcomes: list[Outcome] = []

    def one(pair: tuple[Mutant, ast.Module]) -> Outcome:
        return run_one(*pair, executed, options.tests, options.limit)

    with ThreadPoolExecutor(options.jobs) as pool:
        for k, outcome in enumerate(pool.map(one, work), 1):
            outcomes.append(outcome)
            print(f"[{k}/{len(work)}] {outcome.killer:24} {outcome.seconds:6.1f} s  {outcome.mutant}", file=sys.stderr)
    return report(outcomes, options.json)


def report(outcomes: list[Outcome], target: Path | None) -> int:
    """Print killed per killer and the survivors; exit status 1 below the demanded share."""
    survivors = [outcome for outcome in outcomes if outcome.killer == "survived"]
    killed = len(outcomes) - len(survivors)
    by_verify = sum(outcome.killer.startswith(("theorem", "grid")) for outcome in outcomes)
    share = killed / max(len(outcomes), 1)
    print(f"{len(outcomes)} mutants, {killed} killed ({share:.1%}), {by_verify} of them by verify")
    for outcome in survivors:
        print(f"survived: {outcome.mutant}")
    if target is not None:
        target.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1), encoding="utf-8")
    return 0 if killed >= DEMANDED * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
