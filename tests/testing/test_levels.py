"""Levels as points in their own dtype, and how far off a path they are."""

import torch

from cfg_equiv.faults import schedules
from cfg_equiv.testing.levels import level_at, off_path


def test_levels_keep_their_dtype_and_single_precision_is_on_the_path():
    at = level_at(schedules.table().level, 500)
    assert at.alpha.dtype is torch.float32
    excess, allowed = off_path("vp", at)
    assert bool(excess.abs() <= allowed)
    assert bool(off_path("free", at)[0] == 0)
    assert bool(off_path("flow", at)[0].abs() > off_path("flow", at)[1])
