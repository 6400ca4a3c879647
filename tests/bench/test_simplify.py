"""The field against SymPy's simplify: both decide, and a simplification that does not end is given up."""

import time

import pytest

from cfg_equiv.bench import simplify


def test_both_decide_a_pair():
    found = simplify.race("ddim_x0", "dpm_solver_pp_1", 20)
    assert found.zero
    assert found.simplify is not None


def test_what_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(simplify.sympy, "simplify", lambda expression: time.sleep(20))
    assert simplify.simplified("dpmpp_2m", "unip_bh2_2_x0", 0.2) == (None, False)


@pytest.mark.slow
def test_a_difference_is_not_zero():
    assert simplify.simplified("dpmpp_2m", "dpmpp_2m_heun", 20)[1] is False


def test_two_maps_are_no_race():
    with pytest.raises(ValueError, match="expected one map, got dpmpp_2m and dpmpp_2m_heun: with 2 outputs"):
        simplify.race("dpmpp_2m", "dpmpp_2m_heun", 20)


@pytest.mark.slow
def test_the_table(capsys):
    assert simplify.main(["--pairs", "1"]) == 0
    assert "on the 1 pairs it decided, simplify took" in capsys.readouterr().out
