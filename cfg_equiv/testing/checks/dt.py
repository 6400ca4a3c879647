r"""DT: in every format, down a ladder from float64 to float16, the error is what that format's roundings explain.

- A **conversion** is compared with the exact value at the floats it was given (as RT does), a **rule** with itself in
  float64 on the same numbers; both within the running bound of their own roundings in the narrow format.
- A **sampler** is compared with its own run in the format it is declared for, from the same start, within what one ulp
  of the narrow format explains, of the predictions or of the data they stand for, and the rounding of its sums
  (:mod:`cfg_equiv.testing.allowance`): unless nothing is left of the end then, where it is expected to widen them.
- In its own format nothing of the latent's shape is rounded to a narrower one on the way.

What a format cannot show is said and counted as vacuous: a number beyond its range, an operation that it does not have,
a run that one ulp moves by as much as it is large, steps that an adaptive method chooses otherwise, a Brownian path
looked up at levels of the format.

**The ladder**, down which a fault of a sampler must be the larger to be seen: what is allowed is 32 ulps of the
format, times what the run makes of one. For a run that amplifies nothing that is 4e-6 of the latent in float32, 3 % in
float16 and 25 % in bfloat16 at worst, half as much at best. So a schedule table in the latent's own bfloat16, off by
up to 2^-9 of itself, is not seen in few steps: the roundings of a right run are as large. The two coordinates of a
point mass, fitted over 65536 elements, show no more: in 2 steps Euler's method is off by 0.019 there, and by 0.017 with
such a table. A table that is narrow whatever the latent is seen by SCH and X0, in the declared format.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.case import DTYPES, ConversionCase, GuidanceCase
from cfg_equiv.rounding.constants import FORMATS
from cfg_equiv.rounding.rerun import NotDeterministicError, Nudge, Spread, calibrated_spread
from cfg_equiv.testing.allowance import of_sums, with_data
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.rt import anchored
from cfg_equiv.testing.combine import bounded, combine
from cfg_equiv.testing.draw import combine_cases, conversion_cases, run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.narrow import Narrowing
from cfg_equiv.testing.network import Network, run, traced
from cfg_equiv.testing.noise import Injected
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler

LADDER = tuple(DTYPES)  # the widest first
# How torch and NumPy say that they have no such kernel, or no such format.
_MISSING = ("not implemented for", "unsupported", "not supported")


def narrow_run(subject: Sampler, case: RunCase) -> str | None:
    """The run in a narrow format against the run in the declared one."""
    if case.dtype == subject.dtype:
        with Narrowing(DTYPES[case.dtype], case.shape) as narrowing:
            run(subject, case, subject.spaces[0], case.z)
        _require_kept(case.dtype, narrowing)
        return None
    if subject.brownian:
        return f"in {case.dtype} it looks its Brownian path up at rounded levels, where a rough path is another one"
    as_declared = _run(subject, replace(case, dtype=subject.dtype), case.z.to(DTYPES[subject.dtype]))
    try:
        return _against(subject, case, *as_declared)
    except NotDeterministicError as error:
        return f"its run is another one in {case.dtype}: {error}"
    except (NotImplementedError, RuntimeError, TypeError) as error:
        return _missing(case.dtype, error)


def _against(subject: Sampler, case: RunCase, wide: Tensor, levels: list[Point], drawn: list[torch.Size]) -> str | None:
    """The run of a case against that in the declared format, its levels and draws."""
    wide, calls = wide.double(), len(wide)
    grids: set[tuple[float, ...]] = set()

    def again(nudge: Nudge, z: Tensor, data: bool = False) -> Tensor:
        states, chosen, shapes = _run(subject, case, z, nudge, data)
        grids.add(tuple(float(x) for at in chosen for x in (at.alpha, at.sigma)))
        if shapes != drawn:
            raise NotDeterministicError("other draws are made")
        if len(states) != calls:
            raise NotDeterministicError("the network is called another number of times")
        return states

    def nothing_left(bound: Tensor) -> bool:
        return bool(bound[-1].amin() >= wide[-1].abs().amax())

    sums = of_sums(wide, levels, DTYPES[case.dtype])
    if nothing_left(sums):
        sums = torch.zeros_like(sums)

    def allowed(spread: Spread) -> Tensor:
        return spread.bound.double() * (1 + FORMATS[subject.dtype].u / FORMATS[case.dtype].u) + sums

    def explained(spread: Spread) -> bool:
        return bool(((spread.result.double() - wide).abs() <= allowed(spread)).all())

    found = calibrated_spread(again, [case.z], seed=case.seed, enough=explained)
    narrow = found.result.double()
    if not bool(narrow.isfinite().all()) and _beyond(subject, case, wide, levels):
        return f"what a step of it adds up is beyond {case.dtype}"
    _require_finite(narrow, wide, case.dtype)
    if found.vacuous or not bool(wide.isfinite().all()):
        return f"{case.dtype} has no finite bound, or not the range"
    difference, bound = (narrow - wide).abs(), allowed(found)
    if nothing_left(bound):
        return f"{case.dtype} cannot show it: one ulp moves the end by as much as it is large"
    data = partial(calibrated_spread, partial(again, data=True), [case.z], seed=case.seed)
    if not nothing_left(more := with_data(subject.spaces[0], difference, bound, data)):
        bound = more
    if bool((difference <= bound).all()):
        return None
    if len(grids) > 1:  # one ulp moves its levels: an adaptive method, which takes others by right
        return f"it chooses its steps by what it computes, and others in {case.dtype}"
    ratio = difference / bound
    index = [int(i) for i in torch.unravel_index(ratio.argmax(), ratio.shape)]
    where = "the final latent" if index[0] == len(wide) - 1 else f"the latent of network call {index[0] + 1}"
    raise CheckFailure(
        f"in {case.dtype} {where} is off its {subject.dtype} value by {difference[tuple(index)]:.3g}, "
        f"{ratio.max():.3g} times what one ulp explains"
    )


def _run(
    subject: Sampler, case: RunCase, z: Tensor, nudge: Nudge = lambda x: x, data: bool = False
) -> tuple[Tensor, list[Point], list[torch.Size]]:
    """A run and the shapes of its draws, which are small multiples of 1/4: a generator's depend on the format."""
    with Injected(_quarters) as mode:
        states, levels = traced(subject, case, subject.spaces[0], z, nudge, data)
    return states, levels, mode.shapes


def _quarters(index: int, shape: torch.Size) -> Tensor:
    return ((torch.arange(shape.numel(), dtype=torch.float64) * 5 + 3 * index) % 13 - 6).reshape(shape) / 4


def _beyond(subject: Sampler, case: RunCase, states: Tensor, levels: list[Point]) -> bool:
    """Whether the sum of four latents or predictions may be no number of the format: no step could do without."""
    network, spaces = Network(subject, case, subject.spaces[0]), {subject.spaces[0], "x0", "eps"}
    handed = [network.predict(z, at, space) for z, at in zip(states[:-1], levels, strict=True) for space in spaces]
    scaled = [z / at.alpha for z, at in zip(states[:-1], levels, strict=True) if float(at.alpha)]
    most = torch.finfo(DTYPES[case.dtype]).max / 4
    return any(bool((x.abs() > most).any()) for x in (*handed, *scaled, states))


def narrow_rule(subject: Guidance, case: GuidanceCase) -> str | None:
    """The rule in a format against the rule in float64 on the same numbers."""
    if case.dtype == "float64":
        with Narrowing(DTYPES[case.dtype], case.shape) as narrowing:
            combine(subject, case.cond, case.uncond, case.weight)
        _require_kept(case.dtype, narrowing)
        return None
    wide, slack = bounded(subject, case.cond.double(), case.uncond.double(), replace(case, dtype="float64"))
    with Narrowing(DTYPES[case.dtype], case.shape) as narrowing:
        try:
            result, bound = bounded(subject, case.cond, case.uncond, case)
        except (NotImplementedError, RuntimeError, TypeError) as error:
            return _missing(case.dtype, error)
    _require_kept(case.dtype, narrowing)
    _require_finite(result.double(), wide, case.dtype)
    allowed = bound + slack
    if not bool(allowed.isfinite().any()):
        return f"{case.dtype} has no finite bound, or not the range"
    difference = (result.double() - wide).abs()
    if bool((difference > allowed).any()):
        ratio = difference / allowed
        index = tuple(int(i) for i in torch.unravel_index(ratio.nan_to_num().argmax(), ratio.shape))
        raise CheckFailure(
            f"in {case.dtype} the result at {index} is {result[index]:.6g}, in float64 {wide[index]:.6g}: "
            f"{ratio.nan_to_num().max():.3g} times the bound"
        )
    return None


def narrow_conversion(subject: Conversion, case: ConversionCase) -> str | None:
    """The conversion in a format against the exact value."""
    try:
        return anchored(subject, case)
    except (NotImplementedError, RuntimeError, TypeError) as error:
        return _missing(case.dtype, error)


def _require_kept(dtype: str, narrowing: Narrowing) -> None:
    if narrowing.lost is not None:
        came = str(narrowing.lost).removeprefix("torch.")
        raise CheckFailure(f"in {dtype} values of the latent's shape are rounded to {came} on the way")


def _require_finite(narrow: Tensor, wide: Tensor, dtype: str) -> None:
    """A number that the format holds must not come out as none: an overflow, or an underflow that is divided by."""
    lost = wide.isfinite() & ~narrow.isfinite()
    if bool(lost.any()) and bool(wide[wide.isfinite()].abs().max() < torch.finfo(DTYPES[dtype]).max):
        index = tuple(int(i) for i in lost.nonzero()[0])
        raise CheckFailure(f"in {dtype} the value at {index} is {float(narrow[index])}, wider it is {wide[index]:.6g}")


def _missing(dtype: str, error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, NotImplementedError) or any(part in text.lower() for part in _MISSING):
        return f"it does not take {dtype}: {text[:120]}"
    raise error


def _ladder(cases: Callable[[Any], SearchStrategy[Any]]) -> Callable[[Any], SearchStrategy[Any]]:
    def drawn(subject: Any) -> SearchStrategy[Any]:
        return cases(replace(subject, dtypes=LADDER))

    return drawn


def _run_cases(subject: Sampler) -> SearchStrategy[RunCase]:
    """Half of them in two steps from the largest data: digits are lost where large numbers have a small difference.

    The first that Hypothesis draws is the leftmost: the narrowest format, and such a run.
    """
    low, high = subject.steps
    two: dict[str, Any] = {"steps": min(max(low, 2), high)}
    longest = two if subject.clip is not None else {**two, "reach": 2}
    own = LADDER.index(subject.dtype)
    formats = LADDER[own : own + 1] if subject.brownian else LADDER[own:][::-1]

    def drawn(pair: tuple[str, dict[str, Any]]) -> SearchStrategy[RunCase]:
        return run_cases(subject, dtype=pair[0], **pair[1])

    return st.tuples(st.sampled_from(formats), st.sampled_from((longest, {}))).flatmap(drawn)


HINT = "a table or a constant in the latent's own narrow format, 1 - alpha-bar computed in it, a cast that stays"
SUMMARY = "in every format the error is what its roundings explain"
CHECKS = (
    Check("dt", "DT", SUMMARY, HINT, Sampler, narrow_run, _run_cases),
    Check("dt", "DT", SUMMARY, HINT, Guidance, narrow_rule, _ladder(combine_cases)),
    Check("dt", "DT", SUMMARY, HINT, Conversion, narrow_conversion, _ladder(conversion_cases)),
)
