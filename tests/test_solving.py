"""Whole trajectories on tensors: every solver, from every parameterization, to both ends; and what stops one."""

from itertools import pairwise

import pytest
import torch

from cfg_equiv.algebra.driving import native_network, trajectory
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS, Guided
from cfg_equiv.errors import MismatchError, NonFiniteError, SingularEndError, UnknownNameError
from cfg_equiv.rounding import assert_within, calibrated_spread
from cfg_equiv.schedules import data_end, levels, schedule
from cfg_equiv.solving import solve
from cfg_equiv.stepper import Stepper
from tests.solver_runs import COND, EPS, KAPPA, MEAN, POINT, given, grid, network, paths, start

ZERO = torch.zeros((), dtype=torch.float64)
NOISE = Point(ZERO, ZERO + 1)
DPMPP_2M, DPM_SOLVER_1 = SOLVERS["dpmpp_2m"], SOLVERS["dpm_solver_1"]


def run(solver, source, points, z=None, **models):
    z = start(points[0]) if z is None else z
    return solve(solver, network(solver, source, **models), z, points, source=source, **given(source))


def spread(solver, points, source=None, **models):
    """How far one ulp in the start, and in what the network knows of data and noise, moves the result."""
    source = source or solver.space
    return calibrated_spread(lambda nudge, z: run(solver, source, points, z, nudge=nudge, **models), [start(points[0])])


def default_path(name):
    usable = paths(SOLVERS[name])
    return usable[list(SOLVERS).index(name) % len(usable)]


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_takes_one_trajectory_from_eps_x0_v_and_flow(name):
    solver = SOLVERS[name]
    points = grid(solver, default_path(name))
    allowed = spread(solver, points)
    assert not allowed.vacuous
    for source in ("eps", "x0", "v", "flow"):
        assert_within(run(solver, source, points), allowed.result, allowed.bound)
    wrong = solve(solver, network(solver, "flow"), start(points[0]), points, source="reversed_flow")
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(wrong, allowed.result, allowed.bound)


@pytest.mark.slow
@pytest.mark.parametrize("end", [False, True], ids=["inside", "to sigma = 0"])
@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_from_every_parameterization_on_every_path(name, end):
    solver = SOLVERS[name]
    for k, path in enumerate(paths(solver)):
        points = grid(solver, path, end=end)
        try:
            native = run(solver, solver.space, points)
        except SingularEndError:
            assert end
            continue
        for source in PARAMETERIZATIONS if k == 0 else ("eps", "x0", "v", "flow"):
            if end and source in ("score", "x0", "z_minus_denoised", "velocity", "F", "k_diffusion_v"):
                continue  # some solvers ask at sigma = 0, where these say nothing of the noise
            allowed = spread(solver, points, source)
            assert_within(native, allowed.result, allowed.bound)


@pytest.mark.parametrize("name", ["unipc_bh2_1_eps", "sa_pc_12_eps"])
def test_the_last_step_of_a_corrector_without_memory_reads_the_prediction_it_was_given(name):
    """What the network said belongs to the predicted latent, not to the corrected one that the step starts from."""
    solver = SOLVERS[name]
    points = grid(solver, "vp", end=True)
    allowed = spread(solver, points, "flow")
    assert_within(run(solver, "eps", points), allowed.result, allowed.bound)


NOT_EXACT = {
    **dict.fromkeys(("ddim_inverse_cfg_pp", "ddim_inverse_eps", "ddim_inverse_v"), "reads at s what it asked at t"),
    **dict.fromkeys(("adams_2_v", "adams_3_v", "dpm_2_v", "dpm_3_v"), "takes v for constant, which turns"),
    "ipndm_v_4": "the released weights of four slopes add up to 1 on uniform grids only",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[] if one.order == 1 else [pytest.mark.slow],
        )
        for name, one in SOLVERS.items()
    ],
)
def test_on_a_point_mass_every_step_is_exact(name):
    solver = SOLVERS[name]
    points = grid(solver, default_path(name), steps=max(3, len(solver.predict)))
    allowed = spread(solver, points, cond=POINT, uncond=POINT)
    exact = points[-1].alpha * MEAN + points[-1].sigma * EPS
    if name not in NOT_EXACT:
        assert_within(allowed.result, exact, allowed.bound)
        exact = exact + 2.0**-30 * points[-1].sigma
    with pytest.raises(AssertionError, match="outside"):
        assert_within(allowed.result, exact, allowed.bound)


@pytest.mark.parametrize("name", ["ddim_eps", "dpmpp_2m", "heun", "dpm_solver_2m"])
def test_on_a_gaussian_the_error_falls_as_the_order_says(name):
    solver, errors = SOLVERS[name], []
    for n in (20, 40, 80):
        points = levels(torch.logspace(0.75, -0.75, n + 1, base=10, dtype=torch.float64), "vp")[:-1]
        z = start(points[0])
        errors.append((run(solver, "v", points) - COND.flow(z, points[0], points[-1])).abs().max().log2())
    for coarse, fine in pairwise(errors):
        assert solver.order - 0.5 < coarse - fine < solver.order + 0.5  # half of an order, on either side


def test_it_is_the_trajectory_of_the_bare_driver():
    for solver in (DPMPP_2M, SOLVERS["ddim_v"], SOLVERS["euler_cfg_pp"]):
        points = grid(solver, "vp", 4)
        z, net = start(points[0]), network(solver, solver.space)
        traced = solve(solver.name, net, z, points, source=solver.space, trace=True)
        assert len(traced) == len(points)
        for got, bare in zip(traced, (z, *trajectory(torch, solver, net, z, points)), strict=True):
            assert torch.equal(got, bare)
        assert torch.equal(traced[-1], solve(solver, net, z, points, source=solver.space))
    points = grid(DPMPP_2M, "vp", 4)
    net = native_network(torch, DPMPP_2M, "v", network(DPMPP_2M, "v"))
    *_, bare = trajectory(torch, DPMPP_2M, net, start(points[0]), points)
    assert torch.equal(run(DPMPP_2M, "v", points), bare)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_float64_levels_serve_latents_of_any_dtype(dtype):
    """The coefficients are those of float64; the result is within the spread of the narrow run."""
    points, seen = schedule("vp_cosine").points(8), []

    def net(z, at):
        seen.append(at.alpha.dtype)
        return POINT.predict(z.double(), at, "v").to(z.dtype)

    def narrow(nudge, z):
        return solve(DPMPP_2M, lambda x, at: nudge(net(x, at)), z, points, source="v")

    allowed = calibrated_spread(narrow, [EPS.to(dtype)])
    assert (allowed.result.dtype, set(seen)) == (dtype, {torch.float64})
    assert_within(allowed.result, MEAN.to(dtype), allowed.bound)


def test_items_do_not_see_each_other_and_may_have_their_own_levels():
    points = grid(DPMPP_2M, "vp", 3)
    lower = levels(KAPPA[:4] / 2, "vp")[:-1]
    both = [
        Point(*(torch.stack(x).reshape(2, 1) for x in zip(*pair, strict=True)))
        for pair in zip(points, lower, strict=True)
    ]

    def net(z, at):  # of each item alone
        return z / (1 + at.sigma)

    z = start(points[0])
    together = solve(DPMPP_2M, net, z, both, source="x0")
    for i, own in enumerate((points, lower)):
        assert torch.equal(together[i : i + 1], solve(DPMPP_2M, net, z[i : i + 1], own, source="x0"))


def test_inversion_goes_the_other_way():
    points = grid(DPM_SOLVER_1, "vp", 3)

    def back(nudge, z):
        net = network(DPM_SOLVER_1, "v", cond=POINT, nudge=nudge)
        return solve(DPM_SOLVER_1, net, z, points[::-1], source="v", invert=True)

    allowed = calibrated_spread(back, [start(points[-1])])
    assert_within(allowed.result, start(points[0]), allowed.bound)


class Interrupted(RuntimeError):
    pass


@pytest.mark.parametrize("trace", [True, False])
def test_what_was_computed_survives_an_error_of_the_network(trace):
    points, calls = grid(DPMPP_2M, "vp", 4), []

    def net(z, at):
        calls.append(z)
        if len(calls) == 3:
            raise Interrupted("out of memory")
        return COND.predict(z, at, "v")

    z = start(points[0])
    with pytest.raises(Interrupted, match="out of memory") as info:
        solve(DPMPP_2M, net, z, points, source="v", trace=trace)
    assert info.value.__notes__ == ["stopped in step 2 of 4 of solver 'dpmpp_2m'; .latents[-1] is at points[2]"]
    latents = info.value.__dict__["latents"]
    wanted = solve(DPMPP_2M, network(DPMPP_2M, "v"), z, points, source="v", trace=True)[:3]
    assert all(torch.equal(x, y) for x, y in zip(latents, wanted if trace else wanted[-1:], strict=True))


def test_bad_predictions_say_where():
    points, ddim = grid(DPMPP_2M, "vp", 3), SOLVERS["ddim_eps"]
    z = start(points[0])

    def failing(answer, after=1):
        seen = []

        def net(x, at):
            seen.append(x)
            return answer(COND.predict(x, at, "v")) if len(seen) > after else COND.predict(x, at, "v")

        return net

    with pytest.raises(
        NonFiniteError,
        match=r"the network's prediction to be finite at alpha = 0\.49\d*, sigma = 0\.86\d* in step 1 of solver "
        r"'dpmpp_2m', got nan in 6 of 6 elements: find",
    ) as info:
        solve(DPMPP_2M, failing(lambda x: x * float("nan")), z, points, source="v")
    assert torch.equal(
        info.value.__dict__["latents"][0],
        solve(DPMPP_2M, network(DPMPP_2M, "v"), z, points[:2], source="v", allow_short=True),
    )
    for bad, came in (
        (lambda x: x[:1], r"a float64 tensor of shape \(1, 3\)"),
        (lambda x: x.float(), r"a float32 tensor of shape \(2, 3\)"),
        (lambda x: x.tolist(), r"\[\["),
        (lambda x: torch.cat([x, x], 1), r"a float64 tensor of shape \(2, 6\)"),
    ):
        with pytest.raises(
            MismatchError,
            match=r"a prediction like the latent \(a float64 tensor of shape \(2, 3\)\) in step 1 of solver "
            r"'ddim_eps', got " + came,
        ):
            solve(ddim, failing(bad), z, points, source="v")
    with pytest.raises(
        MismatchError,
        match=r"one tensor from the network in step 1 of solver 'ddim_eps', got Guided: return the guided",
    ):
        solve(ddim, failing(lambda x: Guided(x, x)), z, points, source="v")
    with pytest.raises(
        MismatchError,
        match=r"Guided\(guided, uncond\) from the network in step 0 of solver 'ddim_cfg_pp', got a float64 tensor",
    ):
        solve("ddim_cfg_pp", network(ddim, "v"), z, points, source="v")
    with pytest.raises(
        NonFiniteError,
        match=r"a finite latent from step 1 of solver 'dpmpp_2m', got a step .* in torch.float16: use a wider",
    ):
        solve(DPMPP_2M, lambda x, at: x, torch.full((2, 2), 6e4).half(), levels(KAPPA[:3] * 1e-3, "ve"), source="eps")


def test_bad_start():
    points = grid(DPMPP_2M, "vp", 3)
    with pytest.raises(NonFiniteError, match=r"z to be finite for solver 'dpmpp_2m', got inf in 1 of 2 elements"):
        solve("dpmpp_2m", network(DPMPP_2M, "v"), torch.tensor([1.0, float("inf")]).double(), points, source="v")
    with pytest.raises(MismatchError, match=r"z to be a tensor of floats, got a int64 tensor of shape \(2,\)"):
        solve("dpmpp_2m", network(DPMPP_2M, "v"), torch.tensor([1, 2]), points, source="v")
    with pytest.raises(UnknownNameError, match=r"a solver out of .*, got 'dpmpp2m': did you mean 'dpmpp_2m"):
        solve("dpmpp2m", network(DPMPP_2M, "v"), EPS, points, source="v")
    with pytest.raises(UnknownNameError, match="a source parameterization out of"):
        Stepper("dpmpp_2m", source="epsilon")


def test_it_ends_at_data_end_of_every_schedule():
    for name in ("vp_cosine", "rectified_flow", "edm", "ddpm_linear"):
        points = schedule(name).points(4)
        assert points[-1][:2] == data_end(ZERO)[:2]
        z = points[0].sigma * EPS
        got = solve(DPMPP_2M, network(DPMPP_2M, "v", cond=POINT), z, points, source="v")
        allowed = calibrated_spread(
            lambda nudge, z, points=points: solve(
                DPMPP_2M, network(DPMPP_2M, "v", cond=POINT, nudge=nudge), z, points, source="v"
            ),
            [z],
        )
        assert_within(got, MEAN, allowed.bound)
