r"""The exact grid of the first-order samplers, each from every parameterization over one to three steps.

A network of a row emits ``p*x0 + q*eps`` for a conditional and an unconditional denoiser whose answers are fresh at
every call, so nothing can cancel by luck. The trace compared is that of the latents at which the network is called, and
the end point: a sampler that converts its output twice can still call the network in the wrong place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.stepping import emit, step_from
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.results import GridResult

F = Fraction
STEPS = (1, 2, 3)
WEIGHT = F(15, 2)

# Four points from noise to data, one more than the largest number of steps; the last is short of sigma = 0.
PATHS: dict[str, tuple[tuple[Fraction, Fraction], ...]] = {
    "vp": tuple((F(a, c), F(b, c)) for a, b, c in ((5, 12, 13), (3, 4, 5), (4, 3, 5), (12, 5, 13))),
    "flow": tuple((1 - F(k, 8), F(k, 8)) for k in (7, 5, 3, 1)),
    "ve": tuple((F(1), F(k)) for k in (9, 4, 2, 1)),
    "free": ((F(1, 2), F(3)), (F(2), F(5, 2)), (F(3, 2), F(1)), (F(7, 3), F(1, 2))),
}
VALID = {"any": ("vp", "flow", "ve", "free"), "vp": ("vp",), "flow": ("flow",)}
PARAMETERS = {"sigma_data": F(1, 2), "dalpha": F(-3, 2), "dsigma": F(2)}
EXTRAS = {"noise": F(-5, 3), "eta": F(1, 2)}
START = F(7, 4)


@dataclass(frozen=True)
class GridCase:
    """One trajectory: a sampler, the row its network emits, a path and a number of steps."""

    sampler: Sampler
    row: str
    path: str
    steps: int

    def __str__(self) -> str:
        return f"{self.sampler.name} from {self.row} on {self.path}, {self.steps} step(s)"


def cases() -> Iterator[GridCase]:
    """Every case of the grid."""
    for sampler in SAMPLERS.values():
        for path in VALID[sampler.path]:
            for row in PARAMETERIZATIONS:
                for steps in STEPS:
                    yield GridCase(sampler, row, path, steps)


def trace(case: GridCase, row: str) -> list[Any]:
    """The latents at which the network is called, and the end point, when it emits ``row``."""
    z: Any = START
    visited = [z]
    levels = [point(RATIONAL, alpha, sigma) for alpha, sigma in PATHS[case.path]]
    extras = {name: EXTRAS[name] for name in case.sampler.extras}
    for k, (s, t) in enumerate(pairwise(levels[: case.steps + 1])):
        guided = cfg(network(row, z, s, call=2 * k), network(row, z, s, call=2 * k + 1), WEIGHT)
        z = step_from(RATIONAL, case.sampler, row, z, guided, s, t, **extras, **PARAMETERS)
        visited.append(z)
    return visited


def network(row: str, z: Any, at: Point, call: int) -> Any:
    """The output of a network of parameterization ``row``: its denoiser answers afresh at every call, and sees z."""
    x0 = z / 3 + F((-1) ** call * (2 * call + 1), call + 2)
    return emit(RATIONAL, x0, eps_from_x0(z, x0, at), at, row, **PARAMETERS)


def run_grid(progress: Callable[[str], object] = lambda text: None) -> GridResult:
    """Compare every case with the same sampler fed by its native row."""
    failures, count = [], 0
    reference: dict[tuple[str, str, int], list[Any]] = {}
    for case in cases():
        key = (case.sampler.name, case.path, case.steps)
        if key not in reference:
            reference[key] = trace(case, case.sampler.space)
            progress(f"exact grid: {case.sampler.name} on {case.path}")
        count += 1
        if trace(case, case.row) != reference[key]:
            failures.append(str(case))
    return GridResult(count, len(failures), tuple(failures))
