"""Figures of the atlas from its records: order claimed and proved, error against evaluations, the guidance matrix."""

import io
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from cfg_equiv.report.atlas_map import KINDS, class_map
from cfg_equiv.report.figures import COLOURS, DASHES, Picture

GRIDS = {"any_ratio": "any ratio of steps", "uniform": "uniform in log-SNR", "smooth_grid": "smooth schedule"}
MARKS = {"any_ratio": ("o", COLOURS[0]), "uniform": ("s", COLOURS[4]), "smooth_grid": ("^", COLOURS[2])}
CLASSES = {
    "A": ("linear, weights sum to one: the same in every space", "#BFE3D3"),
    "B": ("not plain CFG, but the same in every space", "#BBD9EE"),
    "C": ("the same where the sign of the prediction is the same", "#F6E3A1"),
    "D": ("depends on the space", "#F2B48C"),
    "E": ("depends on the space through another level", "#E3A8C5"),
    "F": ("a gradient: each space needs its own scale", "#C9C9C9"),
}
NAMES = {"x0": "$x_0$", "eps": r"$\epsilon$", "flow": "flow", "v": "$v$", "score": "score"}

Record = Mapping[str, Any]


def svg(picture: Picture) -> bytes:
    """The figure as SVG, the same bytes for the same records: no date, no random identifiers, letters as paths."""
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "cfg_equiv", "svg.fonttype": "path"}):
        picture.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def drawn(samplers: Mapping[str, Any] | None, guidance: Mapping[str, Any] | None) -> dict[str, Picture]:
    """All figures of the records that are there, by file name: those of ``samplers.json`` and ``guidance.json``."""
    pictures: dict[str, Picture] = {}
    if samplers is not None:
        pictures["classes"] = class_map(samplers["samplers"], samplers["classes"])
        pictures["orders"] = order_figure(samplers["samplers"])
        if any(record.get("errors") for record in samplers["samplers"]):
            pictures["errors"] = error_figure(samplers["samplers"])
    if guidance is not None:
        pictures["guidance"] = matrix_figure(guidance["guidance"])
    return pictures


def order_figure(samplers: Sequence[Record]) -> Picture:
    """How often each order is claimed and proved, for three kinds of grid; and the classes in which they differ."""
    differ = misnamed(samplers)
    figure = Figure(figsize=(13.5, max(4.6, 1.6 + 0.21 * len(differ))), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 2.1))
    left, right = halves
    panels = left.subplots(3, 1, sharex=True)
    for axis, (grid, title) in zip(panels, GRIDS.items(), strict=True):
        _counted(axis, samplers, grid, title)
    panels[-1].set_xlabel("proved order")
    _dumbbells(right.subplots(), differ)
    off = sum(_off(record) for record in samplers)
    caption = (
        f"Of {len(samplers)} solvers {off} have another order than their source claims on at least one kind of grid."
    )
    return Picture(figure, caption)


def _off(record: Record) -> bool:
    return any(order != record["claimed_order"] for order in record["proved_order"].values())


def misnamed(samplers: Sequence[Record]) -> dict[str, Record]:
    """One record a class, claim and orders, by a label that counts the others: those whose orders are not the claim."""
    groups: dict[Any, list[Record]] = {}
    for record in samplers:
        if _off(record):
            key = (record["class"], record["claimed_order"], tuple(record["proved_order"].values()))
            groups.setdefault(key, []).append(record)
    rows = sorted(groups.values(), key=lambda group: (group[0]["claimed_order"], _worst(group[0]), group[0]["name"]))
    return {f"{group[0]['name']}{f' and {len(group) - 1} more' if len(group) > 1 else ''}": group[0] for group in rows}


def _worst(record: Record) -> int:
    return min(int(order) - int(record["claimed_order"]) for order in record["proved_order"].values())


def _counted(axis: Any, samplers: Sequence[Record], grid: str, title: str) -> None:
    found = Counter((record["proved_order"][grid], record["claimed_order"]) for record in samplers)
    low, high = min(0, *(p for p, _ in found)), max(5, *(p for p, _ in found))
    axis.plot((0.4, 5.6), (0.4, 5.6), color="0.75", linewidth=10, solid_capstyle="round", zorder=0)
    for (proved, claimed), count in found.items():
        colour = COLOURS[2] if proved == claimed else COLOURS[1] if proved < claimed else COLOURS[0]
        axis.scatter(proved, claimed, s=90 + 9 * count, color=colour, edgecolor="white", zorder=2)
        axis.text(proved, claimed, str(count), ha="center", va="center", fontsize=8, color="white", weight="bold")
    axis.set_xlim(low - 0.6, high + 0.6)
    axis.set_ylim(0.3, 5.7)
    axis.set_xticks(range(low, high + 1))
    axis.set_yticks(range(1, 6))
    axis.set_title(title, fontsize=10)
    axis.set_ylabel("claimed order")
    axis.spines[["top", "right"]].set_visible(False)


def _dumbbells(axis: Any, rows: Mapping[str, Record]) -> None:
    shifts = {"any_ratio": -0.22, "uniform": 0.0, "smooth_grid": 0.22}
    for y, record in enumerate(rows.values()):
        orders, claim = record["proved_order"], record["claimed_order"]
        axis.plot((min(claim, *orders.values()), max(claim, *orders.values())), (y, y), color="0.8", zorder=0)
        axis.plot(claim, y, marker="o", markersize=11, fillstyle="none", color="black", zorder=1)
        for grid, (mark, colour) in MARKS.items():
            axis.plot(orders[grid], y + shifts[grid], marker=mark, markersize=4.5, color=colour, zorder=2)
    axis.set_yticks(range(len(rows)), list(rows), fontsize=8, family="DejaVu Sans Mono")
    axis.set_ylim(len(rows) - 0.4, -0.8)
    axis.set_xlabel("order")
    axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title("where claim and proof differ, a row a class" if rows else "claim and proof agree", fontsize=10)
    marks = [Line2D([], [], marker="o", markersize=11, fillstyle="none", color="black", linestyle="", label="claimed")]
    marks += [
        Line2D([], [], marker=mark, color=colour, linestyle="", label=GRIDS[grid])
        for grid, (mark, colour) in MARKS.items()
    ]
    axis.legend(handles=marks, frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.03))


def error_figure(samplers: Sequence[Record]) -> Picture:
    """Error against network evaluations of the records with ``errors``, a panel a kind; first order in all of them."""
    measured = [record for record in samplers if record.get("errors")]
    kinds = [kind for kind in KINDS if any(record["kind"] == kind for record in measured)]
    base = [record for record in measured if record["kind"] == KINDS[0]]
    panels = [kind for kind in kinds if kind != KINDS[0]] or kinds
    figure = Figure(figsize=(1.2 + 4.6 * len(panels), 4.8), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, kind in zip(axes, panels, strict=True):
        lines = [record for record in measured if record["kind"] == kind and record not in base]
        for record in base:
            _errors(axis, record, color="0.6", linewidth=6, alpha=0.6)
        for k, (record, width) in enumerate(zip(lines, np.linspace(4, 1.4, len(lines)), strict=True)):
            look = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}
            _errors(axis, record, marker=".", linewidth=width, **look)  # the first are the widest: all of them show
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_title(kind, fontsize=11)
        axis.set_xlabel("network evaluations")
        axis.xaxis.set_major_formatter(mpl.ticker.ScalarFormatter())
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=8, loc="lower left")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(r"error of $z/\alpha$, root mean square")
    return Picture(
        figure,
        f"Error of {len(measured)} solvers on a Gaussian mixture whose exact trajectories are known, from a cold "
        "start, against the network calls they made.",
    )


def _errors(axis: Any, record: Record, **look: Any) -> None:
    axis.plot(record["errors"]["evaluations"], record["errors"]["rms"], label=record["name"], **look)


def matrix_figure(rules: Sequence[Record]) -> Picture:
    """Rules against pairs of spaces: the class's letter where the rule means two things, empty where it means one."""
    columns = list(dict.fromkeys(pair for rule in rules for pair in rule["pairs"]))
    plain = [(letter, [rule["name"] for rule in rules if rule["class"] == letter]) for letter in "AB"]
    blocks = [(letter, names) for letter, names in plain if names]
    rows = [rule for rule in rules if not rule["commutes"]]
    texts = {letter: textwrap.wrap(", ".join(names), 145, break_on_hyphens=False) for letter, names in blocks}
    tall = sum(0.5 * (len(lines) + 1) for lines in texts.values())
    height = 0.27 * (len(rows) + tall + 7.5)
    figure = Figure(figsize=(12.0, height), layout="constrained")
    axis = figure.subplots()
    y = 0.0
    for letter, names in blocks:
        deep = 0.5 * (len(texts[letter]) + 1) + 0.3
        _block(axis, letter, names, texts[letter], y, deep, len(columns))
        y += deep + 0.25
    ticks = {}
    for rule in rows:
        _row(axis, rule, columns, y)
        ticks[y + 0.5] = rule["name"]
        y += 1
    axis.set_xlim(0, len(columns) + 0.02)
    axis.set_ylim(max(y, 1), 0)
    axis.set_yticks(list(ticks), list(ticks.values()), fontsize=9)
    axis.set_xticks([k + 0.5 for k in range(len(columns))], [_pair(pair) for pair in columns], fontsize=10)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    right = axis.secondary_yaxis("right")
    right.set_yticks(list(ticks), [_space(rule["authors_space"]) for rule in rows], fontsize=9)
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
    axis.text(len(columns) + 0.1, -0.15, "authors'\nspace", fontsize=9, va="bottom")
    axis.spines[:].set_visible(False)
    used = [letter for letter in CLASSES if any(rule["class"] == letter for rule in rules)]
    marks = [Patch(facecolor=CLASSES[k][1], edgecolor="0.4", label=f"{k}: {CLASSES[k][0]}") for k in used]
    marks.append(Patch(facecolor="white", edgecolor="0.75", label="empty: the same in these two spaces"))
    figure.legend(handles=marks, frameon=False, fontsize=9, ncols=2, loc="outside lower center")
    figure.suptitle("Does a guidance rule mean the same in two spaces?", fontsize=15, weight="bold")
    same = sum(bool(rule["commutes"]) for rule in rules)
    return Picture(
        figure,
        f"{same} of {len(rules)} guidance rules mean the same in every space. A letter: the rule gives another "
        "prediction in one space of the pair than in the other, shown by exact numbers.",
    )


def _pair(pair: str) -> str:
    first, second = pair.split()
    return f"{_space(first)}\n{_space(second)}"


def _space(name: str) -> str:
    return NAMES.get(name, name)


def _block(
    axis: Any, letter: str, names: Sequence[str], lines: Sequence[str], y: float, deep: float, width: int
) -> None:
    axis.add_patch(Rectangle((0, y), width, deep, facecolor=CLASSES[letter][1], edgecolor="white"))
    text = f"{letter}, the same in all pairs: {len(names)} rules\n" + "\n".join(lines)
    axis.text(0.12, y + deep / 2, text, fontsize=8.5, va="center", linespacing=1.25)


def _row(axis: Any, rule: Record, columns: Sequence[str], y: float) -> None:
    for x, pair in enumerate(columns):
        same = rule["pairs"][pair]["same"]
        colour = "white" if same else CLASSES[rule["class"]][1]
        axis.add_patch(Rectangle((x + 0.04, y + 0.06), 0.92, 0.88, facecolor=colour, edgecolor="0.85", linewidth=0.8))
        if not same:
            axis.text(x + 0.5, y + 0.52, rule["class"], ha="center", va="center", fontsize=9, weight="bold")
