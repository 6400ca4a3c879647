"""Cases for whole runs, for one subject: powerful by construction, nothing is filtered."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cfg_equiv.strategies import guidance_cases
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler

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


def conversion_cases(subject: Conversion) -> SearchStrategy[Any]:
    """A prediction, a latent and a level on the declared path."""
    family = None if subject.path == "free" else subject.path
    return guidance_cases(
        source=st.sampled_from(subject.spaces), dtype=st.sampled_from(subject.dtypes), family=family, ends="none"
    )
