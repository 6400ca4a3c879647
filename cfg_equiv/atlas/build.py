"""Compute the atlas and write it, each part as soon as it is known."""

import importlib.util
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.atlas.guidance import guidance
from cfg_equiv.errors import ParameterError, sentence, unknown_name

PARTS = ("samplers", "guidance")
EXTRA = ("jinja2", "matplotlib")  # of the report: without them the records are written, and nothing is drawn

Progress = Callable[[str], object]
Records = dict[str, list[Any]]


class OutputError(OSError):
    """A place where the atlas cannot be written."""


@dataclass(frozen=True)
class Atlas:
    """What was written: the files in the order in which they were, the time it took, and what to know of it."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    seconds: float


def atlas(
    out: Path | str,
    only: Collection[str] = (),
    *,
    solvers: Collection[str] = (),
    rules: Collection[str] = (),
    workers: int = 1,
    progress: Progress = lambda text: None,
) -> Atlas:
    """Write the atlas to a folder: ``samplers.json``, ``guidance.json``, figures as SVG and PNG, and ``index.html``.

    Parameters
    ----------
    out
        The folder. It is made if it does not exist; files of these names in it are replaced.
    only
        ``samplers``, ``guidance`` or both; empty means both.
    solvers, rules
        Entries of the two catalogues; empty means all.
    workers
        Processes for the orders; more than one needs an importable main module.
    progress
        Told what starts, one short text at a time.

    Raises
    ------
    UnknownNameError
        If a part, a solver or a rule does not exist.
    ParameterError
        If ``workers`` is not a positive number.
    OutputError
        If the folder cannot be made or written.
    """
    start = time.perf_counter()
    for kind, names, known in (
        ("part of the atlas", only, PARTS),
        ("solver", solvers, tuple(SOLVERS)),
        ("guidance rule", rules, tuple(RULES)),
    ):
        for name in names:
            if name not in known:
                raise unknown_name(kind, name, known)
    if workers < 1:
        raise ParameterError(sentence("a number of workers above 0", repr(workers), "leave it at 1"))
    folder = _folder(Path(out))
    parts = [part for part in PARTS if not only or part in only]
    computed: dict[str, Records] = {}
    files: list[Path] = []
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    for part in parts:
        records = _samplers(solvers, workers, progress) if part == "samplers" else guidance(rules, progress)
        computed[part] = records
        files.append(_write(folder / f"{part}.json", json.dumps(records, indent=1, ensure_ascii=False).encode()))
    notes = []
    if missing:
        notes.append(
            f"no figures and no page: {', '.join(missing)} not installed; run: pip install 'cfg_equiv[report]'"
        )
    else:
        progress("figures and page")
        files += [_write(folder / name, content) for name, content in _drawn(computed).items()]
    return Atlas(tuple(files), tuple(notes), round(time.perf_counter() - start, 1))


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(sentence("a folder", f"{out}, which is a file", "name another one")) from error
    except OSError as error:
        came = f"{out}, which cannot be made ({error.strerror})"
        raise OutputError(sentence("a folder", came, "name another one")) from error
    return out


def _write(path: Path, content: bytes) -> Path:
    """Write a file whole, or leave the one that was there."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        came = f"{path}, which cannot be written ({error.strerror})"
        raise OutputError(sentence("a folder to write to", came, "name another one")) from error
    return path


def _samplers(names: Collection[str], workers: int, progress: Progress) -> Records:
    # These take time to import, or need torch: the guidance part does without.
    from cfg_equiv.atlas.errors import measured
    from cfg_equiv.atlas.released import released
    from cfg_equiv.atlas.samplers import samplers
    from cfg_equiv.theorems.classes import partition
    from cfg_equiv.theorems.order import difference_order, order_table

    progress("classes")
    classes = partition().classes
    progress("orders")
    orders = order_table(names, lambda name: progress(f"orders {name}"), workers)
    peers = released(names, progress)
    errors = measured(names, progress)
    return samplers(classes, orders, difference_order, peers, errors, progress)


def _drawn(computed: dict[str, Records]) -> dict[str, bytes]:
    """The figures and the page, by file name."""
    from cfg_equiv.report.atlas_figures import drawn, svg
    from cfg_equiv.report.atlas_page import page

    pictures = drawn(computed.get("samplers"), computed.get("guidance"))
    files: dict[str, bytes] = {}
    for name, picture in pictures.items():
        files[f"{name}.svg"] = svg(picture)
        files[f"{name}.png"] = picture._repr_png_()
    texts = {name: (files[f"{name}.svg"], picture.caption) for name, picture in pictures.items()}
    files["index.html"] = page(computed.get("samplers"), computed.get("guidance"), texts).encode()
    return files
