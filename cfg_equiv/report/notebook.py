"""Execute a derivation: from its py:percent source to the notebook that is committed beside it.

    python -m cfg_equiv.report.notebook derivations/01_is_cfg_on_v_right.py

The source is the truth, the notebook is what a reader sees on a web page. What depends on the machine that ran it
(timings, kernel, paths) is left out, so that running it again changes only what the results change.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def execute(source: Path, timeout: int = 300) -> Any:
    """The executed and normalised notebook of a py:percent source. An error in a cell is raised."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(source)
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
    return normalised(notebook)


def normalised(notebook: Any) -> Any:
    """The notebook without what depends on the machine or the hour: kernel, timings, cell ids, addresses."""
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "metadata" in output:  # a stream has none
                output["metadata"] = {}
            if "text/plain" in output.get("data", {}):
                output["data"]["text/plain"] = ADDRESS.sub("", output["data"]["text/plain"])
    return notebook


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute each source given and write its notebook beside it."""
    parser = argparse.ArgumentParser(prog="python -m cfg_equiv.report.notebook", description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE.py")
    for source in parser.parse_args(arguments).sources:
        if source.suffix != ".py" or not source.is_file():
            print(f"expected an existing py:percent file, got {source}: give the .py, not the .ipynb", file=sys.stderr)
            return 2
        import nbformat

        notebook = execute(source)
        nbformat.validate(notebook)
        target = source.with_suffix(".ipynb")
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
        print(f"{target}: {len(notebook.cells)} cells, {target.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
