import json
from fractions import Fraction

import pytest

from cfg_equiv.atlas import OutputError, atlas, build
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.results import PeerResult
from cfg_equiv.theorems import classes, order

F = Fraction


@pytest.fixture
def undrawn(monkeypatch):
    """Only the records: drawing takes most of the time."""
    monkeypatch.setattr(build, "EXTRA", ("no_such_library",))


def test_a_counterexample_can_be_recomputed_from_the_file_alone(tmp_path, undrawn):
    names = ["CFG rescale", "APG projection", "relu", "epsilon scaling"]
    atlas(tmp_path, ["guidance"], rules=names)
    records = {one["name"]: one for one in json.loads((tmp_path / "guidance.json").read_text())["guidance"]}

    def std2(y):  # of two elements, up to the factor that a quotient of two does not see
        return abs(y[0] - y[1])

    def rescale(c, u, w, phi):
        g = [b + w * (a - b) for a, b in zip(c, u, strict=True)]
        return [phi * x * std2(c) / std2(g) + (1 - phi) * x for x in g]

    def projection(c, u, w, eta):
        d = [a - b for a, b in zip(c, u, strict=True)]
        share = sum(a * b for a, b in zip(d, c, strict=True)) / sum(a * a for a in c)
        return [a + (w - 1) * (b - share * a + eta * share * a) for a, b in zip(c, d, strict=True)]

    def relu(c, u, w):
        return [b + w * max(a - b, F(0)) for a, b in zip(c, u, strict=True)]

    for name, formula in {"CFG rescale": rescale, "APG projection": projection, "relu": relu}.items():
        example = records[name]["counterexample"]
        alpha, sigma = F(example["alpha"]), F(example["sigma"])
        z, cond, uncond = ([F(x) for x in example[key]] for key in ("z", "cond", "uncond"))
        given = {key: F(value) for key, value in example["parameters"].items()}
        rows = {"x0": (1, 0), "eps": (0, 1), "flow": (-1, 1), "v": (-sigma, alpha), "score": (0, -1 / sigma)}
        assert len({tuple(values) for values in example["result"].values()}) > 1
        for space, (p, q) in rows.items():
            there = [[p * x + q * (s - alpha * x) / sigma for x, s in zip(y, z, strict=True)] for y in (cond, uncond)]
            try:
                guided = formula(*there, **given)
            except ZeroDivisionError:
                pytest.fail(f"{name} has no value in {space}")
            back = [(y - q * s / sigma) / (p - q * alpha / sigma) for y, s in zip(guided, z, strict=True)]
            assert back == [F(x) for x in example["result"][space]], (name, space)


def test_one_part_of_the_atlas_is_written_with_its_page(tmp_path):
    folder = tmp_path / "new" / "atlas"
    told = []
    found = atlas(folder, ["guidance"], rules=["CFG", "relu"], progress=told.append)
    assert [path.name for path in found.files] == ["guidance.json", "guidance.svg", "guidance.png", "index.html"]
    assert all(path.parent == folder and path.stat().st_size for path in found.files)
    assert set(json.loads((folder / "guidance.json").read_text())) == {"guidance", "absent"}
    assert told == ["guidance CFG", "guidance relu", "figures and page"]
    assert found.notes == ()
    assert not list(folder.glob("*.part"))


def test_a_folder_that_is_there_keeps_what_is_not_the_atlas(tmp_path, undrawn):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "guidance.json").write_text("old")
    atlas(tmp_path, ["guidance"], rules=["CFG"])
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert json.loads((tmp_path / "guidance.json").read_text())["guidance"]


def test_without_the_report_extra_the_records_are_written_and_the_rest_is_named(tmp_path, undrawn):
    found = atlas(tmp_path, ["guidance"], rules=["CFG"])
    assert [path.name for path in found.files] == ["guidance.json"]
    assert found.notes == (
        "no figures and no page: no_such_library not installed; run: pip install 'cfg_equiv[report]'",
    )


def test_a_file_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match=r"expected a folder, got .*taken, which is a file: name another one"):
        atlas(tmp_path / "taken", ["guidance"], rules=["CFG"])
    with pytest.raises(OutputError, match=r"expected a folder, got .*, which cannot be made \(Not a directory\)"):
        atlas(tmp_path / "taken" / "below", ["guidance"], rules=["CFG"])


def test_a_folder_in_the_way_of_a_file_is_one_sentence(tmp_path):
    (tmp_path / "guidance.json").mkdir()
    with pytest.raises(OutputError, match=r"expected a folder to write to, got .*guidance.json, which cannot be wri"):
        atlas(tmp_path, ["guidance"], rules=["CFG"])


@pytest.mark.parametrize("given", [{"only": ["sampler"]}, {"solvers": ["dpmpp_2n"]}, {"rules": ["CFGG"]}])
def test_unknown_names_are_named_before_anything_is_written(tmp_path, given):
    with pytest.raises(UnknownNameError, match="did you mean"):
        atlas(tmp_path / "out", **{"only": ["guidance"], **given})
    assert not (tmp_path / "out").exists()


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="expected a number of workers above 0, got 0: leave it at 1"):
        atlas(tmp_path / "out", workers=0)
    assert not (tmp_path / "out").exists()


def test_the_samplers_are_on_disk_before_guidance_starts(tmp_path, monkeypatch, undrawn):
    found = classes.Partition((("ddim_eps", "euler_ve"), ("dpmpp_2m",), ("dpmpp_2m_heun",)), (), ())
    monkeypatch.setattr(classes, "partition", lambda: found)
    monkeypatch.setattr(order, "partition", lambda: found)
    peer = PeerResult("k-diffusion sample_euler = euler_ve", "1", "agrees", "")
    monkeypatch.setattr("cfg_equiv.atlas.released.released", lambda names, progress: {"euler_ve": [peer]})
    seen = []

    def progress(text):
        seen.append((text.split()[0], (tmp_path / "samplers.json").exists()))

    names = ["euler_ve", "dpmpp_2m", "dpmpp_2m_heun"]
    monkeypatch.setattr("cfg_equiv.atlas.errors.SHOWN", ())
    result = atlas(tmp_path, solvers=names, rules=["CFG"], progress=progress)
    assert seen[-1] == ("guidance", True)
    assert not any(there for word, there in seen if word in ("classes", "orders", "difference"))
    records = json.loads((tmp_path / "samplers.json").read_text())
    assert set(records) == {"samplers", "classes", "near_misses", "absent"}
    assert [one["name"] for one in records["samplers"]] == names
    assert [path.name for path in result.files] == ["samplers.json", "guidance.json"]
