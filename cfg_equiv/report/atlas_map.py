"""The classes of solvers as a map: a card a class, its members on it, and the libraries that ship them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath

from cfg_equiv.report.figures import Picture

KINDS = ("first order", "multistep", "several evaluations", "predictor-corrector", "CFG++")
OF_KIND = dict(zip(KINDS, ("#0072B2", "#009E73", "#D55E00", "#A8518A", "#7A5C00"), strict=True))
COLUMNS, WIDTH, LINE, PAD, GAP = 4, 4.4, 0.17, 0.09, 0.16  # of cards; the lengths in inches
SIZE, SMALL = 8.4, 7.0  # of the fonts, in points
ALONE = 58  # characters a line, of those without a class

Record = Mapping[str, Any]


def shown(library: str) -> str:
    """A library's name as people write it."""
    return library.replace("_", "-") if library in ("k_diffusion", "stable_audio_tools") else library


def libraries(record: Record) -> dict[str, bool]:
    """The libraries a solver is in, and whether their code was run and agrees."""
    agree = {one["configuration"].split()[0].replace("-", "_") for one in record["peers"] if one["status"] == "agrees"}
    return {name: name in agree for name in dict.fromkeys([*record["aliases"], *sorted(agree)])}


def cards(samplers: Sequence[Record], classes: Sequence[Sequence[str]]) -> tuple[list[list[Record]], list[Record]]:
    """The members of every class with two or more, by kind, then the largest first; and the ones that are alone."""
    of = {record["name"]: record for record in samplers}
    groups = [[of[name] for name in group if name in of] for group in classes]
    many = sorted((group for group in groups if len(group) > 1), key=lambda g: (_kind(g), -len(g), g[0]["name"]))
    return many, [group[0] for group in groups if len(group) == 1]


def _kind(group: Sequence[Record]) -> int:
    return KINDS.index(group[0]["kind"])


def class_map(samplers: Sequence[Record], classes: Sequence[Sequence[str]]) -> Picture:
    """The map. Its records are those of ``samplers.json``."""
    many, alone = cards(samplers, classes)
    blocks = [(_heading(group), OF_KIND[group[0]["kind"]], [_line(one) for one in group]) for group in many]
    for kind in KINDS:
        names = [one["name"] for one in alone if one["kind"] == kind]
        if names:
            lines: list[tuple[str, dict[str, bool]]] = [
                (text, {}) for text in textwrap.wrap(", ".join(names), ALONE, break_on_hyphens=False)
            ]
            blocks.append((f"{kind}, alone in their class: {len(names)}", OF_KIND[kind], lines))
    columns = _columns([len(lines) for _, _, lines in blocks])
    height = max(sum(_height(len(blocks[k][2])) + GAP for k in column) for column in columns) + 1.0
    figure = Figure(figsize=(COLUMNS * (WIDTH + GAP) + GAP, height))
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, COLUMNS * (WIDTH + GAP) + GAP), ylim=(0, height))
    axis.set_axis_off()
    _title(axis, height, len(samplers), len(classes))
    for c, column in enumerate(columns):
        top = height - 0.85
        for k in column:
            _card(axis, GAP + c * (WIDTH + GAP), top, *blocks[k])
            top -= _height(len(blocks[k][2])) + GAP
    sizes = ", ".join(f"{group[0]['name']} with {len(group)}" for group in sorted(many, key=len, reverse=True)[:3])
    caption = (
        f"{len(samplers)} deterministic solvers are {len(classes)} maps; the largest classes: {sizes or 'none'}. "
        "Each card is one class, proved."
    )
    return Picture(figure, caption)


def _columns(lengths: Sequence[int]) -> list[list[int]]:
    """Cards in reading order, a new column where the current one is as long as its share of the rest."""
    columns: list[list[int]] = [[]]
    rest, used = sum(map(_height, lengths)) + GAP * len(lengths), 0.0
    for k, length in enumerate(lengths):
        size = _height(length) + GAP
        free = COLUMNS - len(columns) + 1
        if used and used + size / 2 > rest / free and free > 1:
            columns.append([])
            rest, used = rest - used, 0.0
        columns[-1].append(k)
        used += size
    return columns


def _height(lines: int) -> float:
    return (lines + 1) * LINE + 2 * PAD + 0.05


def _heading(group: Sequence[Record]) -> str:
    orders = sorted({one["claimed_order"] for one in group})
    claims = f"claimed order {' and '.join(map(str, orders))}"
    return f"{group[0]['kind']}, {claims}: {len(group)} names, one map"


def _line(record: Record) -> tuple[str, dict[str, bool]]:
    return record["name"], libraries(record)


def _title(axis: Any, height: float, names: int, maps: int) -> None:
    axis.text(GAP, height - 0.32, f"{names} names, {maps} maps", fontsize=17, weight="bold", va="center")
    text = (
        "A card is a class: the same step at any levels and with any history, proved. On the right, libraries that "
        "have it; bold: their code was run and agrees."
    )
    axis.text(GAP, height - 0.62, text, fontsize=10, va="center", color="0.25")


def _card(
    axis: Any, left: float, top: float, title: str, colour: str, lines: Sequence[tuple[str, dict[str, bool]]]
) -> None:
    tall = _height(len(lines))
    box = FancyBboxPatch(
        (left, top - tall),
        WIDTH,
        tall,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=f"{colour}12",
        edgecolor=colour,
        linewidth=1.1,
    )
    axis.add_patch(box)
    y = top - PAD - LINE / 2
    axis.text(left + PAD, y, title, fontsize=SIZE, weight="bold", color=colour, va="center")
    for name, where in lines:
        y -= LINE
        axis.text(left + PAD, y - 0.03, name, fontsize=SIZE - 0.5, family="DejaVu Sans Mono", va="center", color="0.1")
        right = left + WIDTH - PAD
        for library, run in reversed(where.items()):
            text = shown(library)
            weight = "bold" if run else "normal"
            axis.text(right, y - 0.03, text, fontsize=SMALL, weight=weight, ha="right", va="center", color="0.25")
            right -= _width(text, weight) + 0.08


def _width(text: str, weight: str) -> float:
    """How wide a library's name is, in inches."""
    font = FontProperties(weight=weight, size=SMALL)
    return float(TextPath((0, 0), text, prop=font).get_extents().width) / 72
