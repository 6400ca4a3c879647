from matplotlib.patches import FancyBboxPatch

from cfg_equiv.report.atlas_map import COLUMNS, GAP, WIDTH, cards, class_map, libraries, shown
from tests.report.atlas_records import samplers, solver


def test_a_card_a_class_and_the_rest_by_kind():
    records = samplers()
    many, alone = cards(records["samplers"], records["classes"])
    assert [[one["name"] for one in group] for group in many] == [["one", "two"]]
    assert [one["name"] for one in alone] == ["three"]


def test_the_map_names_every_solver_and_its_libraries_bold_where_they_were_run():
    records = samplers()
    axis = class_map(records["samplers"], records["classes"]).figure.axes[0]
    words = {text.get_text(): text.get_weight() for text in axis.texts}
    assert words["one"] == words["two"] == words["three"] == words["comfyui"] == "normal"
    assert words["k-diffusion"] == "bold"
    assert words["3 names, 2 maps"] == "bold"
    assert "multistep, claimed order 2: 2 names, one map" in words
    assert "CFG++, alone in their class: 1" in words


def test_cards_lie_in_columns_without_touching():
    groups = [[f"a{k}_{n}" for n in range(2 + k % 5)] for k in range(30)]
    records = [solver(name, group[0], 2, (2, 2, 2)) for group in groups for name in group]
    figure = class_map(records, groups).figure
    boxes = [patch.get_bbox() for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == len(groups)
    for k, one in enumerate(boxes):
        assert 0 < one.y0 < one.y1 < figure.get_size_inches()[1]
        assert 0 < one.x0 < one.x1 < COLUMNS * (WIDTH + GAP) + GAP
        for other in boxes[k + 1 :]:
            assert one.x1 < other.x0 or other.x1 < one.x0 or one.y0 > other.y1 or other.y0 > one.y1


def test_libraries_are_those_of_the_catalogue_and_of_the_runs():
    records = samplers()["samplers"]
    assert libraries(records[0]) == {"comfyui": False, "k_diffusion": True}
    failed = {"configuration": "diffusers X = two", "version": "1", "status": "failed", "detail": ""}
    assert libraries({**records[1], "peers": [failed]}) == {}
    assert (shown("stable_audio_tools"), shown("flow_matching")) == ("stable-audio-tools", "flow_matching")
