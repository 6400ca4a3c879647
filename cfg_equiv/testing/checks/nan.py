"""NAN: a run and its levels are finite for every parameterization it accepts, for one to four steps, at both ends."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.draw import run_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.levels import level_at
from cfg_equiv.testing.network import run
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Sampler


def finite(subject: Sampler, case: RunCase) -> str | None:
    """Every latent shown to the network and its level, and the end, in every space."""
    subject = replace(subject, level=_not_nan(subject.level))
    for space in subject.spaces:
        trace = run(subject, case, space, case.z)
        bad = ~trace.isfinite().flatten(1).all(1)
        if bool(bad.any()):
            index = int(bad.nonzero()[0, 0])
            where = "the final latent" if index == len(trace) - 1 else f"the latent of network call {index + 1}"
            raise CheckFailure(f"{where} is not finite with {space} predictions and {case.steps} step(s)")
    return None


def _not_nan(level: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], tuple[Any, Any]]:
    def at(t: Any) -> tuple[Any, Any]:
        found = level_at(level, t)
        if bool(found.alpha.isnan()) or bool(found.sigma.isnan()):
            raise CheckFailure(f"the level at t = {t} is alpha = {float(found.alpha)}, sigma = {float(found.sigma)}")
        return found.alpha, found.sigma

    return at


def _few_steps(subject: Sampler) -> SearchStrategy[RunCase]:
    low, high = subject.steps
    return st.integers(low, max(low, min(high, 4))).flatmap(lambda steps: run_cases(subject, steps=steps))


CHECKS = (
    Check(
        name="nan",
        property="NAN",
        summary="every latent is finite, for few steps and at both ends",
        hint="a division by alpha at full noise or by sigma at the end, a logarithm of 0, the root of a negative",
        kind=Sampler,
        body=finite,
        strategy=_few_steps,
    ),
)
