"""The solver with its memory, in a loop of one's own."""

from itertools import pairwise

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.errors import HistoryError, LevelError, MismatchError, ParameterError, PathError, SingularEndError
from cfg_equiv.rounding import assert_within, calibrated_spread
from cfg_equiv.sampling import step as first_order_step
from cfg_equiv.schedules import levels
from cfg_equiv.solving import solve
from cfg_equiv.stepper import Stepper
from tests.solver_runs import COND, EPS, KAPPA, given, grid, network, start

ZERO = torch.zeros((), dtype=torch.float64)
NOISE = Point(ZERO, ZERO + 1)
DPMPP_2M = SOLVERS["dpmpp_2m"]
POINTS = grid(DPMPP_2M, "vp", 4)


def loop(stepper, net, z, points):
    for s, t in pairwise(points):
        z = stepper.step(net, z, s, t)
    return z


@pytest.mark.parametrize("name", ["dpmpp_2m", "dpmpp_3m", "heun", "euler_cfg_pp"])
def test_a_loop_of_steps_is_the_trajectory(name):
    solver = SOLVERS[name]
    net, z = network(solver, "F"), start(POINTS[0])
    stepper = Stepper(name, source="F", **given("F"))
    wanted = solve(solver, net, z, POINTS, source="F", **given("F"))
    assert torch.equal(loop(stepper, net, z, POINTS), wanted)
    stepper.reset()
    assert torch.equal(loop(stepper, net, z, POINTS), wanted)


def test_a_restart_without_reset_says_so():
    net, z = network(DPMPP_2M, "v"), start(POINTS[0])
    stepper = Stepper(DPMPP_2M, source="v")
    half = loop(stepper, net, z, POINTS[:3])
    message = (
        r"expected step 2 of solver 'dpmpp_2m' to start where the last one ended, at alpha = 0\.707\S* sigma = 0\.7\S* "
        r"with a float64 tensor of shape \(2, 3\), got alpha = 0\.316\d*, sigma = 0\.948\d* with .*, so the sampler "
        r"was restarted without reset: call reset\(\) before a new trajectory"
    )
    with pytest.raises(HistoryError, match=message):
        stepper.step(net, z, *POINTS[:2])
    for other in (half[:1], half.float()):  # another batch at the same level
        with pytest.raises(HistoryError, match="restarted without reset"):
            stepper.step(net, other, *POINTS[2:4])
    wanted = solve(DPMPP_2M, net, z, POINTS, source="v")
    assert torch.equal(loop(stepper, net, half, POINTS[2:]), wanted)  # a refused step changes nothing


def test_a_solver_that_remembers_nothing_starts_anywhere():
    net, stepper = network(SOLVERS["ddim_eps"], "v"), Stepper("ddim_eps", source="v")
    for s, t in ((POINTS[0], POINTS[1]), (POINTS[0], POINTS[1]), (POINTS[2], POINTS[3])):
        assert torch.equal(stepper.step(net, start(s), s, t), solve("ddim_eps", net, start(s), [s, t], source="v"))


def test_a_failed_step_can_be_taken_again():
    net, stepper = network(DPMPP_2M, "v"), Stepper(DPMPP_2M, source="v")
    half = loop(stepper, net, start(POINTS[0]), POINTS[:3])
    with pytest.raises(MismatchError, match="in step 2 of solver 'dpmpp_2m'"):
        stepper.step(lambda z, at: z[:1], half, *POINTS[2:4])
    wanted = solve(DPMPP_2M, net, start(POINTS[0]), POINTS, source="v")
    assert torch.equal(loop(stepper, net, half, POINTS[2:]), wanted)


def test_bad_steps():
    net, z, stepper = network(DPMPP_2M, "v"), start(POINTS[0]), Stepper(DPMPP_2M, source="v")
    with pytest.raises(
        PathError, match=r"strictly less noise at t than at s for step 0 of solver 'dpmpp_2m', got s \(alp"
    ):
        stepper.step(net, z, POINTS[1], POINTS[0])
    with pytest.raises(PathError, match=r"for step 0 of solver 'dpmpp_2m', got one level twice, s \(alpha = 0\.31"):
        stepper.step(net, z, POINTS[0], POINTS[0])
    with pytest.raises(MismatchError, match=r"t to be a Point\(alpha, sigma\), got \(0\.5, 0\.5\)"):
        stepper.step(net, z, POINTS[0], (0.5, 0.5))
    mixed = Point(torch.tensor([[0.5], [1.0]]).double(), torch.tensor([[0.5], [0.0]]).double())
    with pytest.raises(LevelError, match="sigma = 0 at t for all items or for none, in step 0 of solver 'dpmpp_2m'"):
        stepper.step(net, z, POINTS[0], mixed)
    with pytest.raises(
        PathError, match=r"points of the vp path for solver 'ddim_v' \(its forms .*\), got points of the ve"
    ):
        Stepper("ddim_v", source="v").step(net, EPS, *levels(KAPPA[:2], "ve")[:2])
    with pytest.raises(ParameterError, match="sigma_data= for parameterization 'F', got nothing"):
        Stepper("ddim_v", source="F").step(net, z, *POINTS[:2])


# Which solvers take a step to sigma = 0, and where it goes: the last prediction, of the data.
@pytest.mark.parametrize("name", ["ddim_eps", "dpm_solver_1", "dpmpp_2m", "heun", "euler_ve"])
@pytest.mark.parametrize("source", ["eps", "x0", "v", "flow"])
def test_the_last_step_to_sigma_zero_is_the_denoised(name, source):
    solver = SOLVERS[name]
    points = grid(solver, "vp", 3, end=True)
    *_, before, last = solve(solver, network(solver, source), start(points[0]), points, source=source, trace=True)
    allowed = calibrated_spread(
        lambda nudge, z: solve(solver, network(solver, source, nudge=nudge), z, points, source=source),
        [start(points[0])],
    )
    assert_within(last, COND.x0(before, points[-2]), allowed.bound)


@pytest.mark.parametrize("name", ["ddim_eps", "dpm_solver_1", "euler_ve", "dpm_solver_2m"])
def test_from_pure_noise_a_first_order_step_is_its_limit(name):
    """So is the warm-up of a multistep solver; its next step then reads a past of infinite log-SNR."""
    points = [NOISE, levels(KAPPA[:1], "vp")[0]]

    def sampled(nudge, z):
        return first_order_step("ddim_x0", z, nudge(COND.predict(z, NOISE, "v")), source="v", s=NOISE, t=points[1])

    allowed = calibrated_spread(sampled, [EPS])
    got = solve(name, network(SOLVERS[name], "v"), EPS, points, source="v", allow_short=True)
    assert_within(got, allowed.result, allowed.bound)
    with pytest.raises(
        SingularEndError, match=r"a source that determines (the step of '.*'|'x0') at alpha = 0, sigma = 1, got 'e"
    ):
        solve(name, network(SOLVERS[name], "eps"), EPS, points, source="eps", allow_short=True)


def test_ends_at_which_a_solver_has_nothing_are_named_errors():
    vp = [NOISE, *grid(DPMPP_2M, "vp", 3)]
    with pytest.raises(
        SingularEndError, match=r"a source that determines 'x0' at alpha = 0, sigma = 1, got 'eps'"
    ) as info:
        solve(DPMPP_2M, network(DPMPP_2M, "eps"), EPS, vp, source="eps")
    assert info.value.__notes__ == ["stopped in step 0 of 4 of solver 'dpmpp_2m'; .latents[-1] is at points[0]"]
    heun = SOLVERS["heun"]
    with pytest.raises(
        SingularEndError,
        match=r"step 0 of solver 'heun' to keep away from alpha = 0, sigma = 1, where its form gives 0/0 and ",
    ):
        solve(heun, network(heun, "v"), EPS, vp, source="v")
    second = SOLVERS["dpm_solver_2m"]
    points = grid(second, "vp", 3, end=True)
    with pytest.raises(
        SingularEndError,
        match=r"step 2 of solver 'dpm_solver_2m' to keep away from alpha = 1, sigma = 0, .* a step from alpha = 0\.70",
    ):
        solve(second, network(second, "v"), start(points[0]), points, source="v")
    node = SOLVERS["dpm_solver_2s"]
    points = grid(node, "vp", 2, end=True)
    with pytest.raises(
        SingularEndError,
        match=r"finite log-SNR at both ends of step 1 of solver 'dpm_solver_2s', whose inner .* t at alpha = 1, ",
    ):
        solve(node, network(node, "v"), start(points[0]), points, source="v")
