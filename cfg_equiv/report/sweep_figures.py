"""What fails, as a picture: the latent along a run, from each kind of network, and how far they part; or errors against
the number of steps, where an order is not met."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfg_equiv.report.figures import COLOURS, DASHES
from cfg_equiv.report.lines import MARKERS

Numbers = Sequence[float | None]


def trajectory(trace: Mapping[str, Any]) -> bytes:
    """The picture of a trace as SVG.

    Parameters
    ----------
    trace
        What :func:`cfg_equiv.sweeping.trace.traced_case` gave: ``values`` by kind of network, ``apart``, ``element``.
    """
    values: Mapping[str, Numbers] = trace["values"]
    panels = 2 if len(values) > 1 else 1
    figure = Figure(figsize=(4.9 * panels, 3.4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    widths = [5.0 - 3.0 * k / max(len(values) - 1, 1) for k in range(len(values))]  # one on another still shows
    for k, (name, numbers) in enumerate(values.items()):
        style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)], "marker": MARKERS[k % 7]}
        axes[0].plot(
            _calls(numbers), _gaps(numbers), label=f"{name} network", linewidth=widths[k], markersize=4, **style
        )
    axes[0].set(title=f"the latent, element {trace['element']}", ylabel="value")
    axes[0].legend(frameon=False, fontsize=9)
    if panels == 2:
        apart = _gaps(trace["apart"])
        axes[1].plot(_calls(apart), apart, color=COLOURS[1], marker="o", markersize=4)
        axes[1].set(title="largest difference between the networks", ylabel="difference")
        if all(y > 0 for y in apart if y == y) and len(apart) > 2:
            axes[1].set_yscale("log")
        else:  # none at first, as a rule: the start is shared
            axes[1].set_ylim(bottom=0)
    for axis in axes:
        axis.set_xlabel("network call; the last point is the result")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def convergence(measured: Mapping[str, Any]) -> bytes:
    """Errors against steps as SVG, beside the slope that is claimed.

    Parameters
    ----------
    measured
        ``claimed``, ``steps`` and ``errors`` of a :class:`cfg_equiv.results.CheckRecord`.
    """
    steps, errors, claimed = measured["steps"], measured["errors"], measured["claimed"]
    figure = Figure(figsize=(4.9, 3.4), layout="constrained")
    axis = figure.subplots()
    right = [errors[0] * (steps[0] / n) ** claimed for n in steps]
    axis.loglog(steps, right, color=COLOURS[0], linestyle=DASHES[1], label=f"order {claimed}, as claimed")
    axis.loglog(steps, errors, color=COLOURS[1], marker="o", markersize=5, label="measured")
    axis.set(title="error where the data's scale is reached", xlabel="steps", ylabel="error")
    axis.set_xticks(steps, [str(n) for n in steps])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=9)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _svg(figure: Figure) -> bytes:
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "sweep", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def convergence_caption(measured: Mapping[str, Any]) -> str:
    """The picture of errors in words."""
    pairs = ", ".join(f"{e:.3g} at {n}" for n, e in zip(measured["steps"], measured["errors"], strict=True))
    return f"Error against steps: {pairs}. The broken line falls as order {measured['claimed']} would."


def caption(trace: Mapping[str, Any]) -> str:
    """The picture in words, for those who cannot see it."""
    names = list(trace["values"])
    lost = [name for name, numbers in trace["values"].items() if None in numbers]
    text = f"One element of the latent at each network call and at the end, from {' and '.join(names)} networks"
    text += " that stand for the same denoiser." if len(names) > 1 else "."
    return text + "".join(f" From {name} it does not stay finite." for name in lost)


def _calls(numbers: Sequence[Any]) -> range:
    return range(1, len(numbers) + 1)


def _gaps(numbers: Numbers) -> list[float]:
    return [math.nan if x is None else x for x in numbers]
