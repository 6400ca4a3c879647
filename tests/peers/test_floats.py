import pytest
import torch

from cfg_equiv.peers.floats import Floats, draw, elementwise
from cfg_equiv.rounding import BoundMode


def test_all_elements_of_a_draw_differ_and_are_exact_in_every_dtype():
    for dtype in (torch.float64, torch.float32):
        tensors = draw(4, seed=0, dtype=dtype)
        values = torch.cat([x.flatten() for x in tensors])
        assert len(set(values.tolist())) == values.numel() == 48
        assert all(not torch.equal(x[0], x[1]) for x in tensors)
        assert torch.equal(values.double() * 8, (values.double() * 8).round())
    assert torch.equal(draw(1, seed=0)[0], draw(1, seed=0)[0])


@pytest.fixture
def third():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    with BoundMode() as mode:
        got = x / 3
    return mode, got, x


def test_what_is_within_its_bound_is_counted(third):
    mode, got, x = third
    floats = Floats()
    floats.check("a third", mode, got, elementwise(lambda x: x / 3, x))
    assert floats.elements == 2
    assert 0 < floats.worst <= 1
    assert str(floats).startswith("2 elements within the bound, worst difference/bound 0.")


def test_what_is_outside_its_bound_is_named(third):
    mode, got, x = third
    with pytest.raises(AssertionError, match=r"a third: outside the rounding bound at index"):
        Floats().check("a third", mode, got, elementwise(lambda x: x / 3 + x / 2**50, x))


def test_operations_without_a_rule_are_not_a_pass():
    x = torch.tensor([0.5], dtype=torch.float64)
    with BoundMode() as mode:
        got = torch.special.i0(x)
    with pytest.raises(AssertionError, match=r"i0: the released code uses operations without a rounding rule: .*i0"):
        Floats().check("i0", mode, got, elementwise(lambda x: x, x))


def test_an_infinite_bound_is_not_a_pass():
    x = torch.tensor([1.0], dtype=torch.float64)
    with BoundMode() as mode:
        got = 1 / ((x / 3) * 3 - 1 + x - x)
    with pytest.raises(AssertionError, match="finite"):
        Floats().check("a quotient by zero", mode, got, elementwise(lambda x: x, x))
