import numpy as np
from matplotlib.colors import LogNorm

from cfg_equiv.report import figures

X = np.linspace(-1, 1, 11)


def is_png(picture: figures.Picture) -> bool:
    return picture._repr_png_().startswith(b"\x89PNG")


def test_a_picture_is_png_for_a_notebook_a_caption_for_text_and_a_file(tmp_path):
    picture = figures.gallery({"a": np.zeros((3, 4, 4))}, columns=1, caption="nothing to see")
    assert is_png(picture)
    assert repr(picture) == "nothing to see"
    picture.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"Software" not in picture._repr_png_()


def test_curves_have_a_panel_a_title_and_a_line_a_name_on_a_log_scale():
    panels = {"left": {"one": X + 2, "two": X + 3}, "right": {"one": X + 2}}
    picture = figures.curves(X, panels, xlabel="x", ylabel="y", caption="c")
    left, right = picture.figure.axes
    assert [len(axis.lines) for axis in (left, right)] == [2, 1]
    assert left.get_yscale() == "log"
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["one", "two"]
    assert len({line.get_linestyle() for line in left.lines}) == 2
    assert len({line.get_color() for line in left.lines}) == 2
    assert is_png(picture)


def test_densities_draw_samples_in_the_colour_of_their_line():
    picture = figures.densities(
        X, {"a": X + 1, "b": X + 2}, {"a": X}, background={"old": X + 1}, xlabel="x", caption="c"
    )
    (axis,) = picture.figure.axes
    assert [line.get_label() for line in axis.lines] == ["old", "a", "b"]
    assert [round(255 * x) for x in axis.patches[0].get_facecolor()[:3]] == [0x00, 0x72, 0xB2]
    assert is_png(picture)


def test_bars_keep_their_order_and_say_their_size():
    sizes = {"tiny": 1e-15, "small": 1e-6, "large": 2.5}
    groups = {"tiny": "exact", "small": "rounding", "large": "other"}
    picture = figures.bars(sizes, lines={"a level": 0.01}, groups=groups, xlabel="change", caption="c")
    (axis,) = picture.figure.axes
    assert axis.get_xscale() == "log"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["tiny", "small", "large"]
    low, high = axis.get_ylim()
    assert low > high  # the first on top
    assert {"2.5", "1e-15", "a level"} <= {text.get_text() for text in axis.texts}
    assert len({patch.get_hatch() for patch in axis.patches}) == 3
    assert is_png(picture)


def test_a_gallery_shows_values_in_minus_one_to_one():
    image = np.stack([np.full((2, 2), value) for value in (-1.0, 0.0, 3.0)])
    picture = figures.gallery({"a": image, "b": image, "c": image}, columns=2, caption="c")
    assert len(picture.figure.axes) == 4
    shown = picture.figure.axes[0].images[0].get_array()
    assert shown[0, 0].tolist() == [0.0, 0.5, 1.0]
    assert len(picture.figure.axes[3].images) == 0


def test_maps_share_one_scale_and_leave_small_values_white():
    values = np.array([[0.0, 1e-2, 1.0]])
    picture = figures.maps(
        [0, 1, 2],
        [1],
        {"a": values, "b": 10 * values},
        xlabel="x",
        ylabel="y",
        clabel="c",
        floor=1e-2,
        caption="c",
    )
    one, other = (axis.collections[0] for axis in picture.figure.axes[:2])
    assert one.norm is other.norm
    assert isinstance(one.norm, LogNorm)
    assert (one.norm.vmin, one.norm.vmax) == (1e-2, 10.0)
    assert one.get_array().mask.ravel().tolist() == [True, False, False]
    assert is_png(picture)
