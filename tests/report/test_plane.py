"""Vectors in the plane: what is drawn where, and what cannot be drawn."""

import numpy as np
import pytest

from cfg_equiv.errors import MismatchError
from cfg_equiv.report.plane import Plane, planes

ARROWS = {"z": (1.0, 0.0), "c": (0.0, 2.0), "u": (-1.0, 1.0)}


def texts(axis):
    return {text.get_text() for text in axis.texts} - {""}


def test_a_panel_a_title_an_arrow_a_vector_and_a_marker_an_answer():
    one = Plane(ARROWS, {"x0": (0.5, 0.5), "eps": (0.5, 0.5), "flow": (2.0, 3.0)}, ("c", "u"))
    picture = planes({"first": one, "second": one, "third": one}, columns=2, caption="c")
    assert picture._repr_png_().startswith(b"\x89PNG")
    shown = [axis for axis in picture.figure.axes if axis.axison]
    assert [axis.get_title() for axis in shown] == ["first", "second", "third"]
    (legend,) = picture.figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["through c and u", "answer in x0", "answer in eps", "answer in flow"]
    assert texts(shown[0]) == {"z", "c", "u"}
    answers = [line for line in shown[0].lines if line.get_marker() in "os^"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in answers] == list(one.answers.values())
    sizes = [line.get_markersize() for line in answers]
    assert sizes == sorted(sizes, reverse=True)  # the later ones lie in the earlier ones


def test_every_vector_is_in_view_and_both_axes_have_one_scale():
    one = Plane({"z": (40.0, 0.0)}, {"x0": (0.0, -3.0)})
    (axis,) = planes({"": one}, columns=1, caption="c").figure.axes
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    assert left < 0 < 40 < right
    assert low < -3 < 0 < high
    np.testing.assert_array_max_ulp(right - left, high - low, maxulp=4)


def test_vectors_that_coincide_share_a_name_and_zero_is_said():
    one = Plane({"z": (0.0, 0.0), "c": (0.0, 0.0), "u": (1.0, 1.0), "w": (1.0, 1.0)}, {"x0": (0.0, 0.0)})
    (axis,) = planes({"": one}, columns=1, caption="c").figure.axes
    assert texts(axis) == {"z, c = 0", "u, w"}


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(MismatchError, match=r"expected c to have 2 elements, got 3: draw a case of the plane"):
        Plane({"c": (1.0, 2.0, 3.0)}, {})
    with pytest.raises(MismatchError, match=r"expected a line through two of z, c, u, got 'v': name one"):
        Plane(ARROWS, {}, ("c", "v"))
    with pytest.raises(MismatchError, match=r"expected a line through two arrows that differ, got \(1.0, 0.0\) twice"):
        planes({"": Plane({"z": (1.0, 0.0), "c": (1.0, 0.0)}, {}, ("z", "c"))}, columns=1, caption="c")
