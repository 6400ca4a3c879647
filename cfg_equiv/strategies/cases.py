"""Whole cases: a guided prediction, or guided steps of a sampler."""

from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cfg_equiv.algebra.points import Point, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.case import DTYPES, GuidanceCase, StepCase, route
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.guidance import CONVENTIONS
from cfg_equiv.strategies.arguments import any_of, counted, named, shaped, strategy
from cfg_equiv.strategies.paths import ENDS, FAMILIES, MOST_STEPS, draw_level, draw_schedule
from cfg_equiv.strategies.values import patterns, weights

_SIGMA_DATA = st.sampled_from((0.5, 1.0, 2.0, 0.25))
_SLOPES = st.tuples(st.integers(-8, -1), st.integers(1, 8)).map(lambda k: (k[0] / 4, k[1] / 4))
_ETA = st.sampled_from((0.5, 1.0, 0.0, 0.25, 0.75))
# 8 and 11 bits move a level off the circle, where at eta = 1 a radicand that is small beside that may turn negative.
_ETA_OFF_THE_CIRCLE = st.sampled_from((0.5, 0.0, 0.25, 0.75))
# The centres of the lattices differ, so that the simplest case has a cond-uncond gap and a noise of its own.
_CENTRES = {"latent": 2, "conditional": 4, "unconditional": 0}


def guidance_cases(
    *,
    source: Any = None,
    family: Any = None,
    dtype: Any = None,
    shape: Any = None,
    w: Any = None,
    convention: Any = "u+w(c-u)",
    ends: Any = None,
) -> SearchStrategy[GuidanceCase]:
    """Two predictions of parameterization ``source`` at one latent, and a weight in a declared convention."""
    return _guidance_cases(
        named("family", family, FAMILIES),
        named("choice of ends", ends, ENDS),
        **_common(source, dtype, shape, w, convention),
    )


def step_cases(
    *,
    sampler: Any = None,
    source: Any = None,
    family: Any = None,
    dtype: Any = None,
    shape: Any = None,
    steps: Any = 1,
    w: Any = None,
    convention: Any = "u+w(c-u)",
    eta: Any = None,
    schedule: Any = None,
    ends: Any = None,
) -> SearchStrategy[StepCase]:
    """Guided steps of a sampler, by default along the families its native form is valid on.

    A ``schedule``, the levels from noise to data, takes the place of ``family``, ``steps`` and ``ends``. Where the
    format rounds levels off the circle that the sampler needs, ``eta`` is below 1, so that every case has a value.
    """
    return _step_cases(
        named("sampler", sampler, SAMPLERS),
        None if family is None else named("family", family, FAMILIES),
        counted(steps, MOST_STEPS),
        named("choice of ends", ends, ENDS),
        None if schedule is None else strategy(schedule),
        None if eta is None else strategy(eta),
        **_common(source, dtype, shape, w, convention),
    )


def _common(source: Any, dtype: Any, shape: Any, w: Any, convention: Any) -> dict[str, SearchStrategy[Any]]:
    return {
        "source": named("parameterization", source, PARAMETERIZATIONS),
        "dtype": named("dtype", dtype, DTYPES),
        "shape": shaped(shape),
        "weight": weights() if w is None else strategy(w),
        "convention": named("guidance convention", convention, CONVENTIONS),
    }


def _drawn(draw: DrawFn, common: dict[str, SearchStrategy[Any]]) -> dict[str, Any]:
    values = {name: draw(given) for name, given in common.items()}
    values |= {name: draw(patterns(values["shape"], centre)) for name, centre in _CENTRES.items()}
    needs = PARAMETERIZATIONS[values["source"]].needs
    if "sigma_data" in needs:
        values["sigma_data"] = draw(_SIGMA_DATA)
    if "dalpha" in needs:
        values["dalpha"], values["dsigma"] = draw(_SLOPES)
    return values


@st.composite
def _guidance_cases(
    draw: DrawFn, /, family: SearchStrategy[str], ends: SearchStrategy[str], **common: SearchStrategy[Any]
) -> GuidanceCase:
    values = _drawn(draw, common)
    noise, data = ENDS[draw(ends)]
    able = noise and _determined(values["source"], Point(0, 1)), data and _determined(values["source"], Point(1, 0))
    return GuidanceCase(**values, level=draw_level(draw, draw(family), *able))


@cache
def _determined(source: str, end: Point) -> bool:
    """Whether a prediction of this row and the latent determine data and noise at an end."""
    at = Point(*map(Fraction, end[:2]))
    try:
        row = PARAMETERIZATIONS[source].at(RATIONAL, at, sigma_data=1, dalpha=-1, dsigma=1)
    except ZeroDivisionError:
        return False
    return bool(det(at, row) != 0)


@st.composite
def _step_cases(
    draw: DrawFn,
    /,
    sampler: SearchStrategy[str],
    family: SearchStrategy[str] | None,
    steps: SearchStrategy[int],
    ends: SearchStrategy[str],
    schedule: SearchStrategy[Any] | None,
    eta: SearchStrategy[Any] | None,
    **common: SearchStrategy[Any],
) -> StepCase:
    values = _drawn(draw, common)
    chosen = SAMPLERS[draw(sampler)]
    if schedule is None:
        path = draw(any_of(tuple(FAMILIES) if chosen.path == "any" else (chosen.path,)) if family is None else family)
        count = draw(steps)
        able = _able(chosen.name, values["source"], count, *ENDS[draw(ends)])
        values["levels"] = draw_schedule(draw, path, count, *able)
    else:
        values["levels"] = tuple(tuple(level) for level in draw(schedule))
    if "noise" in chosen.extras:
        values["fresh_noise"] = draw(patterns(values["shape"], -4))
    if "eta" in chosen.extras:
        if eta is None:
            rounded = chosen.path == "vp" and values["dtype"] in ("bfloat16", "float16")
            eta = _ETA_OFF_THE_CIRCLE if rounded else _ETA
        values["eta"] = draw(eta)
    return StepCase(sampler=chosen.name, **values)


@cache
def _able(sampler: str, source: str, steps: int, noise: bool, data: bool) -> tuple[bool, bool]:
    """The wanted ends at which the step has a value; where it has one at either but not at both, the noise end."""
    noise = noise and route(sampler, source, True, False) != "none"
    data = data and route(sampler, source, False, True) != "none"
    if steps == 1 and noise and data and route(sampler, source, True, True) == "none":
        data = False
    return noise, data
