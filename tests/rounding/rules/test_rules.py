"""Each rule against float64, with inexact operands: the bound is never violated and never vacuous without reason."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cfg_equiv.rounding import BoundMode
from cfg_equiv.rounding.rules import RULES

HALVES_AND_SINGLE = (torch.float32, torch.bfloat16, torch.float16)
HALF = torch.tensor(0.3, dtype=torch.float64)


def inplace(x: Tensor, y: Tensor) -> Tensor:
    z = x.clone()
    z.mul_(0.3).add_(y, alpha=0.1).div_(0.7).sub_(0.2)
    z[1] = y[0] * 0.3
    z[0].copy_(y[1])
    return z


def masked(x: Tensor, y: Tensor) -> Tensor:
    z = x * 0.3
    z[y > 0] = y[y > 0] * 0.7
    return z


def std_rescale(x: Tensor, y: Tensor) -> Tensor:
    guided = y + 7.5 * (x - y)
    rescaled = guided * (x.std(dim=1, keepdim=True) / guided.std(dim=1, keepdim=True))
    return 0.7 * rescaled + (1 - 0.7) * guided


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda x, y: x * 0.3 + y / 3,
    "add alpha": lambda x, y: torch.add(x, y, alpha=0.3),
    "sub alpha": lambda x, y: torch.sub(x, y, alpha=0.7),
    "add scalar": lambda x, y: 0.1 + x,
    "sub scalar": lambda x, y: x - 0.1,
    "rsub": lambda x, y: 0.1 - x,
    "rsub alpha": lambda x, y: torch.rsub(x, y, alpha=0.3),
    "mul scalar": lambda x, y: x * 0.3,
    "mul of inexact": lambda x, y: (x * 0.3) * (y * 0.7),
    "mul by a 0-dim tensor": lambda x, y: x * HALF,
    "0-dim by a tensor": lambda x, y: HALF * x,
    "broadcast": lambda x, y: x[:, None] * y[None, :, :] - x[0],
    "div scalar": lambda x, y: x / 0.3,
    "div": lambda x, y: (x * 0.3) / (y * y + 0.1),
    "rdiv": lambda x, y: 0.3 / (y * y + 0.1),
    "cfg": lambda x, y: y + 7.5 * (x - y),
    "other cfg": lambda x, y: 7.5 * x + (1 - 7.5) * y,
    "lerp": lambda x, y: torch.lerp(x * 0.3, y, 0.3),
    "lerp from the end": lambda x, y: torch.lerp(x * 0.3, y, 0.7),
    "lerp by a tensor": lambda x, y: torch.lerp(x, y, (x * 0.3).sigmoid()),
    "addcmul": lambda x, y: torch.addcmul(x * 0.3, y, x, value=0.3),
    "addcdiv": lambda x, y: torch.addcdiv(x, y, x * x + 0.3, value=0.3),
    "negative": lambda x, y: -(x * 0.3).abs(),
    "square": lambda x, y: (x * 0.3) ** 2,
    "cube": lambda x, y: (x * 0.3) ** 3,
    "root as a power": lambda x, y: (x * x + 0.3) ** 0.5,
    "inverse root as a power": lambda x, y: (x * x + 0.3) ** -0.5,
    "inverse square": lambda x, y: (x * x + 0.3) ** -2,
    "power 1.7": lambda x, y: (x * x + 0.3) ** 1.7,
    "sqrt": lambda x, y: (x * 0.3).abs().sqrt(),
    "rsqrt": lambda x, y: (x * x + 0.3).rsqrt(),
    "exp": lambda x, y: (x * 0.3).exp(),
    "expm1": lambda x, y: (x * 0.3).expm1(),
    "log": lambda x, y: (x * x + 0.3).log(),
    "log1p": lambda x, y: (x * x * 0.3).log1p(),
    "log2": lambda x, y: (x * x + 0.3).log2(),
    "log10": lambda x, y: (x * x + 0.3).log10(),
    "sin": lambda x, y: (x * 7.3).sin(),
    "cos": lambda x, y: (x * 7.3).cos(),
    "atan": lambda x, y: (x * 7.3).atan(),
    "tanh": lambda x, y: (x * 0.3).tanh(),
    "sigmoid": lambda x, y: (x * 7.3).sigmoid(),
    "clamp": lambda x, y: (x * 0.3).clamp(-0.21, 0.21),
    "clamp by tensors": lambda x, y: (x * 0.3).clamp(min=y * 0.7),
    "relu": lambda x, y: (x * 0.3).relu(),
    "maximum": lambda x, y: torch.maximum(x * 0.3, y * 0.7) + torch.minimum(x, y),
    "where": lambda x, y: torch.where(x * 0.3 > y * 0.3, x * 0.3, y * 0.1),
    "where with scalars": lambda x, y: torch.where(x > y, x, 0.3),
    "masked_fill": lambda x, y: (x * 0.3).masked_fill(y > 0, 0.7),
    "sum": lambda x, y: (x * y).sum(),
    "sum over rows": lambda x, y: (x * y).sum(0),
    "mean": lambda x, y: (x * y).mean(1, keepdim=True),
    "mean of all": lambda x, y: (x * 0.3).mean(),
    "std": lambda x, y: (x * y).std(dim=1),
    "std of all": lambda x, y: (x * 0.3).std(),
    "std biased": lambda x, y: (x * 0.3).std(dim=(0, 1), unbiased=False),
    "var": lambda x, y: (x * y).var(dim=0),
    "std far from zero": lambda x, y: (x + 8).std(dim=1),
    "norm": lambda x, y: (x * y).norm(dim=-1),
    "vector norm 1": lambda x, y: torch.linalg.vector_norm(x * y, ord=1, dim=-1),
    "vector norm inf": lambda x, y: torch.linalg.vector_norm(x * y, ord=float("inf")),
    "amax": lambda x, y: (x * 0.3).amax(1) - (x * 0.3).amin(1),
    "max with index": lambda x, y: (x * 0.3).max(dim=1).values,
    "max of all": lambda x, y: (x * 0.3).max(),
    "cumsum": lambda x, y: (x * y).cumsum(0),
    "cumprod": lambda x, y: (x * 0.3).sigmoid().cumprod(1)[:, :6],
    "cat and chunk": lambda x, y: torch.stack(torch.cat([x * 0.3, y]).chunk(2), 1).flip(0),
    "pad": lambda x, y: torch.nn.functional.pad(x * 0.3, (1, 1), value=0.3),
    "views": lambda x, y: (x * 0.3).t().reshape(-1)[3:40:2].unsqueeze(0).expand(3, -1),
    "in place": inplace,
    "masked assignment": masked,
    "std rescale": std_rescale,
    "gather": lambda x, y: (x * 0.3).gather(1, torch.arange(6).reshape(1, 6).expand(7, 6)),
    "full": lambda x, y: torch.full_like(x, 0.3) * x + torch.full((1,), 0.7, dtype=x.dtype),
    "linspace": lambda x, y: torch.linspace(0.1, 0.7, 67, dtype=x.dtype) * x,
    "arange": lambda x, y: torch.arange(0, 6.7, 0.1, dtype=x.dtype)[:67] * x,
    "fill": lambda x, y: torch.empty_like(x).fill_(0.3) * torch.zeros_like(x).add_(0.7),
    "new_full": lambda x, y: x.new_full((67,), 0.3),
}


def operands(dtype: torch.dtype, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    # 67 columns: vector lanes and the scalar tail of a kernel
    x, y = (torch.randn(7, 67, generator=generator, dtype=torch.float64).to(dtype) for _ in range(2))
    return x, y


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_bound_holds(name):
    operation = OPERATIONS[name]
    for dtype in HALVES_AND_SINGLE:
        x, y = operands(dtype, seed=len(name))
        with BoundMode() as wide:
            exact = operation(x.double(), y.double())
        with BoundMode() as mode:
            got = operation(x, y)
        bound, slack = mode.error(got), wide.error(exact)
        observed = (got.double() - exact).abs()
        assert not mode.unknown
        assert torch.equal(got, operation(x, y))
        assert bool(bound.isfinite().all())
        assert bool((observed <= bound + slack).all()), (dtype, (observed / bound).max())
        # and it says something: float64's own bound is the same rule with a smaller u
        assert float(slack.max()) < float(bound.max()) or float(bound.max()) == 0


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
def test_a_mutated_coefficient_exceeds_the_bound(dtype):
    x, y = operands(dtype, seed=1)
    with BoundMode() as mode:
        got = y + 7.5 * (x - y)
    for mutant in (7.25, 7.75):
        wrong = y.double() + mutant * (x.double() - y.double())
        assert bool(((got.double() - wrong).abs() > mode.error(got)).any())


@pytest.mark.parametrize("scale", [2.0**-12, 2.0**-30, 2.0**-120])
@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
def test_underflow_is_bounded(dtype, scale):
    x, y = operands(dtype, seed=2)
    x, y = (x.double() * scale).to(dtype), (y.double() * scale).to(dtype)
    operation = {
        "product": lambda a, b: a * b,
        "quotient": lambda a, b: a / 7.3,
        "root": lambda a, b: (a * b).abs().sqrt(),
    }
    for run in operation.values():
        with BoundMode() as mode:
            got = run(x, y)
        exact = run(x.double(), y.double())
        assert bool(((got.double() - exact).abs() <= mode.error(got)).all())


def test_the_smallest_doubles_keep_a_bound():
    x = torch.tensor([2.0**-1074, 3 * 2.0**-1074], dtype=torch.float64)
    with BoundMode() as mode:
        got = x * 0.3  # exactly 0.3 and 0.9 of the smallest number: rounds to 0 and to 1
    assert got.tolist() == [0.0, 2.0**-1074]
    assert bool((mode.error(got) > 0).all())


def test_every_rule_belongs_to_an_operator_of_torch():
    missing = [name for name in RULES if not hasattr(torch.ops.aten, name) and not hasattr(torch.ops.aten, name + "_")]
    assert not missing
