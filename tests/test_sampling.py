"""The public step: the native form where it has a value, its limit or a named error at the ends, never NaN."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import emit, step_from
from cfg_equiv.errors import LevelError, MismatchError, ParameterError, PathError, SingularEndError, UnknownNameError
from cfg_equiv.rounding import assert_within
from cfg_equiv.sampling import step
from cfg_equiv.schedules import SCHEDULES, RectifiedFlow, VPCosine, ddpm_linear, on_path, schedule, to_dtype

U = 2.0**-53
GIVEN = {"dalpha": -0.5, "dsigma": 1.5, "sigma_data": 0.5}
X0 = torch.tensor([[0.25, -1.5], [2.0, 0.75]], dtype=torch.float64)
EPS = torch.tensor([[1.25, 0.5], [-0.75, 1.0]], dtype=torch.float64)
NOISE = torch.tensor([[0.5, -0.25], [1.5, -2.0]], dtype=torch.float64)
DETERMINISTIC = [name for name, s in SAMPLERS.items() if not s.stochastic]
STOCHASTIC = [name for name, s in SAMPLERS.items() if s.stochastic]


def on(sampler, kappa):
    return on_path(kappa, {"any": "vp"}.get(SAMPLERS[sampler].path, SAMPLERS[sampler].path))


def noise_end(sampler):
    del sampler  # (0, 1) is on both paths
    return point(torch, torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))


def run(sampler, source, s, t, eta=1.0, x0=X0, eps=EPS, noise=NOISE):
    """A step from what an exact network emits at s."""
    parameters = {p: GIVEN[p] for p in PARAMETERIZATIONS[source].needs}
    pred = emit(torch, x0, eps, s, source, **parameters)
    z = s.alpha * x0 + s.sigma * eps
    extras = {"noise": noise, "eta": eta}
    extras = {k: extras[k] for k in SAMPLERS[sampler].extras}
    return step(sampler, z, pred, source=source, s=s, t=t, **extras, **parameters)


def scale(s, t):
    """The largest term any first-order form adds up, element by element."""
    return (X0.abs() + EPS.abs() + NOISE.abs()) * float((1 + s.alpha + s.sigma) * (1 + t.alpha + t.sigma))


@pytest.mark.parametrize("source", PARAMETERIZATIONS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_it_is_the_native_form(sampler, source):
    s, t = on(sampler, 1.5), on(sampler, 0.75)
    parameters = {p: torch.tensor(GIVEN[p]).double() for p in PARAMETERIZATIONS[source].needs}
    pred, z = emit(torch, X0, EPS, s, source, **parameters), s.alpha * X0 + s.sigma * EPS
    extras = {k: {"noise": NOISE, "eta": torch.tensor(0.5).double()}[k] for k in SAMPLERS[sampler].extras}
    got = step(sampler, z, pred, source=source, s=s, t=t, **extras, **parameters)
    native = SAMPLERS[sampler]
    if source == native.space:
        assert torch.equal(got, native.step(torch, z, pred, s, t, **extras))
    else:
        assert torch.equal(got, step_from(torch, native, source, z, pred, s, t, **extras, **parameters))
    assert torch.equal(got, step(native, z, pred, source=source, s=s, t=t, **extras, **parameters))


def test_by_hand():
    s, t = Point(0.5, 0.5), Point(0.75, 0.25)
    x0, z = torch.tensor([2.0]).double(), torch.tensor([3.0]).double()  # eps = 4
    assert step("ddim_x0", z, x0, source="x0", s=s, t=t).item() == 2.5
    assert step("euler_flow", z, x0, source="x0", s=s, t=t).item() == 2.5
    assert step("ddim_eps", z, torch.tensor([4.0]).double(), source="eps", s=s, t=t).item() == 2.5


ENDS = {
    "into the data end": (lambda n: on(n, 0.75), lambda n: on(n, 0.0), ("eps", "x0", "v", "score", "flow", "F")),
    "from pure noise": (noise_end, lambda n: on(n, 0.75), ("x0", "v", "flow", "F", "velocity")),
    "from pure noise to data": (noise_end, lambda n: on(n, 0.0), ("x0", "v", "flow", "F", "velocity")),
    "from the data end (inversion)": (lambda n: on(n, 0.0), lambda n: on(n, 0.75), ("eps", "v", "flow", "F")),
    "from data to pure noise": (lambda n: on(n, 0.0), noise_end, ("eps", "v", "flow", "F")),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_deterministic_limits_at_the_ends(sampler, end):
    make_s, make_t, sources = ENDS[end]
    s, t = make_s(sampler), make_t(sampler)
    wanted = t.alpha * X0 + t.sigma * EPS
    for source in sources:
        got = run(sampler, source, s, t)
        # A conversion and a step are at most 24 operations (F: 23 alone), each on terms no larger than the scale.
        bound = 2 * 24 * U * scale(s, t) * (4 if source == "F" else 1)
        assert_within(got, wanted, bound)
        with pytest.raises(AssertionError, match="outside"):
            assert_within(got, wanted + t.alpha * 2.0**-30 + t.sigma * 2.0**-30, bound)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_who_has_no_limit(sampler):
    """eps at alpha = 0 and x0 at sigma = 0 say nothing the latent does not."""
    message = "at alpha = 0, sigma = 1, got 'eps', which says no more than z there: use"
    if sampler == "sde_dpm_solver_1":
        message = "alpha_s > 0 for sampler 'sde_dpm_solver_1'"  # whatever the source
    with pytest.raises(SingularEndError, match=message):
        run(sampler, "eps", noise_end(sampler), on(sampler, 0.75))
    if sampler in DETERMINISTIC:
        with pytest.raises(
            SingularEndError, match="at alpha = 1, sigma = 0, got 'x0', which says no more than z there"
        ):
            run(sampler, "x0", on(sampler, 0.0), on(sampler, 0.75))


# Where each stochastic sampler's step goes at the two ends: coefficients of x0, eps and the noise; sigma_t = 3/5.
FROM_NOISE = {
    "ddim_eta": (0.8, 0.6 * math.sqrt(0.75), 0.3),
    "ddpm_fixed_large": (0.8, 0.0, 1.0),
    "ddpm_posterior": (0.8, 0.0, 0.6),
    "dpmpp_sde_eta": (0.8, 0.0, 0.6),
    "euler_ancestral": (0.8, 0.6 * math.sqrt(0.75), 0.3),
    "renoise": (0.8, 0.0, 0.6),
    "sde_dpm_solver_pp_1": (0.8, 0.0, 0.6),
    "v_diffusion": (0.8, 0.6 * math.sqrt(0.75), 0.3),
}


@pytest.mark.parametrize("source", ["x0", "v", "flow"])
@pytest.mark.parametrize("sampler", FROM_NOISE)
def test_stochastic_limits_from_pure_noise(sampler, source):
    a, b, c = FROM_NOISE[sampler]
    t = on(sampler, 0.75)
    got = run(sampler, source, noise_end(sampler), t, eta=0.5)
    bound = 2 * 32 * U * scale(noise_end(sampler), t)
    assert_within(got, a * X0 + b * EPS + c * NOISE, bound)
    at_end = run(sampler, source, noise_end(sampler), t)
    approached([run(sampler, source, on(sampler, kappa), t) for kappa in (1e2, 1e4)], at_end, 1e2, bound.max())


def approached(near, limit, factor, rounding):
    """First order in 1/kappa or in kappa: one half of an order is granted, as to every observed slope."""
    first, second = ((x - limit).abs().max() for x in near)
    assert second <= first * factor**-0.5 + rounding


@pytest.mark.parametrize("sampler", [n for n in STOCHASTIC if n not in ("sde_dpm_solver_1", "ddpm_fixed_large")])
def test_stochastic_steps_into_the_data_end_are_the_denoised(sampler):
    s, t = on(sampler, 0.75), on(sampler, 0.0)
    for source in ("eps", "x0", "v", "score", "flow", "F"):
        for eta in (0.0, 0.5, 1.0):
            got = run(sampler, source, s, t, eta=eta)
            assert_within(got, X0, 2 * 64 * U * scale(s, t) / float(s.sigma) ** 2)  # DDPM divides by sigma_s^2


def test_eta_zero_is_the_deterministic_limit():
    t = on("euler_ve", 0.75)
    for sampler in ("ddim_eta", "euler_ancestral", "dpmpp_sde_eta", "v_diffusion"):
        got = run(sampler, "v", noise_end(sampler), t, eta=0.0)
        assert_within(got, t.alpha * X0 + t.sigma * EPS, 2 * 32 * U * scale(t, t))


def test_sde_dpm_solver_1_keeps_its_noise_at_the_data_end_and_has_no_limit_from_pure_noise():
    s = on("sde_dpm_solver_1", 0.75)
    got = run("sde_dpm_solver_1", "eps", s, on_path(0.0))
    wanted = X0 + (s.sigma / s.alpha) * (NOISE - EPS)
    assert_within(got, wanted, 2 * 24 * U * scale(s, s) / float(s.alpha))
    near = [run("sde_dpm_solver_1", "eps", s, on_path(kappa, "vp")) for kappa in (1e-3, 1e-5)]
    approached(near, got, 1e2, 2 * 24 * U * scale(s, s).max())
    with pytest.raises(AssertionError):
        approached(near, X0, 1e2, 2 * 24 * U * scale(s, s).max())  # not the denoised
    with pytest.raises(SingularEndError, match="alpha_s > 0 for sampler 'sde_dpm_solver_1', which has no limit there"):
        run("sde_dpm_solver_1", "v", noise_end(""), s)


def test_a_stochastic_step_that_goes_nowhere():
    message = r"sigma_s > 0 and alpha_t > 0 for the stochastic sampler 'ddim_eta', got a step that starts at clean data"
    for end in (noise_end("ddim_eta"), on("ddim_eta", 0.0)):
        with pytest.raises(SingularEndError, match=message):
            run("ddim_eta", "v", end, end)


def test_a_sampler_of_unknown_limit_is_a_named_error():
    with pytest.raises(
        SingularEndError, match="two regular levels for sampler 'mine', got an end at which it has neither"
    ):
        step(
            replace(SAMPLERS["ddim_eta"], name="mine"),
            EPS, -X0, source="v", s=noise_end(""), t=on("ddim_eta", 0.75), noise=NOISE, eta=1.0,
        )  # fmt: skip


def test_items_of_a_batch_may_be_at_different_levels_ends_included():
    s = [noise_end(""), on("euler_ve", 1.5)]
    t = [on("euler_ve", 0.75), on("euler_ve", 0.0)]
    joined = [Point(*(torch.stack(xs).reshape(2, 1) for xs in zip(*ps, strict=True))) for ps in (s, t)]
    for sampler in ("ddim_eps", "euler_ve", "dpm_solver_1", "ddim_eta", "sde_dpm_solver_pp_1"):
        together = run(sampler, "v", *joined)
        for i in range(2):
            items = {"x0": X0[i : i + 1], "eps": EPS[i : i + 1], "noise": NOISE[i : i + 1]}
            assert torch.equal(together[i : i + 1], run(sampler, "v", s[i], t[i], **items))


def test_a_radicand_rounded_below_zero_is_zero():
    """sigma_t^2 - std^2 at eta = 1: plain torch gives NaN at some of these, the step at none."""
    points = [to_dtype(p, torch.float32) for p in schedule("ddpm_squared_cosine").points(500)]
    z, noise = X0.float(), NOISE.float()
    plain = stepped = 0
    for s, t in pairwise(points[:-1]):
        for start in (points[0], s):
            native = SAMPLERS["euler_ancestral"].step(torch, z, z, start, t, noise=noise, eta=torch.tensor(1.0))
            got = step("euler_ancestral", z, z, source="x0", s=start, t=t, noise=noise, eta=1.0)
            plain += int(torch.isnan(native).any())
            stepped += int(torch.isnan(got).any())
    assert plain > 0
    assert stepped == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [n for n, make in SCHEDULES.items() if n != "free" and make().path in ("vp", "flow")])
def test_points_of_a_path_are_accepted_in_every_dtype(name, dtype):
    made = schedule(name)
    sampler = {"vp": "ddim_v", "flow": "euler_flow"}[made.path]
    source = SAMPLERS[sampler].space
    points = [to_dtype(p, dtype) for p in made.points(50)]
    z = X0.to(dtype)
    for s, t in pairwise(points):
        assert step(sampler, z, z, source=source, s=s, t=t).dtype == dtype


def test_released_float32_tables_are_accepted():
    bar = ddpm_linear().alphas.float() ** 2
    points = [Point(a.sqrt(), (1 - a).sqrt()) for a in bar]
    for s, t in zip(points[1:], points, strict=False):
        step("ddim_v", X0.float(), X0.float(), source="v", s=s, t=t)


def test_a_form_off_its_path_is_a_named_error():
    flow, vp = RectifiedFlow().points(4), VPCosine().points(4)
    message = (
        r"alpha\^2 \+ sigma\^2 = 1 at s, as sampler 'ddim_v' is written for the vp path, got a point off it by -0\.375"
    )
    with pytest.raises(PathError, match=message):
        step("ddim_v", X0, X0, source="v", s=flow[1], t=flow[2])
    with pytest.raises(PathError, match=r"= 1 at t, as sampler 'ddim_v'"):
        step("ddim_v", X0, X0, source="v", s=flow[0], t=flow[1])
    with pytest.raises(
        PathError, match=r"alpha \+ sigma = 1 at s, as sampler 'euler_flow' is written for the flow path"
    ):
        step("euler_flow", X0, X0, source="flow", s=vp[1], t=vp[2])
    with pytest.raises(PathError, match="off it by"):  # float32 values in a float64 tensor
        step("ddim_v", X0, X0, source="v", s=to_dtype(to_dtype(vp[1], torch.float32), torch.float64), t=vp[2])
    with pytest.raises(
        PathError, match="t to be no noisier than s for the stochastic sampler 'ddim_eta', got a step to"
    ):
        step("ddim_eta", X0, X0, source="v", s=vp[2], t=vp[1], noise=NOISE, eta=1.0)


def test_bad_input():
    s, t = on("euler_ve", 1.5), on("euler_ve", 0.75)
    with pytest.raises(UnknownNameError, match=r"a sampler out of .*, got 'ddim': did you mean 'ddim_"):
        step("ddim", X0, X0, source="v", s=s, t=t)
    with pytest.raises(UnknownNameError, match="a source parameterization"):
        step("ddim_v", X0, X0, source="w", s=s, t=t)
    with pytest.raises(
        MismatchError, match=r"s to be a Point\(alpha, sigma\), got \(0\.5, 0\.5\): take it from a schedule"
    ):
        step("ddim_v", X0, X0, source="v", s=(0.5, 0.5), t=t)
    with pytest.raises(MismatchError, match="alpha to have the latent's dtype"):
        step("ddim_v", X0.float(), X0.float(), source="v", s=s, t=t)
    with pytest.raises(LevelError, match=r"s\.lam to be log\(alpha/sigma\), got NaN: leave it out"):
        step("ddim_v", X0, X0, source="v", s=s._replace(lam=math.nan), t=t)
    with pytest.raises(ParameterError, match="noise and eta for sampler 'ddim_eta', got no noise: pass noise="):
        step("ddim_eta", X0, X0, source="v", s=s, t=t, eta=1.0)
    with pytest.raises(ParameterError, match="noise and eta for sampler 'ddim_eta', got no eta: pass eta="):
        step("ddim_eta", X0, X0, source="v", s=s, t=t, noise=NOISE)
    with pytest.raises(ParameterError, match="neither noise nor eta for sampler 'ddim_v', got noise: leave it out"):
        step("ddim_v", X0, X0, source="v", s=s, t=t, noise=NOISE)
    with pytest.raises(MismatchError, match="noise to have the shape, dtype and device of z"):
        step("renoise", X0, X0, source="x0", s=s, t=t, noise=NOISE[:1])
    for sampler, eta in (
        ("ddim_eta", 1.5),
        ("euler_ancestral", -0.5),
        ("ddim_eta", math.nan),
        ("dpmpp_sde_eta", math.inf),
    ):
        with pytest.raises(
            ParameterError, match=rf"a finite eta in \[0, .*\] for sampler '{sampler}', got {eta}: 0 is det"
        ):
            step(sampler, X0, X0, source="v", s=s, t=t, noise=NOISE, eta=eta)
    step("dpmpp_sde_eta", X0, X0, source="v", s=s, t=t, noise=NOISE, eta=1.5)
    with pytest.raises(ParameterError, match="sigma_data= for parameterization 'F', got nothing"):
        step("ddim_v", X0, X0, source="F", s=s, t=t)
