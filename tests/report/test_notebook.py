import copy

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from cfg_equiv.report.notebook import KERNEL, main, normalised


def dirty():
    shown = nbformat.v4.new_output("execute_result", {"text/plain": "<X at 0x7f12ab34cd56>"}, execution_count=1)
    shown.metadata = {"timing": 3}
    printed = nbformat.v4.new_output("stream", name="stdout", text="1")
    cell = nbformat.v4.new_code_cell("x", outputs=[shown, printed], execution_count=1)
    cell.metadata = {"execution": {"iopub.execute_input": "2020-01-01T00:00:00"}}
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("t"), cell],
        metadata={"kernelspec": {"name": "mine", "display_name": "mine"}, "path": "/x"},
    )


def test_a_normalised_notebook_is_valid_and_forgets_the_machine():
    notebook = normalised(dirty())
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"] == KERNEL
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    text = nbformat.writes(notebook)
    assert not [word for word in ("0x7f", "timing", "iopub", "mine", "2020") if word in text]
    assert notebook.cells[1].outputs[0]["data"]["text/plain"] == "<X>"
    assert notebook.cells[1].outputs[1]["text"] == "1"
    assert notebook.cells[1].source == "x"


def test_normalising_again_changes_nothing():
    once = normalised(dirty())
    assert normalised(copy.deepcopy(once)) == once


def test_what_is_not_a_source_is_refused(tmp_path, capsys):
    assert main([str(tmp_path / "a.ipynb")]) == 2
    assert "expected an existing py:percent file, got" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.py")]) == 2


SOURCE = "# %% [markdown]\n# # A title\n\n# %%\nx = 1 + 1\nprint(x)\n\n# %%\nobject()\n"


@pytest.mark.slow
def test_a_source_becomes_an_executed_notebook_beside_it(tmp_path, capsys):
    source = tmp_path / "a.py"
    source.write_text(SOURCE)
    assert main([str(source)]) == 0
    assert "3 cells" in capsys.readouterr().out
    notebook = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    assert notebook.cells[1].outputs[0]["text"] == "2\n"
    assert notebook.cells[2].outputs[0]["data"]["text/plain"] == "<object>"


@pytest.mark.slow
def test_an_error_in_a_cell_is_raised_and_no_notebook_written(tmp_path):
    source = tmp_path / "a.py"
    source.write_text(SOURCE + "\n# %%\nraise ValueError('no')\n")
    with pytest.raises(CellExecutionError, match="raise ValueError"):
        main([str(source)])
    assert not (tmp_path / "a.ipynb").exists()
