"""Whole runs against the catalogue: a released run that is an entry is accepted, and a changed coefficient is not."""

from dataclasses import replace

import pytest

pytest.importorskip("diffusers", reason="pip install diffusers")

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.intervals import number
from cfg_equiv.peers import solvers_diffusers as peer
from cfg_equiv.peers.solvers_diffusers import Row, by_sigma, comparisons, scaled

MULTISTEP = "DPMSolverMultistepScheduler"
DPMPP = Row(MULTISTEP, "dpmpp_2m", by_sigma, steps=4)
HEUN = Row("HeunDiscreteScheduler", "heun", scaled, steps=3)


CHANGE = number(1 + 2.0**-33)


def bent(solver, which):
    """The entry with one number of a form changed: the latent, or a prediction by its age."""

    def form(xp, past, t):
        full = solver.predict[-1]
        item = past[which] if which >= 0 else past[0]
        moved = item._replace(**({"z": item.z * CHANGE} if which < 0 else {"pred": item.pred * CHANGE}))
        seen = tuple(moved if one is item else one for one in past)
        return full(xp, seen, t)

    return replace(solver, predict=(*solver.predict[:-1], form))


@pytest.mark.parametrize("row", [DPMPP, HEUN], ids=["one call", "two calls"])
def test_a_released_run_is_the_entry(row):
    (comparison,) = comparisons([row])
    result = comparison()
    assert result.status == "agrees", result.detail
    assert "latents within the bound" in result.detail


@pytest.mark.parametrize("which", [-1, 0, 1])
def test_a_changed_coefficient_of_the_entry_fails(monkeypatch, which):
    monkeypatch.setitem(SOLVERS, "dpmpp_2m", bent(SOLVERS["dpmpp_2m"], which))
    result = comparisons([DPMPP])[0]()
    assert result.status == "failed"
    assert "the latent of call 2: outside the rounding bound" in result.detail


def test_another_entry_fails():
    result = comparisons([replace(DPMPP, solver="dpmpp_2m_heun")])[0]()
    assert result.status == "failed"


def test_the_number_of_calls_is_compared():
    result = comparisons([replace(HEUN, solver="euler_ve")])[0]()
    assert result.status == "failed"
    assert "calls the network more often than the entry" in result.detail


def test_the_last_latent_is_judged_by_reruns_and_can_fail(monkeypatch):
    solver = SOLVERS["dpmpp_2m"]
    first = solver.last
    monkeypatch.setitem(SOLVERS, "dpmpp_2m", replace(solver, last=lambda xp, past, t: first(xp, past, t) * CHANGE))
    result = comparisons([DPMPP])[0]()
    assert result.status == "failed"
    assert "the last latent: outside the rounding bound" in result.detail


def test_the_library_is_left_as_it_was():
    import torch
    from diffusers.schedulers import scheduling_dpmsolver_multistep as module

    DPMPP.claim()
    assert module.torch is torch
    assert peer.fresh(MULTISTEP, {}, 4).lower_order_nums == 0
