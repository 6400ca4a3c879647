"""Every theorem holds, and every twin of it falls."""

from functools import cache

import pytest

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.theorems import THEOREMS, prove


@cache
def proved(name):
    """Proofs are deterministic, and asked for twice here."""
    return prove(next(theorem for theorem in THEOREMS if theorem.id == name))


EXPECTED = {
    *(f"Q{k}" for k in range(1, 9)),
    *(f"P{k}" for k in range(1, 10)),
    *(f"G{k}" for k in range(1, 11)),
    *(f"S{k}" for k in range(1, 11)),
    *("N1", "N2"),
}


# These run the whole catalogue of solvers, a part for each: `cfg-equiv verify` does, in continuous integration too.
# What they claim of a solver is tested on a few, in test_solvers.py.
CATALOGUE = {"S4", "S5", "S6", "S7", "S8"}


# Seconds each: they run every first-order sampler or every stochastic one.
LONG = {"Q6", "S9"}


@pytest.mark.parametrize(
    "theorem",
    [
        pytest.param(theorem, id=theorem.id, marks=pytest.mark.slow if theorem.id in LONG else ())
        for theorem in THEOREMS
        if theorem.id not in CATALOGUE
    ],
)
def test_theorem(theorem):
    result = proved(theorem.id)
    assert result.holds, result.detail
    assert result.status == ("argued" if theorem.method == "argued" else "proved")
    assert result.calls, "the claim executed no shipped formula"
    assert bool(theorem.argument) == (theorem.method == "argued")


def test_the_list_is_complete_and_sorted():
    assert {theorem.id for theorem in THEOREMS} == EXPECTED
    assert len(THEOREMS) == len(EXPECTED)


@pytest.mark.slow
def test_every_formula_of_the_samplers_and_rows_is_executed_by_some_theorem():
    calls = {call.rsplit(".", 1)[-1] for name in EXPECTED - CATALOGUE for call in proved(name).calls}
    assert {sampler.native.__name__ for sampler in SAMPLERS.values()} <= calls
    assert {p.row.__name__ for p in PARAMETERIZATIONS.values()} <= calls
