"""Running a derivation in this process, cell by cell, as Jupyter does."""

import ast
import contextlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import torch

FOLDER = Path(__file__).parents[2] / "derivations"
SOURCES = sorted(FOLDER.glob("[0-9]*.py"))
FIRST = FOLDER / "01_is_cfg_on_v_right.py"
OWN = FOLDER / "05_check_your_own_repository.py"
AGAIN = "run `python -m cfg_equiv.report.notebook {}` again"


@dataclass(frozen=True)
class Run:
    """A source, what its cells show, what they print, and the names they leave behind."""

    path: Path
    shown: list[object]
    printed: str
    names: dict[str, Any]

    def of(self, kind: type) -> list[Any]:
        """What is shown of one type."""
        return [value for value in self.shown if isinstance(value, kind)]


def code(path: Path) -> list[str]:
    """The code cells of a source."""
    return [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def run_cell(source: str, namespace: dict[str, Any]) -> object:
    """Run a cell as Jupyter does; returns what it would show."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    return last and eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)


@cache
def run_source(path: Path) -> Run:
    """Run a source from top to bottom, once, and leave torch as it was."""
    threads, namespace, printed = torch.get_num_threads(), {"__name__": "__main__"}, io.StringIO()
    try:
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(printed):
            shown = [run_cell(cell, namespace) for cell in code(path)]
    finally:
        torch.set_num_threads(threads)
    return Run(path, [value for value in shown if value is not None], printed.getvalue(), namespace)


def notebook_of(path: Path) -> Any:
    """The committed notebook of a source."""
    return nbformat.read(path.with_suffix(".ipynb"), as_version=4)


def outputs_of(path: Path, kind: str) -> list[str]:
    """What the committed notebook shows of one kind, in order; ``stream`` is what it prints."""
    outputs = [output for cell in notebook_of(path).cells for output in cell.get("outputs", [])]
    if kind == "stream":
        return [output.text for output in outputs if output.output_type == "stream"]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]
