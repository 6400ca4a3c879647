"""Vectors of two elements as arrows, and what a guidance rule makes of them in several spaces as points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cfg_equiv.errors import MismatchError, sentence
from cfg_equiv.report.figures import COLOURS, PLAIN, Picture

Point2 = tuple[float, float]
MARKERS = ("o", "s", "^", "D", "v")
ARROWS = ("0.45", "#000000", "#A8518A", "#7A5C00")  # none of them an answer's


@dataclass(frozen=True)
class Plane:
    """One picture: ``arrows`` from the origin by name, ``answers`` by space, and a dashed ``line`` through two arrows.

    Raises
    ------
    MismatchError
        If a vector has not two elements, or the line goes through an arrow that is not there.
    """

    arrows: Mapping[str, Point2]
    answers: Mapping[str, Point2]
    line: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        for name, vector in {**self.arrows, **self.answers}.items():
            if len(vector) != 2:
                raise MismatchError(
                    sentence(f"{name} to have 2 elements", str(len(vector)), "draw a case of the plane")
                )
        missing = [name for name in self.line or () if name not in self.arrows]
        if missing:
            raise MismatchError(
                sentence(f"a line through two of {', '.join(self.arrows)}", repr(missing[0]), "name one")
            )


def planes(panels: Mapping[str, Plane], *, columns: int, caption: str) -> Picture:
    """A panel a title. Answers that lie on each other show as one marker in another, arrows as one with two names."""
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.7 * columns, 3.6 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, one) in zip(axes, panels.items(), strict=False):
        _frame(axis, title, one)
        if one.line is not None:
            first, second = (one.arrows[name] for name in one.line)
            handles[f"through {' and '.join(one.line)}"] = _through(axis, first, second)
        for tip in dict.fromkeys(one.arrows.values()):
            names = [name for name, other in one.arrows.items() if other == tip]
            _arrow(axis, names, tip, ARROWS[list(one.arrows).index(names[0]) % len(ARROWS)])
        for k, (space, (x, y)) in enumerate(one.answers.items()):
            style = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "markersize": 14 - 4 * k}
            (drawn,) = axis.plot([x], [y], linestyle="", fillstyle="none", markeredgewidth=2.4, zorder=4, **style)
            handles[f"answer in {space}"] = drawn
    figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside lower center", ncols=len(handles))
    return Picture(figure, caption)


def _frame(axis: Any, title: str, one: Plane) -> None:
    """A square that holds every vector and the origin, with room for the names."""
    points = np.array([(0.0, 0.0), *one.arrows.values(), *one.answers.values()], dtype=float)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, 0.7 * (high - low).max() or 1
    axis.set_xlim(middle[0] - half, middle[0] + half)
    axis.set_ylim(middle[1] - half, middle[1] + half)
    axis.set_aspect("equal")
    axis.axhline(0, color="0.85", linewidth=1, zorder=0)
    axis.axvline(0, color="0.85", linewidth=1, zorder=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(title, fontsize=11)


def _through(axis: Any, first: Point2, second: Point2) -> Any:
    if first == second:
        raise MismatchError(sentence("a line through two arrows that differ", f"{first} twice", "leave the line out"))
    return axis.axline(first, second, color="0.6", linestyle="--", linewidth=1.2, zorder=1)


def _arrow(axis: Any, names: Sequence[str], tip: Point2, colour: str) -> None:
    length = float(np.hypot(*tip))
    if length == 0:
        axis.plot([0], [0], ".", color=colour, markersize=9, zorder=3)
        text, away = f"{', '.join(names)} = 0", np.array((26.0, -10.0))
    else:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        axis.annotate("", tip, (0, 0), arrowprops=arrow, zorder=3)
        text, away = ", ".join(names), 15 * np.array(tip) / length
    where = {"xytext": tuple(away), "textcoords": "offset points", "ha": "center", "va": "center"}
    axis.annotate(text, tip, color=colour, fontsize=10, bbox=PLAIN, zorder=2, **where)
