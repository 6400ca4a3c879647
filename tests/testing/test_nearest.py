import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.testing.nearest import nearest


def test_the_nearest_calls_come_first_and_ends_of_a_path_last():
    kappas = (float("inf"), 8.0, 4.0, 2.0, 1.0, 0.5, 0.0)
    levels = [Point(torch.tensor(0.0 if k == float("inf") else 1.0), torch.tensor(min(k, 9.0))) for k in kappas]
    assert nearest(levels, 2.1) == [3, 2, 4, 1]
    assert nearest(levels[:2], 1.0) == [1, 0]
