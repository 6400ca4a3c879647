import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.guided.record import GuidedCurve, GuidedSamples, RuleSamples, VarianceRun
from cfg_equiv.report import guided_figures as figures

WEIGHTS = (0.0, 1.0, 2.0)


def curve(space: str, shift: float) -> GuidedCurve:
    return GuidedCurve(space, (0.0, 1.0, 1.2 + shift), (3.0, 1.0, 0.9), (0.2, 0.9, 1.0))


FOUND = GuidedSamples(
    (
        RuleSamples("CFG", WEIGHTS, (curve("x0", 0), curve("eps", 0)), (0.0, 0.0, 0.0)),
        RuleSamples("clip", WEIGHTS, (curve("x0", 0), curve("eps", 1)), (0.1, 2.0, 1.0)),
    ),
    {"SDS": "a gradient"},
)


def is_png(picture: figures.Picture) -> bool:
    return picture._repr_png_().startswith(b"\x89PNG")


def test_a_column_a_rule_and_a_line_a_space():
    picture = figures.guided_curves(FOUND, ["CFG", "clip"])
    axes = picture.figure.axes
    assert len(axes) == 6
    assert [axis.get_title() for axis in axes[:2]] == ["CFG", "clip"]
    assert [list(line.get_ydata()) for line in axes[1].lines] == [[0.0, 1.0, 1.2], [0.0, 1.0, 2.2]]
    assert len({line.get_linestyle() for line in axes[0].lines}) == 2
    assert picture.caption == "Samples of CFG, clip against the guidance weight, the rule applied in x0, eps."
    assert is_png(picture)


def test_a_rule_that_did_not_run_is_named():
    with pytest.raises(UnknownNameError, match="expected a rule that ran out of CFG, clip, got 'SDS'"):
        figures.guided_curves(FOUND, ["SDS"])


def test_gaps_are_at_the_worst_weight_and_never_zero():
    picture = figures.guided_gaps(FOUND, {"CFG": True, "clip": False, "other": True})
    (axis,) = picture.figure.axes
    assert [bar.get_width() for bar in axis.patches] == [2.0**-53, 2.0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "verdict: commutes",
        "verdict: depends on the space",
    ]
    assert is_png(picture)


def test_churn_has_a_line_a_weight_and_crosses_where_there_is_a_closed_form():
    runs = [
        VarianceRun(3, eta, (10, 20), (0.05, 0.06), form, 100, 0.06, 0.5) for eta, form in ((1.0, 0.07), (0.5, None))
    ]
    picture = figures.churn_curves(runs)
    (axis,) = picture.figure.axes
    line, samples, crosses = axis.lines
    assert list(line.get_xdata()) == [0.5, 1.0]
    assert list(samples.get_ydata()) == [0.06, 0.06]
    assert (list(crosses.get_xdata()), list(crosses.get_ydata())) == ([1.0], [0.07])
    assert picture.caption == "Variance of guided samples against the churn, for w = 3."
    assert is_png(picture)
