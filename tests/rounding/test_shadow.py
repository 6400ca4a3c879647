import gc

import torch

from cfg_equiv.rounding.shadow import Shadow


def test_a_view_of_the_memory_is_a_view_of_the_shadow():
    shadow, x = Shadow(), torch.zeros(2, 3)
    assert shadow.read(x) is None
    shadow.write(x.t()[1], 0.5)
    assert shadow.read(x).tolist() == [[0, 0.5, 0], [0, 0.5, 0]]
    shadow.write(x[0], torch.tensor([1.0, 2.0, 3.0]))
    assert shadow.read(x.reshape(-1)[2:5]).tolist() == [3, 0, 0.5]


def test_reinterpreted_bytes_are_exact_or_unknown():
    shadow, x = Shadow(), torch.zeros(4)
    shadow.write(x, 0.0)
    assert shadow.read(x.view(torch.int16)).tolist() == [0] * 8
    shadow.write(x[:1], 0.5)
    assert shadow.read(x.view(torch.int16)).isinf().all()


def test_a_storage_that_grows_keeps_its_errors():
    shadow, x = Shadow(), torch.zeros(2)
    shadow.write(x, 0.5)
    x.resize_(4)
    shadow.write(x[3:], 0.25)
    assert shadow.read(x).tolist() == [0.5, 0.5, 0, 0.25]


def test_entries_of_dead_storages_are_dropped():
    shadow = Shadow()
    for _ in range(2000):
        shadow.write(torch.zeros(2), 0.5)
    gc.collect()
    assert len(shadow._entries) < 600
