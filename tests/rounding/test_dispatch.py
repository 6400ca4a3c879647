import math

import pytest
import torch

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.ddim import ddim_v, ddim_x0
from cfg_equiv.rounding import BOUNDED, Bounded, BoundMode, assert_within

X = torch.tensor([0.3, -1.7, 2.0, 5.5])


def test_what_was_not_computed_here_is_exact():
    before = X * 0.3
    with BoundMode() as mode:
        after = before[1:]
    assert mode.error(before).tolist() == [0] * 4
    assert mode.error(after).tolist() == [0] * 3
    assert not mode.unknown


def test_outputs_are_bit_identical_and_the_exact_value_is_inside():
    with BoundMode() as mode:
        got = X * 0.3 - 1 / X
    assert torch.equal(got, X * 0.3 - 1 / X)
    bound = mode.error(got)
    assert bound.dtype == torch.float64
    assert assert_within(got, X.double() * 0.3 - 1 / X.double(), bound) == 0
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(got, X.double() * (0.3 * (1 + 2.0**-18)) - 1 / X.double(), bound)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("step", [ddim_x0, ddim_v])
def test_it_agrees_with_the_bound_the_numbers_carry(dtype, step):
    generator = torch.Generator().manual_seed(0)
    z, c, u, phi, psi = torch.rand(5, 40, generator=generator, dtype=torch.float64)
    s, t = (Point(torch.cos(p).to(dtype), torch.sin(p).to(dtype)) for p in (phi + 0.2, psi * 0.5))
    z, c, u, w = (x.to(dtype) for x in (z, c, u, torch.full_like(z, 7.5)))
    with BoundMode() as mode:
        got = step(torch, z, cfg(c, u, w), s, t)
    carried = [Bounded(x) for x in (z, c, u, w, s.alpha, s.sigma, t.alpha, t.sigma)]
    at, to = Point(*carried[4:6]), Point(*carried[6:8])
    wanted = step(BOUNDED, carried[0], cfg(*carried[1:4]), at, to)
    assert torch.equal(got, wanted.value)
    # the mode also counts the roundings to op-math inside the halves
    more = 1 if dtype in (torch.float64, torch.float32) else 1 + 2.0**-10
    ratio = mode.error(got) / wanted.err
    assert float(ratio.min()) >= 1 - 2.0**-20
    assert float(ratio.max()) <= more + 2.0**-20


def test_views_and_writes_share_their_errors():
    with BoundMode() as mode:
        a = X * 0.3
        b = a.view(2, 2)
        b[0] = 1
        row = b[1]
        row.mul_(2)
        copied = a.clone()
        a.zero_()
    assert mode.error(a).tolist() == [0] * 4
    errors = mode.error(copied)
    assert errors[:2].tolist() == [0, 0]
    assert bool((errors[2:] > 0).all())


def test_an_operator_without_a_rule_is_counted_and_has_no_bound():
    with BoundMode() as mode:
        out = torch.special.i0(X) + 1
        again = torch.special.i0(X)
    assert mode.unknown == {"aten.i0.default": 2}
    assert mode.error(out).tolist() == [math.inf] * 4
    assert mode.error(again).isinf().all()
    assert torch.equal(again, torch.special.i0(X))


def test_an_in_place_operator_without_a_rule_spoils_what_it_writes():
    with BoundMode() as mode:
        x = X.clone()
        view = x[:2]
        torch.special.i0(x, out=x)
    assert mode.unknown
    assert mode.error(view).isinf().all()


@pytest.mark.parametrize("order", [0, 3, -math.inf])
def test_a_variant_without_a_rule_is_counted(order):
    with BoundMode() as mode:
        out = torch.linalg.vector_norm(X, ord=order)
        floored = torch.div(X, 0.3, rounding_mode="floor")
    assert sum(mode.unknown.values()) == 2
    assert mode.error(out).isinf()
    assert mode.error(floored).isinf().all()


def test_an_inexact_value_that_leaves_torch_is_counted():
    with BoundMode() as mode:
        assert float(X[0]) + int(torch.argmax(X)) > 3
        assert not mode.unknown
        third = X[0] / 3
        assert bool(third > 0)  # far from zero: not in doubt
        assert not mode.unknown
        assert float(third) > 0
    assert mode.unknown == {"aten._local_scalar_dense.default": 1}


def test_a_comparison_in_doubt_is_in_doubt_where_it_selects():
    with BoundMode() as mode:
        third = torch.tensor([1.0, 1.0]) / 3
        other = torch.stack([third[0] * 3 / 3, third[1] * 6])
        chosen = torch.where(third >= other, third + 1, third - 1)
    errors = mode.error(chosen)
    assert errors[0] >= 2  # either branch may be the right one
    assert 0 < errors[1] < 2.0**-20


def test_steps_of_staircases_are_exact_where_nothing_is_in_doubt():
    with BoundMode() as mode:
        x = torch.tensor([1.0, 6.0]) / 3
        down, sign, whole = x.floor(), (x - 2).sign(), x.to(torch.int64)
    assert mode.error(down).tolist()[0] == 0
    assert mode.error(down).tolist()[1] >= 1  # a result of exactly 2, known only up to rounding
    assert mode.error(sign).tolist() == [0, 2 * (1 + 2.0**-30) + 2.0**-1070]
    assert mode.error(whole).tolist()[0] == 0
    assert mode.error(whole).tolist()[1] >= 1


def test_narrowing_loses_digits_and_range():
    with BoundMode() as mode:
        x = torch.tensor([0.1, 1e6, 1e-9], dtype=torch.float64)
        half = x.to(torch.float16)
        back = half.double()
        low = torch.zeros(3, dtype=torch.float16).add_(x.float() * 1.5)
    errors = mode.error(back)
    assert 0 < errors[0] <= 0.1 * 2.0**-10
    assert errors[1] == math.inf
    assert 1e-9 <= errors[2] <= 2.0**-24
    assert mode.error(low)[1] == math.inf
    assert abs(low[0].item() - 1.5 * 0.1) <= mode.error(low)[0]


def test_a_widening_cast_is_exact():
    with BoundMode() as mode:
        wide = X.bfloat16().float().double()
    assert mode.error(wide).tolist() == mode.error(X.bfloat16()).tolist() or bool((mode.error(wide) > 0).any())
    with BoundMode() as mode:
        wide = torch.ones(3, dtype=torch.bfloat16).double()
    assert mode.error(wide).tolist() == [0] * 3


def test_no_number_has_no_bound():
    with BoundMode() as mode:
        nan = (X - 1).log()
        infinite = X / 0
    assert mode.error(nan).isinf().tolist() == [True, True, False, False]
    assert mode.error(infinite).isinf().all()


def test_inference_mode_sees_the_same_operators():
    with torch.inference_mode(), BoundMode() as mode:
        out = torch.multiply(X, 0.3).reshape(2, 2).std()
    with BoundMode() as other:
        wanted = (X * 0.3).reshape(2, 2).std()
    assert not mode.unknown
    assert torch.equal(out, wanted)
    assert mode.error(out) == other.error(wanted)


def test_gradients_pass_through():
    x = X.clone().requires_grad_()
    with BoundMode() as mode:
        y = (x * 0.3).sum()
        y.backward()
    assert mode.error(y.detach()) > 0
    assert torch.equal(x.grad, torch.full((4,), 0.3))


def test_random_numbers_and_new_tensors_are_inputs():
    with BoundMode() as mode:
        fresh = [torch.randn(3), torch.zeros(3), torch.ones(3), torch.arange(3), torch.empty(3).normal_()]
        fifths = torch.full((3,), 0.2)
    assert [float(mode.error(x).max()) for x in fresh[:4]] == [0] * 4
    assert assert_within(fifths, torch.full((3,), 0.2, dtype=torch.float64), mode.error(fifths)) == 0


def test_a_masked_constant_and_an_index_put_keep_their_errors_apart():
    with BoundMode() as mode:
        x = X * 0.3
        x[X > 1] = 0
        y = torch.zeros(4).index_put((torch.tensor([1]),), X[:1] * 0.3)
    assert (mode.error(x) > 0).tolist() == [True, True, False, False]
    assert (mode.error(y) > 0).tolist() == [False, True, False, False]
