"""Products and solutions with inexact operands, against rational arithmetic: never outside the bound, never vacuous."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from sympy import Matrix, Rational
from torch import Tensor

from cfg_equiv.rounding import BoundMode, assert_within

PRODUCTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mm": lambda a, b: a @ b,
    "bmm": lambda a, b: a[None] @ b[None],
    "mv": lambda a, b: a @ b[:, 0],
    "dot": lambda a, b: a[0] @ b[:, 0],
    "einsum": lambda a, b: torch.einsum("k,kc...->c...", a[0], b),
}


def operands(dtype: torch.dtype, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.rand(3, 3, generator=generator, dtype=torch.float64) + torch.eye(3) for _ in range(2))
    return a.to(dtype), b.to(dtype)


def exact(t: Tensor) -> Matrix:
    return Matrix(t.shape[0], t.shape[1], [Rational(Fraction(x)) for x in t.double().flatten().tolist()])


def fractions(matrix: Matrix) -> list[Fraction]:
    return [Fraction(int(x.p), int(x.q)) for x in matrix]


THIRD = Rational(1, 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name, dtype):
    a, b = operands(dtype, seed=len(name))
    with BoundMode() as mode:
        got = PRODUCTS[name](a / 3, b)
    full = exact(a) * THIRD * exact(b)
    expected = fractions({"mm": full, "bmm": full, "mv": full[:, 0], "dot": full[:1, :1], "einsum": full[:1, :]}[name])
    assert not mode.unknown
    bound = mode.error(got).flatten()
    assert assert_within(got.flatten(), expected, bound) == 0
    assert (bound > 0).all()
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(got.flatten() + 2 * bound.to(dtype), expected, bound)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("columns", [None, 2])
def test_solutions(dtype, columns):
    a, b = operands(dtype, seed=5)
    b = b[:, 0] if columns is None else b[:, :columns]
    with BoundMode() as mode:
        got = torch.linalg.solve(a / 3, b)
    expected = fractions((exact(a) * THIRD).LUsolve(exact(b.reshape(3, -1))))
    assert not mode.unknown
    bound = mode.error(got).flatten()
    assert assert_within(got.flatten(), expected, bound) == 0
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(got.flatten() + 2 * bound.to(dtype), expected, bound)


def test_a_matrix_that_its_errors_make_singular_has_no_bound():
    a = torch.tensor([[1.0, 1.0], [1.0, 1.0 + 2.0**-50]], dtype=torch.float64)
    with BoundMode() as mode:
        got = torch.linalg.solve(a * 0.3, torch.ones(2, dtype=torch.float64))
    assert mode.error(got).isinf().all()


def test_what_is_not_covered_is_counted():
    a = torch.ones(2, 2, dtype=torch.bfloat16)
    with BoundMode() as mode:
        a @ a
    assert "aten.mm.default" in mode.unknown
