"""Cases for one subject: powerful by construction, nothing is filtered."""

from itertools import permutations
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cfg_equiv.case import ConversionCase
from cfg_equiv.strategies import guidance_cases
from cfg_equiv.testing.cases import RunCase, TimeCase
from cfg_equiv.testing.network import PARAMETERS
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler, Schedule

# The simplest first: Hypothesis shrinks towards the left.
_WEIGHTS = (7.5, 1, 3, 0.5, 30)
_SHAPES = ((2, 3), (3, 2), (2, 3, 2, 2), (2, 4, 8))
_NETWORKS = ("gaussian", "mixture")


def run_cases(subject: Sampler, **fixed: Any) -> SearchStrategy[RunCase]:
    """Runs of a few steps, guided with a gap that shows; data beyond the clip where the subject has one."""
    reach: SearchStrategy[Any] = st.sampled_from((1, 2, 0.5))
    if subject.clip is not None:  # the data of the pairs reach about 2: this puts most of them outside
        reach = st.sampled_from(tuple(subject.clip * k for k in (2, 4, 1)))
    latents = st.lists(st.integers(-8, 8), min_size=1, max_size=5).map(lambda ks: tuple(k / 4 for k in ks))
    drawn: dict[str, SearchStrategy[Any]] = {
        "network": st.sampled_from(_NETWORKS),
        "shape": st.sampled_from(_SHAPES),
        "dtype": st.just(subject.dtype),
        "steps": st.integers(*subject.steps),
        "weight": st.sampled_from(_WEIGHTS),
        "reach": reach,
        "latent": latents,
        "seed": st.integers(0, 3),
    }
    return st.builds(RunCase, **{**drawn, **{name: st.just(value) for name, value in fixed.items()}})


def combine_cases(subject: Guidance) -> SearchStrategy[Any]:
    """Two different predictions and a weight; image-shaped latents among them, as many rules need."""
    shapes = st.sampled_from(((2, 3, 4, 4), (2, 4, 8), (3, 2, 2, 2)))
    return guidance_cases(
        source="x0",
        dtype=st.sampled_from(subject.dtypes),
        shape=shapes,
        convention=subject.convention,
        w=st.sampled_from((3.0, 7.5, 1.5, 0.5, -1.0)),
        ends="none",
    )


def conversion_cases(subject: Conversion) -> SearchStrategy[ConversionCase]:
    """A prediction, a latent and a level on the declared path, and another row to convert it to.

    For a free path most levels are off VP, where forms that are right nowhere else are right; only those of VP are
    numbers that single precision does not hold.
    """
    families = ("free", "vp", "ve", "flow") if subject.path == "free" else (subject.path,)
    parameters: dict[str, Any] = {name: float(x) for name, x in PARAMETERS.items()}
    names = "source", "dtype", "shape", "latent", "conditional", "level"

    def cases(pair: tuple[str, str]) -> SearchStrategy[ConversionCase]:
        drawn = guidance_cases(
            source=pair[0],
            dtype=st.sampled_from(subject.dtypes),
            family=st.sampled_from(families),
            ends="none",
        )
        return drawn.map(
            lambda case: ConversionCase(**{name: getattr(case, name) for name in names}, **parameters, target=pair[1])
        )

    return st.sampled_from(tuple(permutations(subject.spaces, 2))).flatmap(cases)


def whole_schedules(subject: Schedule) -> SearchStrategy[TimeCase]:
    """All listed times: one case."""
    return st.just(TimeCase(last=len(subject.times) - 1))


def single_times(subject: Schedule) -> SearchStrategy[TimeCase]:
    """One of the listed times."""
    return st.integers(0, len(subject.times) - 1).map(lambda index: TimeCase(first=index, last=index))
