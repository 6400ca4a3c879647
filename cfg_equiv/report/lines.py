"""Lines that each have an x of their own: trajectories, and errors against the number of steps."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from cfg_equiv.report.figures import COLOURS, DASHES, Picture

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
Line = tuple[ArrayLike, ArrayLike]
Scale = Literal["linear", "log"]


def lines(
    panels: Mapping[str, Mapping[str, Line]],
    *,
    xlabel: str,
    ylabel: str,
    caption: str,
    guides: Mapping[str, Line] | None = None,
    scale: tuple[Scale, Scale] = ("linear", "linear"),
    stacked: tuple[str, ...] = (),
) -> Picture:
    """One panel a title, one line a name, each ``(x, y)``; columns of a two-dimensional y are drawn alike.

    A name has one colour, dash and marker in all panels.

    Parameters
    ----------
    guides
        Thin grey lines behind those of every panel, to compare with.
    scale
        Of x and of y. On a logarithmic x the ticks are the values of x.
    stacked
        Titles of panels whose first lines are drawn widest, so that one that lies on another still shows.
    """
    count = len(panels)
    figure = Figure(figsize=(max(3.4, 10.4 / count) * count, 4.6), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False, sharey=True)[0]
    names = dict.fromkeys(name for series in panels.values() for name in series)
    styles = dict(zip(names, zip(COLOURS, DASHES, MARKERS, strict=True), strict=False))
    handles: dict[str, Any] = {}
    for axis, (title, series) in zip(axes, panels.items(), strict=True):
        for (name, (x, y)), dash in zip((guides or {}).items(), DASHES[1:], strict=False):
            handles[name] = axis.plot(x, y, color="0.6", linewidth=1, linestyle=dash, zorder=1)[0]
        widths = np.linspace(7, 1.5, len(series)) if title in stacked else np.full(len(series), 1.8)
        for (name, (x, y)), width in zip(series.items(), widths, strict=True):
            colour, dash, marker = styles[name]
            drawn = axis.plot(x, y, color=colour, linestyle=dash, linewidth=width, marker=marker, markersize=3.5)
            handles[name] = drawn[0]
        axis.set(title=title, xlabel=xlabel, xscale=scale[0], yscale=scale[1])
        if scale[0] == "log":
            ticks = sorted({float(value) for x, _ in series.values() for value in np.asarray(x)})
            axis.set_xticks(ticks, [f"{value:g}" for value in ticks], fontsize=8)
            axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(ylabel)
    if scale[1] == "log":
        low, high = axes[0].get_ylim()
        axes[0].yaxis.set_major_formatter("{x:g}")
        axes[0].yaxis.set_minor_formatter("{x:g}" if high < 50 * low else NullFormatter())
    figure.legend(
        handles.values(),
        handles.keys(),
        frameon=False,
        fontsize=9,
        loc="outside lower center",
        ncols=min(len(handles), 4),
    )
    return Picture(figure, caption)
