"""Bad grids: one sentence each, with the solver and the index."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from cfg_equiv.algebra.nodes import CLOCKS
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.errors import MismatchError, ParameterError, PathError, UnknownNameError
from cfg_equiv.grids import CLOCK_PATHS, level, require_grid, which_path
from cfg_equiv.paths import PATHS, nearest_path, paths_of
from cfg_equiv.schedules import SCHEDULES, RectifiedFlow, on_path, schedule, to_dtype
from tests.solver_runs import EPS, grid

DPMPP_2M, HEUN, NODES = SOLVERS["dpmpp_2m"], SOLVERS["heun"], SOLVERS["dpm_solver_2s"]
VP = grid(DPMPP_2M, "vp", 4)
ZERO, ONE = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
DATA, NOISE = point(torch, ONE, ZERO), point(torch, ZERO, ONE)


def required(points, solver=DPMPP_2M, invert=False, allow_short=False):
    return require_grid(solver, points, EPS, invert, allow_short)


def test_good_grids():
    assert required(VP) == VP
    assert required([NOISE, *VP, DATA]) == [NOISE, *VP, DATA]
    assert required([DATA, *VP[::-1], NOISE], invert=True) == [DATA, *VP[::-1], NOISE]
    assert [at.alpha.dtype for at in required([Point(0.25, 0.5), Point(0.5, 0.25), Point(0.75, 0.125)])] == 3 * [
        torch.float64
    ]
    narrow = [to_dtype(at, torch.float32) for at in VP]
    assert require_grid(DPMPP_2M, narrow, EPS.float(), False, False) == narrow


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (VP[::-1], r"less noise at points\[1\] than at points\[0\] for solver 'dpmpp_2m', got points\[0\] \(.*reverse"),
        ([*VP[:3], VP[1]], r"strictly less noise at points\[3\] than at points\[2\] for solver 'dpmpp_2m'"),
        ([*VP[:2], *VP[1:]], r"at points\[2\] .* one level twice, points\[1\] \(.*\) and points\[2\] .*: drop the rep"),
        ([*VP, DATA, DATA], r"sigma > 0 at points\[5\] for solver 'dpmpp_2m', got sigma = 0 before the last point: "),
        ([*VP, NOISE, DATA], r"alpha > 0 at points\[5\] for solver 'dpmpp_2m', got alpha = 0: only the first point"),
        (VP[:1], r"at least 2 points for solver 'dpmpp_2m', got 1: pass schedule\.points\(n\)"),
        ([], r"at least 2 points for solver 'dpmpp_2m', got 0"),
        (VP[0], r"a sequence of points for solver 'dpmpp_2m', got Point"),
        (torch.ones(3), r"a sequence of points for solver 'dpmpp_2m', got a float32 tensor of shape \(3,\)"),
        (VP[:2], r"at least 2 steps for solver 'dpmpp_2m' to take one in its full form, got 1: .* allow_short=True"),
        ([*VP[:2], DATA], r"at least 3 steps for .* full form, the step to sigma = 0 being another, got 2"),
        ([VP[0], (1.0, 0.0)], r"points\[1\] to be a Point\(alpha, sigma\), got \(1\.0, 0\.0\)"),
    ],
)  # fmt: skip
def test_bad_grids(points, message):
    with pytest.raises((PathError, ParameterError, MismatchError), match=message):
        required(points)


def test_inverted_grids_are_asked_for():
    with pytest.raises(
        PathError, match=r"strictly more noise at points\[1\] than .* drop invert=True or reverse the points"
    ):
        required(VP, invert=True)
    with pytest.raises(
        PathError, match=r"sigma > 0 at points\[1\] for solver .* got sigma = 0: only the first point may"
    ):
        required([VP[1], DATA, *VP[::-1]], invert=True)


def test_short_grids_can_be_asked_for():
    assert required(VP[:2], allow_short=True) == VP[:2]
    assert required(VP[:2], HEUN) == VP[:2]


def test_levels_of_items_have_the_latents_dtype():
    per_item = Point(torch.full((2, 1), 0.5), torch.full((2, 1), 0.5))
    with pytest.raises(MismatchError, match="alpha to have the latent's dtype"):
        level("s", per_item, EPS)
    with pytest.raises(MismatchError, match="alpha to have the latent's dtype"):
        level("s", to_dtype(VP[0], torch.float32), EPS.half())


def named(points):
    return {f"points[{k}]": at for k, at in enumerate(points)}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "free"])
def test_the_path_is_read_off_the_points(name, dtype):
    made = schedule(name)
    points = [to_dtype(at, dtype) for at in made.points(20)]
    assert paths_of(points) == (made.path,)
    assert nearest_path(points) == made.path
    assert which_path(NODES, None, named(points)) == made.path


def test_a_path_is_asked_for_only_where_it_matters():
    free = [Point(torch.tensor(a).double(), torch.tensor(s).double()) for a, s in ((0.5, 2.0), (0.75, 1.0))]
    assert paths_of(free) == ()
    assert which_path(DPMPP_2M, None, named(free)) is None
    assert which_path(HEUN, None, named(free)) is None
    with pytest.raises(
        PathError,
        match=r"points of the vp or ve or flow path for solver 'dpm_solver_2s' \(its inner nodes are placed on the "
        r"clock 'lam'\), got points\[0\] at alpha = 0\.5, sigma = 2, on none to within the rounding of torch\.",
    ):
        which_path(NODES, None, named(free))


def test_the_wrong_path_is_a_named_error():
    flow = RectifiedFlow().points(4)
    with pytest.raises(
        PathError,
        match=r"points of the vp path for solver 'ddim_v' \(its forms are written for it\), got points of the flow",
    ):
        which_path(SOLVERS["ddim_v"], None, named(flow))
    with pytest.raises(
        PathError, match=r"points of the flow path for solver 'euler_flow' .*, got points of the vp path"
    ):
        which_path(SOLVERS["euler_flow"], None, named(VP))
    by_sigma = replace(NODES, clock="sigma")
    with pytest.raises(
        PathError, match=r"points of the ve or flow path .* on the clock 'sigma'\), got points of the vp path"
    ):
        which_path(by_sigma, None, named(VP))
    with pytest.raises(PathError, match=r"got points of both vp and flow, ends alone: pass path="):
        which_path(NODES, None, named([NOISE, DATA]))
    assert which_path(NODES, "vp", named([NOISE, DATA])) == "vp"


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("path", PATHS)
def test_a_clock_places_nodes_on_the_paths_that_are_said(path, clock):
    s, t = (on_path(kappa, path) for kappa in (2.0, 1.0))
    if path in CLOCK_PATHS[clock]:
        assert CLOCKS[clock](torch, path, s, t, Fraction(1, 2)).lam.isfinite()
    else:
        with pytest.raises((KeyError, ValueError)):
            CLOCKS[clock](torch, path, s, t, Fraction(1, 2))


def test_a_path_may_be_said_where_rounding_hides_it():
    coarse = [to_dtype(to_dtype(at, torch.float32), torch.float64) for at in VP]
    assert paths_of(coarse) == ()
    assert which_path(NODES, "vp", named(coarse)) == "vp"
    with pytest.raises(PathError, match=r"got path='flow' for points next to the vp path: correct one of the two"):
        which_path(NODES, "flow", named(coarse))
    with pytest.raises(UnknownNameError, match=r"a path out of flow, ve, vp, got 'edm'"):
        which_path(NODES, "edm", named(coarse))
