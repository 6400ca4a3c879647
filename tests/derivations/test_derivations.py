"""The derivations: the source runs, the notebook is what it made, and both keep to what a reader is promised."""

import ast
import re
from fractions import Fraction

import jupytext
import nbformat
import pytest
import torch

from cfg_equiv.report.figures import Picture
from cfg_equiv.report.markdown import Checked, Verdicts
from cfg_equiv.rounding import BoundMode, assert_within
from tests.derivations.running import AGAIN, FIRST, code, notebook_of, outputs_of

MOST_LINES, MOST_BYTES = 12, 1_000_000
LEAKS = re.compile(r"(?<![\w.])/(?:home|root|tmp|usr|opt|work|Users|private|mnt)/|\\\\Users\\\\| at 0x[0-9a-f]{6}")


def test_the_source_runs_and_every_theorem_it_shows_holds(ran):
    results = [result for value in ran.of(Verdicts) for result in value.results]
    assert results or ran.of(Checked), f"{ran.path.name} shows no theorem and no check"
    assert [result.id for result in results if not result.holds] == []
    for picture in ran.of(Picture):
        assert picture._repr_png_().startswith(b"\x89PNG")


def verdict_lines(text: str) -> list[str]:
    """The outcome and the statement of each theorem in a text of verdicts; the twins' numbers are left out."""
    return [line for line in text.splitlines() if re.match(r"\*\*\w+: |\$\$ ", line)]


def test_the_notebook_shows_the_verdicts_of_this_run(ran):
    now = [line for value in ran.of(Verdicts) for line in verdict_lines(str(value))]
    then = [line for text in outputs_of(ran.path, "text/markdown") for line in verdict_lines(text)]
    assert then == now, AGAIN.format(f"derivations/{ran.path.name}")


def status_lines(text: str) -> list[str]:
    """What failed, by subject and check, out of a text of reports; sizes and numbers of examples are left out."""
    return [line for line in text.splitlines() if re.match(r"(FAILED|ERROR|expected) ", line)]


def test_the_notebook_shows_the_checks_of_this_run(ran):
    now = [line for value in ran.of(Checked) for line in status_lines(str(value))]
    then = [line for text in outputs_of(ran.path, "text/markdown") for line in status_lines(text)]
    assert then == now, AGAIN.format(f"derivations/{ran.path.name}")


def without_numbers(text: str) -> str:
    return re.sub(r"[-+]?\d[\d.e+-]*", "#", text)


def test_the_notebook_prints_what_this_run_prints(ran):
    then = "".join(outputs_of(ran.path, "stream"))
    assert without_numbers(then) == without_numbers(ran.printed), AGAIN.format(f"derivations/{ran.path.name}")
    assert without_numbers("off by 1.5e-07, or -2") == "off by #, or #"


def cells_of(notebook) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_the_notebook_has_exactly_the_cells_of_the_source(source):
    assert cells_of(notebook_of(source)) == cells_of(jupytext.read(source)), AGAIN.format(f"derivations/{source.name}")


def faults(notebook) -> list[str]:
    """What is wrong with the outputs of an executed notebook."""
    found = []
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        if cell.execution_count != number + 1:
            found.append(f"cell {number} was not run in order")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} raised {output.ename}")
            if output.get("name") == "stderr":
                found.append(f"cell {number} wrote to stderr")
    return found


def test_the_notebook_was_run_from_top_to_bottom_without_an_error(source):
    notebook = notebook_of(source)
    assert faults(notebook) == []
    assert outputs_of(source, "image/png")


def test_a_failed_run_is_noticed():
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    stream = nbformat.v4.new_output("stream", name="stderr", text="warning")
    bad = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[error, stream])])
    assert faults(bad) == ["cell 0 was not run in order", "cell 0 raised ValueError", "cell 0 wrote to stderr"]


def test_the_notebook_is_small_and_says_nothing_of_the_machine_that_ran_it(source):
    path = source.with_suffix(".ipynb")
    notebook = notebook_of(source)
    assert path.stat().st_size < MOST_BYTES
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell.metadata == {} for cell in notebook.cells)
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert LEAKS.findall(text) == []
    assert LEAKS.search('"/home/someone/cfg"')
    assert LEAKS.search("<object at 0x7f00aa11bb22>")
    assert not LEAKS.search("derivations/work/x and alpha/sigma")


def too_long(cells: list[str]) -> list[str]:
    return [cell.splitlines()[0] for cell in cells if len(cell.splitlines()) > MOST_LINES]


def test_no_code_cell_is_too_long_to_read_at_once(source):
    assert too_long(code(source)) == []
    assert too_long(["x = 1\n" * MOST_LINES, "y = 1\n" * (MOST_LINES + 1)]) == ["y = 1"]


def bad_mathematics(text: str) -> list[str]:
    r"""What the web page of a repository does not show: ``\operatorname``, and ``<`` or ``>`` without spaces."""
    formulas = re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, re.DOTALL)
    return [one for pair in formulas for one in pair if re.search(r"\\operatorname|\\mathop|\S[<>]|[<>]\S|\\def", one)]


def test_the_mathematics_shows_on_the_web(source):
    for cell in notebook_of(source).cells:
        texts = [cell.source] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", []):
            texts += [output.get("data", {}).get(kind, "") for kind in ("text/markdown", "text/latex")]
        assert [bad for text in texts for bad in bad_mathematics(text)] == []
    assert bad_mathematics(r"$a<b$ $$\operatorname{x}$$ $a < b$") == ["a<b", r"\operatorname{x}"]


def test_the_source_says_how_its_notebook_is_made(source):
    top = "\n".join(source.read_text(encoding="utf-8").splitlines()[:20])
    assert f"python -m cfg_equiv.report.notebook derivations/{source.name}" in top


# The lines to paste into a thread


def plain_torch() -> str:
    (cell,) = [cell for cell in jupytext.read(FIRST).cells if cell.metadata.get("title") == "plain torch"]
    return cell.source


def claim_holds(cell: str) -> None:
    """The three steps of the cell differ by no more than their own rounding, and the levels being off the circle.

    0.6 and 0.8 are not exact in binary: a^2 + s^2 misses one, and the v forms are that factor too large (theorem S2).
    """
    namespace: dict = {"__name__": "pasted"}
    with torch.random.fork_rng(devices=[]), BoundMode() as mode:
        exec(compile(cell, "<pasted>", "exec"), namespace)
        first, *others = namespace["steps"]
        errors = [mode.error(step) for step in namespace["steps"]]
    circle = abs(Fraction(namespace["a"]) ** 2 + Fraction(namespace["s"]) ** 2 - 1)
    for step, error in zip(others, errors[1:], strict=True):
        bound = errors[0] + error + float(circle) * (step.abs() + error)
        assert bound.isfinite().all()
        assert_within(step, first, bound)
    reported = namespace["differences"]
    assert reported == [(step - first).abs().max().item() for step in others]


def test_the_lines_to_paste_are_ten_and_need_torch_alone():
    cell = plain_torch()
    assert len([line for line in cell.splitlines() if line.strip()]) <= 10
    imported = [node for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imported] == ["import torch"]


def test_the_lines_to_paste_run_alone_and_what_they_print_is_true(capsys):
    claim_holds(plain_torch())
    printed = capsys.readouterr().out
    assert re.fullmatch(r"DDIM step up to 12\.1; from x0 against eps, v: differences up to \[[^,]+, [^,]+\]\n", printed)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("u + w * (c - u)", "c + w * u"),  # weights that do not sum to one
        ("a * e_u - s * x_u", "a * e_u + s * x_u"),  # another v
        ("s2 * (s * z + a * v)]", "s2 * (s * z - a * v)]"),  # another sampler
        ("(z - a * x_u) / s ", "(z + 1e-9 - a * x_u) / s "),  # another latent in one branch
    ],
)
def test_the_lines_to_paste_could_have_failed(right, wrong):
    cell = plain_torch()
    assert right in cell
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        claim_holds(cell.replace(right, wrong))
