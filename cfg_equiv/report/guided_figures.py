"""Figures of what guidance did to samples, from :mod:`cfg_equiv.guided.record` alone."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cfg_equiv.errors import unknown_name
from cfg_equiv.guided.record import GuidedSamples, VarianceRun
from cfg_equiv.report.figures import COLOURS, DASHES, Picture, bars

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
QUANTITIES = {
    "mean": "mean (0: all data, 1: class)",
    "spread": "spread (1: class)",
    "probability": "probability of the class",
}


def guided_curves(found: GuidedSamples, rules: Sequence[str]) -> Picture:
    """Mean, spread and class probability against the weight: a column a rule, a line a space.

    Raises
    ------
    UnknownNameError
        If a rule is not among those that ran.
    """
    by_name = {rule.rule: rule for rule in found.rules}
    for name in rules:
        if name not in by_name:
            raise unknown_name("rule that ran", name, by_name)
    figure = Figure(figsize=(1.2 + 2.9 * len(rules), 7.6), layout="constrained")
    axes = figure.subplots(len(QUANTITIES), len(rules), squeeze=False, sharex="col", sharey="row")
    for column, name in enumerate(rules):
        rule = by_name[name]
        for row, quantity in enumerate(QUANTITIES):
            axis = axes[row][column]
            for k, curve in enumerate(rule.curves):
                axis.plot(
                    rule.weights,
                    getattr(curve, quantity),
                    label=f"in {curve.space}",
                    color=COLOURS[k % len(COLOURS)],
                    linestyle=DASHES[k % len(DASHES)],
                    linewidth=4.5 - 3.5 * k / max(1, len(rule.curves) - 1),  # the first is the widest: it still shows
                    marker=MARKERS[k % len(MARKERS)],
                    markersize=8 - 4 * k / max(1, len(rule.curves) - 1),
                )
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0][column].set_title(name, fontsize=11)
        axes[-1][column].set_xlabel("weight w")
    for row, label in enumerate(QUANTITIES.values()):
        axes[row][0].set_ylabel(label)
    axes[0][0].legend(frameon=False)
    spaces = ", ".join(dict.fromkeys(curve.space for name in rules for curve in by_name[name].curves))
    caption = f"Samples of {', '.join(rules)} against the guidance weight, the rule applied in {spaces}."
    return Picture(figure, caption)


def guided_gaps(found: GuidedSamples, commutes: Mapping[str, bool]) -> Picture:
    """How far apart the spaces send the samples, a bar a rule, at the weight where it is most.

    ``commutes`` says of each rule what its verdict says; a rule that is not in it is left out. A bar is one rounding
    of float64 at least.
    """
    sizes = {rule.rule: max(*rule.apart, 2.0**-53) for rule in found.rules if rule.rule in commutes}
    ordered = dict(sorted(sizes.items(), key=lambda item: item[1]))
    kinds = {True: "verdict: commutes", False: "verdict: depends on the space"}
    picture = bars(
        ordered,
        lines={"class spread": 1.0},
        groups={name: kinds[commutes[name]] for name in ordered},
        xlabel="largest distance of samples between two spaces, in class spreads",
        caption=f"Distance between the samples of one rule applied in several spaces, for {len(ordered)} rules.",
    )
    (axis,) = picture.figure.axes
    axis.legend(loc="upper right", bbox_to_anchor=(0.98, 0.97))  # beside the shortest bars
    return picture


def churn_curves(runs: Sequence[VarianceRun]) -> Picture:
    """Variance at the end against the churn: a line a weight, its closed forms as crosses, samples as open circles."""
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axis = figure.subplots()
    weights = list(dict.fromkeys(run.weight for run in runs))
    for k, weight in enumerate(weights):
        chosen = sorted((run for run in runs if run.weight == weight), key=lambda run: run.eta)
        colour, steps = COLOURS[k % len(COLOURS)], chosen[0].steps[-1]
        etas = [run.eta for run in chosen]
        propagated = [run.propagated[-1] for run in chosen]
        label = f"w = {weight:g}, {steps} steps, exact"
        axis.plot(etas, propagated, color=colour, linestyle=DASHES[k % len(DASHES)], label=label)
        measured = [run.measured for run in chosen]
        label = f"w = {weight:g}, {chosen[0].samples} samples"
        axis.plot(etas, measured, "o", color=colour, markerfacecolor="none", markersize=8, label=label)
        limits = {run.eta: run.closed_form for run in chosen if run.closed_form is not None}
        label = f"w = {weight:g}, closed form"
        axis.plot(list(limits), list(limits.values()), "x", color=colour, markersize=9, mew=2.2, label=label)
    axis.set_yscale("log")
    axis.set_xlabel("churn eta of Euler ancestral (0: ODE, 1: SDE)")
    axis.set_ylabel("variance of the samples")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, ncols=len(weights), loc="upper center", bbox_to_anchor=(0.5, -0.18))
    return Picture(figure, f"Variance of guided samples against the churn, for w = {', '.join(map(str, weights))}.")
