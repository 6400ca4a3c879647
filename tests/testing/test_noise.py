"""Noise in the place of noise: what is seen, and what counts as one draw."""

import pytest
import torch

from cfg_equiv.testing.noise import Injected, no_noise


def ones(index, shape):
    return torch.full(shape, index + 1.0, dtype=torch.float64)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda: torch.randn(2, 3), 1.0),
        (lambda: torch.randn((2, 3), generator=torch.Generator().manual_seed(3)), 1.0),
        (lambda: torch.randn_like(torch.zeros(2, 3, dtype=torch.float16)), 1.0),
        (lambda: torch.empty(2, 3).normal_(5, 2), 7.0),
        (lambda: torch.normal(5.0, 2.0, (2, 3)), 7.0),
        (lambda: torch.normal(torch.full((2, 3), 5.0), torch.full((2, 3), 2.0)), 7.0),
    ],
)
def test_every_normal_draw_is_replaced(draw, expected):
    with Injected(ones) as mode:
        found = draw()
    assert bool((found == expected).all())
    assert mode.shapes == [torch.Size((2, 3))]
    assert mode.strange == 0


def test_the_generator_moves_on_as_it_would_have():
    torch.manual_seed(0)
    torch.randn(3)
    after = torch.randn(3)
    torch.manual_seed(0)
    with Injected(no_noise) as mode:
        assert not torch.randn(3).any()
    assert torch.equal(torch.randn(3), after)
    assert len(mode.shapes) == 1


def test_two_draws_from_one_state_are_one():
    with Injected(ones) as mode:
        first, second = (torch.randn(2, generator=torch.Generator().manual_seed(1)) for _ in range(2))
        third = torch.randn(2)
    assert torch.equal(first, second)
    assert bool((third == 2).all())
    assert len(mode.shapes) == 2


def test_draws_that_are_not_normal_are_counted():
    with Injected() as mode:
        torch.rand(2)
        torch.empty(2).uniform_()
        torch.zeros(2).bernoulli_()
    assert mode.strange == 3
