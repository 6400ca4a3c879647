"""Strategies keep their promises by construction: on the path, distinct, ordered, exact in every dtype."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from cfg_equiv import strategies as cst
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.case import DTYPES, route
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.schedules import RectifiedFlow
from cfg_equiv.strategies.paths import ENDS, FAMILIES, MOST_STEPS

ON_PATH = {
    "vp": lambda a, s: a * a + s * s == 1,
    "ve": lambda a, s: a == 1,
    "flow": lambda a, s: a + s == 1,
    "free": lambda a, s: True,
}
SHAPES = [(2, 4, 8, 8), (2, 3, 4), (2, 2), (3, 1), (5,), (4, 3, 2), (2, 1, 9), (6, 5, 3)]


def exact(level):
    return tuple(map(Fraction, level))


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=50)
@given(data=st.data())
def test_schedules_are_on_their_path_distinct_and_run_from_noise_to_data(family, data):
    steps, ends = data.draw(st.integers(1, MOST_STEPS)), data.draw(st.sampled_from(sorted(ENDS)))
    path = [exact(level) for level in data.draw(cst.schedules(family=family, steps=steps, ends=ends))]
    assert len(path) == steps + 1
    assert all(ON_PATH[family](*level) and min(level) >= 0 and sum(level) > 0 for level in path)
    assert all(a0 * s1 < a1 * s0 for (a0, s0), (a1, s1) in pairwise(path))  # sigma/alpha falls: distinct, ordered
    noise, at_data = ENDS[ends]
    assert (path[0][0] == 0) == (noise and family != "ve")
    assert (path[-1][1] == 0) == at_data


@pytest.mark.parametrize("family", FAMILIES)
def test_the_levels_of_a_family_are_regular_distinct_and_reach_far(family):
    snr = {a / s for a, s in FAMILIES[family]}
    assert len(snr) == len(FAMILIES[family])
    assert max(snr) >= 15
    assert min(snr) <= Fraction(1, 15)


def test_free_paths_are_free():
    level = find(cst.schedules(family="free", steps=2), lambda p: exact(p[0])[0] > exact(p[1])[0] < exact(p[2])[0])
    assert len({sum(exact(x)) for x in level}) > 1


@settings(max_examples=50)
@given(cst.levels(ends="none"), cst.points(dtype="bfloat16"), cst.levels(family="flow", ends="both"))
def test_levels_and_points(level, at, flow):
    assert min(exact(level)) > 0
    assert at.alpha.dtype == at.sigma.dtype == at.lam.dtype == torch.bfloat16
    assert torch.equal(at.lam, torch.log(at.alpha / at.sigma))
    assert sum(exact(flow)) == 1


@pytest.mark.parametrize("end", [(0, 1), (1, 0)])
def test_levels_reach_both_ends(end):
    assert exact(find(cst.levels(family="vp"), lambda level: exact(level) == end)) == end
    with pytest.raises(NoSuchExample):
        find(cst.levels(family="vp", ends="none"), lambda level: exact(level) == end, settings=QUIET)


def simplest(strategy):
    """The first example Hypothesis tries."""
    seen = []

    @settings(max_examples=1, database=None, phases=[Phase.generate])
    @given(strategy)
    def look(drawn):
        seen.append(drawn)

    look()
    return seen[0]


QUIET = settings(max_examples=100, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=25)
@given(data=st.data())
def test_items_of_a_batch_are_distinct_by_construction(shape, data):
    case = data.draw(cst.step_cases(shape=shape, sampler="renoise"))
    for x in (data.draw(cst.latents(shape=shape)), case.z, case.cond, case.uncond, case.extras["noise"]):
        assert tuple(x.shape) == shape
        assert len({tuple(item.flatten().tolist()) for item in x}) == shape[0]


def test_tiling_alone_would_make_items_equal():
    """The check above can fail: a pattern of 4 divides every item of (2, 4, 8, 8)."""
    tiled = torch.tensor([1.0, 2.0, 3.0, 4.0]).repeat(128).reshape(2, 4, 8, 8)
    assert torch.equal(tiled[0], tiled[1])


@settings(max_examples=50)
@given(cst.step_cases(dtype="float64"))
def test_drawn_numbers_are_exact_in_every_dtype(case):
    for x in (case.z, case.cond, case.uncond, case.w, *case.extras.values()):
        for dtype in DTYPES.values():
            assert torch.equal(x.to(dtype).double(), x)


@settings(max_examples=50)
@given(cst.step_cases(steps=st.integers(1, 3)))
def test_a_drawn_step_has_a_value(case):
    ends = bool(case.alpha[0] == 0), bool(case.sigma[-1] == 0)
    assert (case.alpha[1:] > 0).all()
    assert (case.sigma[:-1] > 0).all()
    if len(case.levels) == 2:
        assert route(case.sampler, case.source, *ends) != "none"
    case.exact()
    path = SAMPLERS[case.sampler].path
    assert path == "any" or all(ON_PATH[path](*exact(level)) for level in case.levels)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@settings(max_examples=50)
@given(data=st.data())
def test_in_the_halves_a_step_on_the_circle_stops_short_of_all_noise(dtype, data):
    """At eta = 1 a radicand may be smaller than what rounding moves the level off the circle by."""
    case = data.draw(cst.step_cases(sampler="v_diffusion", dtype=dtype))
    assert case.eta < 1
    case.exact()
    assert data.draw(cst.step_cases(sampler="v_diffusion", dtype=dtype, eta=1.0)).eta == 1  # as asked


@pytest.mark.slow
def test_in_wider_formats_and_off_the_circle_all_noise_is_drawn():
    for asked in ({"sampler": "v_diffusion", "dtype": "float32"}, {"sampler": "euler_ancestral", "dtype": "float16"}):
        assert find(cst.step_cases(**asked), lambda case: case.eta == 1).eta == 1


def test_ends_are_reached_where_they_can_be():
    both = cst.step_cases(sampler="ddim_x0", source="v", family="vp", ends="both")
    assert simplest(both).levels == ((0.0, 1.0), (1.0, 0.0))
    eps = cst.step_cases(sampler="ddim_x0", source="eps", family="vp", ends="both")
    assert simplest(eps).levels[0][0] != 0.0


@settings(max_examples=50)
@given(cst.row_pairs(), cst.row_pairs(source="v"), cst.row_pairs(target="eps"))
def test_row_pairs_are_two_rows(pair, of_v, to_eps):
    for source, target in (pair, of_v, to_eps):
        assert source != target
        assert {source, target} <= set(PARAMETERIZATIONS)
    assert of_v[0] == "v"
    assert to_eps[1] == "eps"


def test_both_rows_given():
    assert simplest(cst.row_pairs(source="v", target="eps")) == ("v", "eps")


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 7.5, 30.0, 2.25, -1.5])
def test_weights_contain(w):
    assert find(cst.weights(), lambda drawn: drawn == w) == w


def test_arguments_are_values_or_strategies():
    drawn = find(
        cst.step_cases(
            sampler=st.just("euler_flow"),
            source="eps",
            family="flow",
            dtype=st.just("float16"),
            shape=(2, 1),
            steps=2,
            w=st.just(3.5),
            convention="c+w(c-u)",
            ends="none",
        ),
        lambda case: True,
    )
    assert (drawn.sampler, drawn.source, drawn.dtype, drawn.shape) == ("euler_flow", "eps", "float16", (2, 1))
    assert (drawn.weight, drawn.convention, len(drawn.levels)) == (3.5, "c+w(c-u)", 3)
    numeric = [(float(p.alpha), float(p.sigma)) for p in RectifiedFlow(shift=3.0).points(10)[2:4]]
    assert simplest(cst.step_cases(source="v", schedule=numeric)).levels == tuple(numeric)
    guided = simplest(cst.guidance_cases(source="score", family="ve", w=1, ends="both"))
    assert (guided.source, guided.weight, guided.level) == ("score", 1, (1.0, 1.0))


def test_the_simplest_case_shows_a_gap():
    """Hypothesis begins with the simplest case: a bug in guidance must not be hidden there."""
    first = simplest(cst.step_cases())
    assert (first.cond != first.uncond).all()
    assert (first.cond != first.z).all()
    assert first.weight not in (0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: cst.schedules(family="cosine"), UnknownNameError, "expected a family out of .*, got 'cosine'"),
        (lambda: cst.levels(ends="left"), UnknownNameError, "expected a choice of ends out of both, .*, got 'left'"),
        (lambda: cst.schedules(steps=0), ParameterError, "expected 1 to 8 steps, got 0: pass schedule= for"),
        (lambda: cst.latents(dtype="half"), UnknownNameError, "expected a dtype out of"),
        (lambda: cst.latents(shape=4), ParameterError, "expected a shape of positive whole numbers, got 4: give"),
        (lambda: cst.row_pairs(source="noise"), UnknownNameError, "expected a parameterization out of"),
        (lambda: cst.step_cases(sampler="ddim"), UnknownNameError, "expected a sampler out of .*'ddim': did you mean"),
        (lambda: cst.step_cases(convention="w"), UnknownNameError, "expected a guidance convention out of"),
    ],
)  # fmt: skip
def test_bad_arguments_are_one_sentence_at_once(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_bad_drawn_argument_is_the_same_sentence():
    with pytest.raises(UnknownNameError, match="expected a family out of"):
        find(cst.levels(family=st.just("cosine")), lambda level: True)
