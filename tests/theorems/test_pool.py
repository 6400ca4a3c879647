"""Theorems decided in several processes come out as in one."""

import dataclasses

import pytest

from cfg_equiv.theorems import THEOREMS
from cfg_equiv.theorems.pool import prove_all

BRIEF = [theorem for theorem in THEOREMS if theorem.id in ("P1", "G2", "S1")]


def decided(workers):
    told = []
    results = [dataclasses.replace(r, ms=0) for r in prove_all(BRIEF, told.append, workers)]
    assert told == [f"theorem {theorem.id}" for theorem in BRIEF]
    return results


def test_one_process_decides_in_order():
    assert [(r.id, r.holds, r.twin_refuted) for r in decided(1)] == [(t.id, True, True) for t in BRIEF]


@pytest.mark.slow
def test_two_processes_decide_the_same():
    assert decided(2) == decided(1)
