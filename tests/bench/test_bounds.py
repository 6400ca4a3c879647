import pytest
import torch

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.bench import bounds
from cfg_equiv.bench.bounds import DTYPES, Measured, draw, main, measure


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_is_never_violated(dtype):
    for row in PARAMETERIZATIONS:
        measured = measure(dtype, row, 3000)
        assert measured.violations == 0
        assert measured.smallest >= 1
        assert measured.median < bounds.MEDIAN_BELOW
        assert measured.nonfinite == 0 or dtype == torch.float16


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mutated_coefficient_is_a_violation(dtype):
    assert measure(dtype, "v", 3000, mutate=16 * torch.finfo(dtype).eps).violations > 0


def test_the_draw_covers_the_declared_range():
    x = draw(3000, torch.float64, torch.Generator().manual_seed(0))
    lam = torch.log(x["alpha_s"] / x["sigma_s"])
    assert float(lam.min()) < -9.9
    assert float(lam.max()) > 9.9
    assert set(x["w"].tolist()) == {1.0, 7.5, 30.0}
    assert all(value.dtype == torch.float64 and value.shape == (3000,) for value in x.values())


@pytest.mark.parametrize(
    "change",
    [{"violations": 1}, {"smallest": 0.99}, {"smallest": 3.0}, {"median": 40.0}],
)
def test_the_verdict_names_each_condition(change):
    good = {
        "dtype": "float32",
        "row": "v",
        "cases": 9,
        "violations": 0,
        "nonfinite": 0.0,
        "smallest": 1.2,
        "median": 9.0,
    }
    assert Measured(**good).holds
    assert not Measured(**{**good, **change}).holds
    assert Measured(**{**good, "row": "F", "smallest": 3.5}).holds


def test_the_command_prints_one_line_a_row_and_says_so_in_its_status(capsys, monkeypatch):
    monkeypatch.setattr(bounds, "DTYPES", (torch.float32,))
    monkeypatch.setattr(bounds, "measure_all", lambda cases: (measure(torch.float32, row, cases) for row in ("v", "F")))
    assert main(["--cases", "20000"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "all bounds hold and are tight"
    monkeypatch.setattr(bounds, "MEDIAN_BELOW", 1.0)
    assert main(["--cases", "100"]) == 1
    assert "not met" in capsys.readouterr().out


def test_no_cases_is_one_clear_sentence(capsys):
    with pytest.raises(SystemExit):
        main(["--cases", "0"])
    assert "expected at least one case, got 0; try --cases 100000" in capsys.readouterr().err
