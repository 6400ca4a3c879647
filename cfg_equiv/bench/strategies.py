"""Examples per second: our strategies against ``hypothesis.extra.numpy``, driving the same check in the same run.

Run ``python -m cfg_equiv.bench.strategies``. The check is guidance on 512 elements; what differs is only where
its latent, predictions, weight and level come from. It exits with 1 if ours give fewer than twice the examples.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.strategies import guidance_cases

SHAPE = (2, 4, 8, 8)  # 512 elements
DEMANDED = 2.0


def check(z: Tensor, cond: Tensor, uncond: Tensor, w: Tensor, alpha: Tensor, sigma: Tensor) -> None:
    """The same work for both: a guided prediction, a shifted one, and the end point w = 0."""
    shifted = cfg(cond + z, uncond + z, w)
    if not torch.equal(cfg(cond, uncond, 0.0), uncond) or shifted.shape != (alpha * cond + sigma * z).shape:
        raise AssertionError("cfg is off at w = 0")


def arrays() -> st.SearchStrategy[Any]:
    """What a guidance case holds, as a user of ``hypothesis.extra.numpy`` would draw it, with its own fast fill."""
    drawn = hnp.arrays(numpy.float64, SHAPE, elements=st.floats(-8, 8))
    scalars = (st.sampled_from((7.5, 1.0, 0.0, 30.0)), st.floats(0.125, 1), st.floats(0.125, 1))
    return st.tuples(drawn, drawn, drawn, *scalars)


def tensors(drawn: Any) -> list[Tensor]:
    """Arrays and numbers as tensors."""
    return [torch.as_tensor(x, dtype=torch.float64) for x in drawn]


def rate(examples: int, strategy: st.SearchStrategy[Any], run: Callable[[Any], None]) -> float:
    """Examples per second of a property over ``strategy``."""
    count = 0

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=strategy)
    def body(drawn: Any) -> None:
        nonlocal count
        count += 1
        run(drawn)

    start = time.perf_counter()
    body()
    return count / (time.perf_counter() - start)


def main() -> int:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description="Examples per second at 512 elements.")
    parser.add_argument("--examples", type=int, default=500)
    examples = parser.parse_args().examples
    cases = guidance_cases(source="x0", dtype="float64", shape=SHAPE, ends="none")
    ours = rate(examples, cases, lambda c: check(c.z, c.cond, c.uncond, c.w, c.alpha, c.sigma))
    theirs = rate(examples, arrays(), lambda drawn: check(*tensors(drawn)))
    print(f"cfg_equiv.strategies    {ours:7.0f} examples/s at {torch.Size(SHAPE).numel()} elements")
    print(f"hypothesis.extra.numpy  {theirs:7.0f} examples/s")
    print(f"ratio {ours / theirs:.2f} (at least {DEMANDED:g} is promised)")
    return 0 if ours >= DEMANDED * theirs else 1


if __name__ == "__main__":
    sys.exit(main())
