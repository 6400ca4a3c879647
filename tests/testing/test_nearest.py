import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.testing.nearest import STAGES, about, nearest


def levels_at(*kappas):
    ends = [Point(torch.tensor(0.0), torch.tensor(1.0))] if kappas[0] == float("inf") else []
    return ends + [Point(torch.tensor(1.0), torch.tensor(k)) for k in kappas[len(ends) :]]


def test_the_nearest_call_is_never_an_end_of_the_path():
    assert nearest(levels_at(float("inf"), 8.0, 4.0, 2.0, 1.0, 0.5, 0.0), 2.1) == 3
    assert nearest(levels_at(float("inf"), 8.0), 1.0) == 1


def test_rows_cover_half_to_twice_the_level():
    found = about(levels_at(8.0, 4.0, 2.5, 2.25, 2.0, 1.75, 1.5, 0.75, 0.5), 2.0)
    assert found == [range(1, 5), range(2, 6), range(3, 7)]
    assert {len(row) for row in found} == {STAGES}


def test_where_few_calls_are_near_there_is_one_row_around_them():
    assert about(levels_at(64.0, 16.0, 8.0, 2.0, 0.5, 0.0625), 2.0) == [range(2, 6)]
    assert about(levels_at(float("inf"), 64.0, 16.0), 2.0) == [range(3)]
    assert about(levels_at(2.0, 0.5, 0.0625, 0.0), 4.0) == [range(4)]
