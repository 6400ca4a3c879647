"""Figures from plain data: arrays and numbers in, a :class:`Picture` out. No global plotting state is touched.

Colours are those of Okabe and Ito, told apart by colour-blind readers; every series has its own dash or marker too, so
that the figures survive a grey printer.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

Dash = str | tuple[int, tuple[int, ...]]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Dash, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
DPI = 100
PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # the box behind a number that a line may cross


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with the sentence that stands for it where it cannot be seen."""

    figure: Figure
    caption: str

    def __repr__(self) -> str:
        return self.caption

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
        return out.getvalue()

    def save(self, path: Path) -> None:
        """Write the figure as PNG."""
        path.write_bytes(self._repr_png_())


def _axes(columns: int, width: float, height: float, **options: Any) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False, **options)[0]
    return figure, list(axes)


def _finish(axis: Any, title: str, xlabel: str, ylabel: str) -> None:
    axis.set_title(title, fontsize=11)
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.spines[["top", "right"]].set_visible(False)


def curves(
    x: ArrayLike, panels: Mapping[str, Mapping[str, ArrayLike]], *, xlabel: str, ylabel: str, caption: str
) -> Picture:
    """Positive curves over a shared x, on a logarithmic scale: one panel a title, one line a name."""
    figure, axes = _axes(len(panels), 5.2 * len(panels), 4.0, sharey=True)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        widths = np.linspace(5, 1.5, len(lines))  # the first lines are the widest, so that one on another still shows
        for (name, y), colour, dash, width in zip(lines.items(), COLOURS, DASHES, widths, strict=False):
            axis.plot(x, y, label=name, color=colour, linestyle=dash, linewidth=width)
        axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
        _finish(axis, title, xlabel, ylabel if axis is axes[0] else "")
    return Picture(figure, caption)


def densities(
    x: ArrayLike,
    exact: Mapping[str, ArrayLike],
    simulated: Mapping[str, ArrayLike],
    *,
    background: Mapping[str, ArrayLike],
    xlabel: str,
    caption: str,
) -> Picture:
    """Densities as lines; histograms of simulated samples (same name, same colour) behind; others thin and grey."""
    figure, (axis,) = _axes(1, 8.0, 4.4)
    for (name, y), dash in zip(background.items(), DASHES[1:], strict=False):
        axis.plot(x, y, label=name, color="0.55", linewidth=1.2, linestyle=dash)
    for (name, y), colour, dash in zip(exact.items(), COLOURS, DASHES, strict=False):
        axis.plot(x, y, label=name, color=colour, linewidth=2.2, linestyle=dash)
        if name in simulated:
            axis.hist(np.asarray(simulated[name]), bins=50, density=True, color=colour, alpha=0.25)
    axis.set_xlim(float(np.min(x)), float(np.max(x)))
    axis.legend(frameon=False)
    _finish(axis, "", xlabel, "density")
    return Picture(figure, caption)


def bars(
    sizes: Mapping[str, float], *, lines: Mapping[str, float], groups: Mapping[str, str], xlabel: str, caption: str
) -> Picture:
    """Horizontal bars on a logarithmic scale, the first on top, with labelled vertical lines to compare them with.

    ``groups`` gives each bar the name of its group: one colour and one hatch a group.
    """
    figure, (axis,) = _axes(1, 9.0, 1.3 + 0.36 * len(sizes))
    names, kinds = list(sizes), list(dict.fromkeys(groups.values()))
    for kind, colour, hatch in zip(kinds, COLOURS, ("", "//", "..", "xx"), strict=False):
        rows = [k for k, name in enumerate(names) if groups[name] == kind]
        values = [sizes[names[k]] for k in rows]
        axis.barh(rows, values, color=colour, hatch=hatch, edgecolor="white", label=kind)
        for row, value in zip(rows, values, strict=True):
            axis.text(value * 1.3, row, f"{value:.2g}", va="center", fontsize=9, bbox=PLAIN, zorder=3)
    axis.set_xscale("log")
    low, high = min(sizes.values()), max([*sizes.values(), *lines.values()])
    axis.set_xlim(low / 10, high * 30)
    for text, value in lines.items():
        axis.axvline(value, color="black", linestyle="--", linewidth=1, zorder=1.5)
        axis.text(value, -0.75, text, ha="center", va="bottom", fontsize=9)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.7)
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.35, -0.12), ncols=len(kinds))
    _finish(axis, "", xlabel, "")
    return Picture(figure, caption)


def gallery(images: Mapping[str, ArrayLike], *, columns: int, caption: str) -> Picture:
    """Small images with values in [-1, 1], shaped ``(3, height, width)``, each under its name."""
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.75 * columns, 2.0 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, image) in zip(axes, images.items(), strict=False):
        axis.imshow(np.clip((np.asarray(image).transpose(1, 2, 0) + 1) / 2, 0, 1), interpolation="nearest")
        axis.set_title(name, fontsize=9)
    return Picture(figure, caption)


def maps(
    x: Sequence[float],
    y: Sequence[float],
    panels: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    clabel: str,
    floor: float,
    caption: str,
) -> Picture:
    """Positive values over ``(y, x)`` as logarithmic colour maps with one scale; values below ``floor`` stay white."""
    figure, axes = _axes(len(panels), 4.4 * len(panels), 3.8, sharey=True)
    tables = {title: np.asarray(values, dtype=float) for title, values in panels.items()}
    norm = LogNorm(floor, max(float(values.max()) for values in tables.values()))
    for axis, (title, values) in zip(axes, tables.items(), strict=True):
        mesh = axis.pcolormesh(x, y, np.ma.masked_less(values, floor), norm=norm, cmap="cividis_r", rasterized=True)
        _finish(axis, title, xlabel, ylabel if axis is axes[0] else "")
    figure.colorbar(mesh, ax=axes, label=clabel)
    return Picture(figure, caption)
