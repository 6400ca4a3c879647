import pytest

from cfg_equiv.report import atlas_figures as figures
from tests.report.atlas_records import guidance, samplers, solver


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_all_figures_of_the_records_that_are_there():
    assert list(figures.drawn(samplers(), guidance())) == ["classes", "orders", "errors", "guidance"]
    assert list(figures.drawn(None, guidance())) == ["guidance"]
    measured = samplers()
    for one in measured["samplers"]:
        one["errors"] = None
    assert list(figures.drawn(measured, None)) == ["classes", "orders"]


def test_svg_is_the_same_for_the_same_records_and_asks_no_network():
    first, second = (figures.svg(figures.matrix_figure(guidance()["guidance"])) for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first
    assert b'href="http' not in first


def test_orders_count_what_is_claimed_and_proved_and_name_what_differs():
    picture = figures.order_figure(samplers()["samplers"])
    any_ratio, *_, rows = picture.figure.axes
    assert sorted(texts(any_ratio)) == ["1", "2"]
    assert [text.get_text() for text in rows.get_yticklabels()] == ["three"]
    assert picture.caption.startswith("Of 3 solvers 1 have another order")


def test_a_row_stands_for_the_members_of_a_class_with_one_claim():
    records = [solver("a", "a", 3, (2, 2, 2)), solver("b", "a", 3, (2, 2, 2)), solver("c", "a", 2, (2, 2, 2))]
    assert list(figures.misnamed(records)) == ["a and 1 more"]


def test_claims_that_are_all_proved_leave_no_row():
    picture = figures.order_figure([solver("a", "a", 2, (2, 2, 2))])
    assert picture.figure.axes[-1].get_title() == "claim and proof agree"


def test_errors_have_a_panel_a_kind_and_the_first_order_in_all_of_them():
    errors = {"evaluations": [4, 8], "rms": [0.1, 0.01], "path": "vp"}
    records = [
        solver("ddim", "ddim", 1, (1, 1, 1), kind="first order", errors=errors),
        solver("two", "two", 2, (2, 2, 2), errors=errors),
        solver("heun", "heun", 2, (2, 2, 2), kind="several evaluations", errors=errors),
        solver("none", "none", 2, (2, 2, 2)),
    ]
    panels = figures.error_figure(records).figure.axes
    assert [axis.get_title() for axis in panels] == ["multistep", "several evaluations"]
    assert [[line.get_label() for line in axis.lines] for axis in panels] == [["ddim", "two"], ["ddim", "heun"]]
    assert all(axis.get_xscale() == axis.get_yscale() == "log" for axis in panels)


@pytest.mark.parametrize(("name", "letters"), [("signed", ["C", "C"]), ("clipped", ["D", "D", "D"])])
def test_the_matrix_has_a_letter_where_a_rule_means_two_things(name, letters):
    rules = [one for one in guidance()["guidance"] if one["name"] == name]
    axis = figures.matrix_figure(rules).figure.axes[0]
    assert [text for text in texts(axis) if len(text) == 1] == letters
    assert [text.get_text() for text in axis.get_yticklabels()] == [name]


def test_the_matrix_names_the_rules_that_commute_once():
    picture = figures.matrix_figure(guidance()["guidance"])
    blocks = [text for text in texts(picture.figure.axes[0]) if "the same in all pairs" in text]
    assert [block.splitlines()[1] for block in blocks] == ["plain", "projected"]
    assert picture.caption.startswith("2 of 4 guidance rules mean the same in every space")
