"""Casts to a narrower format are seen where they lose something, and only there."""

import torch

from cfg_equiv.testing.narrow import Narrowing


def test_a_cast_that_loses_nothing_is_fine():
    with Narrowing(torch.float64) as seen:
        torch.tensor([0.5], dtype=torch.float64).float()
        torch.tensor([0.1], dtype=torch.float32).double()
    assert seen.lost is None
    with Narrowing(torch.float64) as seen:
        torch.empty(1, dtype=torch.float32).copy_(torch.tensor([0.1], dtype=torch.float64))
    assert seen.lost is torch.float32
