r"""How tight are the running bounds, and are they ever violated? Measured on one guided step from every row.

``python -m cfg_equiv.bench.bounds --cases 1000000`` draws that many cases for each dtype and row: half-log-SNR uniform
in [-10, 10] at both ends of the step, on VP, VE and flow in turn, w in {1, 7.5, 30}, predictions and latent normal. The
step is CFG, conversion to x0, DDIM in its x0 form, as :mod:`cfg_equiv.algebra` ships them.

The reference for the lower formats is the same formula in float64, whose own bound is added to the observed error; for
float64 it is numpy's ``longdouble`` with :math:`u = 2^{-64}`. The bound grows at least linearly in :math:`u`, so that
reference is off by at most :math:`2^{-11}` of the float64 bound; :math:`2^{-10}` is added. The columns: violations, the
share of cases without a finite bound (overflow), the smallest and the median bound/observed. The exit status is 1 if a
bound is violated, the smallest ratio reaches 3 (4 for rows with a root) or the median reaches 40.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.rounding.apriori import guided_step
from cfg_equiv.rounding.bounded import BOUNDED, Bounded

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
WEIGHTS = (1.0, 7.5, 30.0)
LAMBDA = 10.0
CHUNK = 32_768  # small enough for a core's cache
SMALLEST_BELOW, SMALLEST_BELOW_WITH_ROOT, MEDIAN_BELOW = 3.0, 4.0, 40.0
ROOTED = frozenset({"F", "k_diffusion_v"})


class LONGDOUBLE:
    """The namespace ``xp`` of the float64 reference."""

    sqrt = staticmethod(np.sqrt)
    log = staticmethod(np.log)
    expm1 = staticmethod(np.expm1)


@dataclass(frozen=True)
class Measured:
    """What came of the cases of one dtype and row."""

    dtype: str
    row: str
    cases: int
    violations: int
    nonfinite: float
    smallest: float
    median: float

    @property
    def holds(self) -> bool:
        """Whether the bound held and was as tight as promised."""
        limit = SMALLEST_BELOW_WITH_ROOT if self.row in ROOTED else SMALLEST_BELOW
        return self.violations == 0 and 1 <= self.smallest < limit and self.median < MEDIAN_BELOW


def measure(dtype: torch.dtype, row: str, cases: int, seed: int = 0, mutate: float = 0.0) -> Measured:
    """Compare bound and observed error on ``cases`` steps; ``mutate`` multiplies one coefficient by ``1 + mutate``."""
    generator = torch.Generator().manual_seed(seed)
    ratios, violations, finite = [], 0, 0
    for start in range(0, cases, CHUNK):
        inputs = draw(min(CHUNK, cases - start), dtype, generator)
        result = guided_step(
            BOUNDED, row, {name: Bounded(x) for name, x in inputs.items()}, factor=1 + mutate if mutate else 1
        )
        observed = _observed(row, inputs, result)
        usable = result.err.isfinite() & observed.isfinite()
        bound, observed = result.err[usable], observed[usable]
        finite += int(usable.sum())
        violations += int((observed > bound).sum())
        ratios.append((bound / observed)[observed > 0])
    joined = torch.cat(ratios).numpy()
    smallest, median = float(joined.min()), float(np.median(joined))
    name = str(dtype).removeprefix("torch.")
    return Measured(name, row, cases, violations, 1 - finite / cases, smallest, median)


def draw(n: int, dtype: torch.dtype, generator: torch.Generator) -> dict[str, Tensor]:
    """The inputs of ``n`` cases, already in ``dtype``: they are what the exact result is about."""

    def uniform() -> Tensor:
        return torch.rand(n, generator=generator, dtype=torch.float64)

    family = torch.arange(n) % 3
    given = {}
    for end in "st":
        lam = (2 * uniform() - 1) * LAMBDA
        vp, ve, flow = (
            (torch.sigmoid(2 * lam).sqrt(), torch.sigmoid(-2 * lam).sqrt()),
            (torch.ones_like(lam), torch.exp(-lam)),
            (torch.sigmoid(lam), torch.sigmoid(-lam)),
        )
        for name, *values in zip(("alpha", "sigma"), vp, ve, flow, strict=True):
            given[f"{name}_{end}"] = torch.stack(values).gather(0, family[None])[0]
    # a velocity of each path: the angle on VP, sigma itself on VE and flow
    given["dalpha"] = torch.stack([-given["sigma_s"], 0 * lam, 0 * lam - 1]).gather(0, family[None])[0]
    given["dsigma"] = torch.stack([given["alpha_s"], 0 * lam + 1, 0 * lam + 1]).gather(0, family[None])[0]
    given["sigma_data"] = 0.25 + uniform()
    given["w"] = torch.tensor(WEIGHTS, dtype=torch.float64)[torch.randint(3, (n,), generator=generator)]
    for name in ("z", "cond", "uncond"):
        given[name] = torch.randn(n, generator=generator, dtype=torch.float64)
    return {name: x.to(dtype) for name, x in given.items()}


def _observed(row: str, inputs: dict[str, Tensor], result: Bounded) -> Tensor:
    """The distance to the result computed to more digits, plus a bound of that one's own error."""
    if result.dtype != torch.float64:
        exact = guided_step(BOUNDED, row, {name: Bounded(x.double()) for name, x in inputs.items()})
        distance: Tensor = (result.value.double() - exact.value).abs() + exact.err
        return distance
    if np.finfo(np.longdouble).nmant < 63:
        raise RuntimeError("expected a long double of 64 bits as float64's reference; run on x86, or leave float64 out")
    wide = guided_step(LONGDOUBLE, row, {name: x.numpy().astype(np.longdouble) for name, x in inputs.items()})
    rest = np.abs(result.value.numpy().astype(np.longdouble) - wide).astype(np.float64)
    return torch.from_numpy(rest) + result.err * 2.0**-10


def measure_all(cases: int, dtypes: Sequence[torch.dtype] = DTYPES) -> Iterator[Measured]:
    """Every dtype and row."""
    for dtype in dtypes:
        for row in PARAMETERIZATIONS:
            yield measure(dtype, row, cases)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: the table, and whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m cfg_equiv.bench.bounds", description="Tightness of the bounds.")
    parser.add_argument("--cases", type=int, default=100_000, help="cases per dtype and row")
    options = parser.parse_args(arguments)
    if options.cases < 1:
        parser.error(f"expected at least one case, got {options.cases}; try --cases 100000")
    print(f"{'dtype':10}{'row':18}{'violations':>11}{'nonfinite':>11}{'smallest':>10}{'median':>9}")
    holds = True
    for m in measure_all(options.cases):
        holds = holds and m.holds
        verdict = "" if m.holds else "  not met"
        line = f"{m.dtype:10}{m.row:18}{m.violations:11d}{m.nonfinite:11.2%}{m.smallest:10.3f}{m.median:9.2f}{verdict}"
        print(line, flush=True)
    print("all bounds hold and are tight" if holds else "the requirement is not met")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
