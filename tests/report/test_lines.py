import numpy as np
import pytest

from cfg_equiv.report.lines import lines

X = np.array([10, 20, 40])


def drawn(**options):
    panels = {
        "left": {"one": (X, 1.0 / X), "two": (X, 2.0 / X)},
        "right": {"two": (X, np.stack([3.0 / X, 4.0 / X], 1))},
    }
    return lines(panels, xlabel="x", ylabel="y", caption="c", **options)


def test_a_name_keeps_its_style_in_all_panels_and_is_named_once():
    picture = drawn(guides={"slope 1": (X, 5.0 / X)})
    left, right = picture.figure.axes
    assert [axis.get_title() for axis in (left, right)] == ["left", "right"]
    assert [len(axis.lines) for axis in (left, right)] == [3, 3]  # a guide and two lines; a guide and two columns
    style = lambda line: (line.get_color(), line.get_linestyle(), line.get_marker())  # noqa: E731
    assert style(left.lines[2]) == style(right.lines[1]) == style(right.lines[2])
    assert style(left.lines[1]) != style(left.lines[2])
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["slope 1", "one", "two"]
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_logarithmic_axes_say_the_values_of_x():
    left, _ = drawn(scale=("log", "log")).figure.axes
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in left.get_xticklabels()] == ["10", "20", "40"]
    assert drawn().figure.axes[0].get_xscale() == "linear"


@pytest.mark.parametrize(("stacked", "narrower"), [((), False), (("left",), True)])
def test_in_stacked_panels_later_lines_are_narrower(stacked, narrower):
    first, second = drawn(stacked=stacked).figure.axes[0].lines
    assert (second.get_linewidth() < first.get_linewidth()) == narrower
