"""The twin: call by call, with noise and without, its options, inner calls, and what cannot be compared."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch

from cfg_equiv.adapters.diffusers_levels import on_circle
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.faults.solvers import Euler, FlowEuler, Heun, Multistep
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks.twin import distinct
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Sampler, Twin
from tests.testing.checks.named import check_for, entry

GAUSSIAN = RunCase(steps=4)


def run(subject, case):
    return check_for(subject, "twin")(subject, case)


@pytest.mark.parametrize(
    ("solver", "twin"), [(Euler(), "ddim_eps"), (FlowEuler(), "euler_flow"), (Multistep(), "lms_2"), (Heun(), "heun")]
)
def test_a_run_is_that_of_its_twin(solver, twin):
    subject = Sampler(solver.run, solver.level, ("eps", "x0"), state=solver.schedule.path, twin=Twin(twin))
    assert run(subject, GAUSSIAN) is None
    with pytest.raises(CheckFailure, match=r"shows the network another latent|where it arrives no call follows"):
        run(replace(subject, twin=Twin("lms_3" if twin == "lms_2" else "lms_2")), GAUSSIAN)


def test_a_single_call_has_no_step_before_it_and_a_twin_off_its_path_no_value():
    subject = Sampler(Euler().run, Euler().level, ("eps",), state="vp", twin=Twin("ddim_eps"))
    assert run(subject, replace(GAUSSIAN, steps=1)).startswith("the first network call has no step before it")
    assert run(replace(subject, twin=Twin("euler_flow")), GAUSSIAN).startswith("the twin has no value there: expected")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("StochasticThird", ""),
        (
            "SignOfHalf",
            "sde_dpmpp_3m run over the same levels without noise shows the network another latent at call 4",
        ),
        ("NoiseOfTheRatio", "sde_dpmpp_2m run over the same levels with the same noise shows .* at call 2"),
    ],
)
def test_a_stochastic_run_is_that_of_its_twin_without_noise_and_with_the_same(name, message):
    case = replace(GAUSSIAN, steps=5, network="mixture")
    if not message:
        assert run(entry(f"sampler.{name}"), case) is None
    else:
        with pytest.raises(CheckFailure, match=message):
            run(entry(f"sampler.{name}"), case)


def test_the_options_of_a_stochastic_twin_are_declared():
    quiet = replace(entry("sampler.TwinOfAncestral"), twin=Twin("euler_ancestral", {"eta": 1.0}))
    assert run(quiet, GAUSSIAN) is None
    with pytest.raises(CheckFailure, match="without noise shows"):
        run(replace(quiet, twin=Twin("euler_ancestral", {"eta": 0.5})), GAUSSIAN)
    with pytest.raises(ParameterError, match="expected options of the twin out of eta, got 's_noise'"):
        replace(quiet, twin=Twin("euler_ancestral", {"s_noise": 2}))
    with pytest.raises(ParameterError, match="expected options of the twin out of none, got 'eta'"):
        replace(quiet, stochastic=False, twin=Twin("ddim_eps", {"eta": 0.5}))


def test_the_noise_of_a_brownian_path_is_not_compared():
    right, wrong = entry("sampler.TwinOfAncestral"), entry("sampler.NoiseOfTheRatio")
    assert run(replace(right, brownian=True), GAUSSIAN) is None
    assert run(replace(wrong, brownian=True), GAUSSIAN) is None  # without noise it is right
    with pytest.raises(CheckFailure, match="without noise shows"):
        run(replace(right, brownian=True, twin=Twin("euler_ancestral", {"eta": 0.5})), GAUSSIAN)


def test_noise_that_is_drawn_elsewhere_cannot_be_that_of_the_twin():
    elsewhere = replace(entry("sampler.Elsewhere"), twin=Twin("euler_ancestral"))
    assert run(elsewhere, GAUSSIAN) == "it draws no noise that could be replaced by that of the twin"


def test_the_noises_are_distinct_and_of_unit_size():
    noises = [distinct(k, (2, 3)) for k in range(4)]
    assert all(float(x.abs().min()) >= 0.75 and float(x.abs().max()) <= 2.25 for x in noises)
    rows = [tuple(row.tolist()) for x in noises for row in x]
    assert len(set(rows)) == len(rows) == 8


def test_a_long_step_may_round_as_it_must():
    def euler(model, z, steps, space, factor=1.0):
        sigmas = torch.tensor([4096.0, 0.7, 0.0])
        x = sigmas[0] * z
        for s, t in pairwise(sigmas):
            denoised = model(x / (1 + s * s).sqrt(), s)
            x = factor * (x + (x - denoised) / s * (t - s))
        return x

    far = Sampler(euler, on_circle, ("x0",), state="vp", dtype="float32", twin=Twin("euler_ve"))
    case = RunCase(dtype="float32", steps=2, weight=1, shape=(3, 2), latent=(1, 0.5))  # sums that are often exact
    assert run(far, case) is None
    with pytest.raises(CheckFailure, match="at call 2"):
        run(replace(far, run=partial(euler, factor=1 + 2.0**-8)), case)


def test_steps_at_the_end_may_be_none_of_the_twin():
    subject = entry("sampler.OneStepWithoutHistory")
    with pytest.raises(CheckFailure, match="at call 3"):
        run(subject, GAUSSIAN)
    assert run(replace(subject, twin=Twin("lms_2", but=2)), GAUSSIAN) is None
    short = replace(subject, twin=Twin("lms_2", but=9))
    assert run(short, GAUSSIAN).startswith("the first network call has no step before")


def test_a_run_from_data_has_a_twin_too():
    class Inverse(Euler):
        def levels(self, steps):
            return super().levels(steps + 1)[-2::-1]

        def start(self, z, at):
            return z

    inverse = Sampler(Inverse().run, Inverse().level, ("eps",), state="vp", twin=Twin("ddim_eps"))
    assert run(inverse, GAUSSIAN) is None
    with pytest.raises(CheckFailure, match="ddim_inverse_v run over the same levels shows"):
        run(replace(inverse, twin=Twin("ddim_inverse_v")), GAUSSIAN)


def test_an_unknown_twin_is_one_sentence():
    with pytest.raises(UnknownNameError, match=r"expected a stochastic solver .* did you mean 'sde_dpmpp_2m'"):
        Sampler(Euler().run, Euler().level, ("eps",), twin=Twin("sde_dpmpp2m"), stochastic=True)
    with pytest.raises(UnknownNameError, match="did you mean 'dpmpp_2m'"):
        Sampler(Euler().run, Euler().level, ("eps",), twin=Twin("dpmpp2m"))
    with pytest.raises(ParameterError, match=r"expected twin to be a Twin or None, got 'heun': write twin=Twin\("):
        Sampler(Euler().run, Euler().level, ("eps",), twin="heun")


def test_what_does_not_apply_says_why():
    noisy, clipped = entry("sampler.Ancestral"), replace(entry("sampler.Clipped"), twin=Twin("ddim_eps"))
    assert check_for(noisy, "twin").inapplicable(noisy) == "no twin of the catalogue is declared"
    assert check_for(clipped, "twin").inapplicable(clipped) == "a clip has no twin"
