"""Steps and steppers as samplers: what the wrapped code is called with, and what it may not return."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

import cfg_equiv
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.testing import RunCase, SubjectError, from_scheduler, from_step
from cfg_equiv.testing.network import run

LEVELS = ((0.0, 1.0), (0.6, 0.8), (0.8, 0.6), (1.0, 0.0))


def levels(steps):
    return LEVELS[: steps + 1]


def ddim(z, x0, s, t, space):
    return t.alpha * x0 + t.sigma * (z - s.alpha * x0) / s.sigma


def test_a_step_is_repeated_from_level_to_level():
    seen = []

    def step(z, pred, s, t, space):
        seen.append((float(s.alpha), float(s.sigma), float(t.alpha), float(t.sigma), space))
        return ddim(z, pred, s, t, space)

    sampler = from_step(step, levels, ("x0",), state="vp", steps=(1, 3))
    trace = run(sampler, RunCase(steps=2, dtype="float32"), "x0", torch.ones(2, 3))
    assert seen == [(0.0, 1.0, 0.6, 0.8, "x0"), (0.6, 0.8, 0.8, 0.6, "x0")]
    assert trace.shape == (3, 2, 3)
    assert trace.dtype == torch.float32


def test_the_start_is_scaled_to_the_first_level():
    sampler = from_step(ddim, lambda n: [(1.0, 80.0), (1.0, 0.0)], ("x0",), state="ve", steps=(1, 1))
    trace = run(sampler, RunCase(steps=1), "x0", torch.ones(2, 3))
    assert (trace[0] == 80).all()


def test_the_declarations_arrive():
    sampler = from_step(
        ddim, levels, ("x0",), state="vp", order=2, clip=1.0, stochastic=True, version="3", options={"a": 1}
    )
    assert (sampler.name, sampler.state, sampler.order) == ("ddim", "vp", 2)
    assert (sampler.clip, sampler.stochastic, sampler.version, sampler.options) == (1.0, True, "3", {"a": 1})
    with pytest.raises(UnknownNameError, match="parameterization"):
        from_step(ddim, levels, ("epsilon",), state="vp")
    with pytest.raises(ParameterError, match="fewest"):
        from_step(ddim, levels, ("x0",), state="vp", steps=(3, 1))


def test_a_wrong_number_of_levels_is_one_sentence():
    sampler = from_step(ddim, lambda n: LEVELS, ("x0",), state="vp")
    with pytest.raises(SubjectError, match=r"expected levels\(1\) to list 2 levels, got 4"):
        run(sampler, RunCase(steps=1), "x0", torch.ones(2, 3))


@dataclass
class Stepper:
    """A VE Euler stepper in the style of diffusers: sigmas, a rescaled input, its own counter."""

    kind: str
    wrong: float = 1.0
    init_noise_sigma: float = 0.0

    def set_timesteps(self, steps):
        self.sigmas = torch.cat([torch.linspace(4, 1, steps), torch.zeros(1)])
        self.timesteps = torch.arange(steps)
        self.init_noise_sigma = 4.0
        self.index = 0

    def scale_model_input(self, z, t):
        return z / (1 + self.sigmas[self.index] ** 2) ** 0.5

    def step(self, pred, t, z, generator=None, noise=0.0):
        sigma, after = self.sigmas[self.index : self.index + 2]
        eps = pred if self.kind == "epsilon" else self.wrong * (z - pred) / sigma
        self.index += 1
        extra = noise * torch.randn(z.shape, generator=generator) if noise else 0
        return SimpleNamespace(prev_sample=z + (after - sigma) * eps + extra)


def level(scheduler, t, index):
    sigma = scheduler.sigmas[index].double()
    assert index == scheduler.index == int(t)
    return 1 / (1 + sigma * sigma).sqrt(), sigma / (1 + sigma * sigma).sqrt()


NAMES = {"eps": "epsilon", "x0": "sample"}


def test_a_stepper_is_driven_as_its_library_drives_it_and_passes():
    made = []

    def make(kind):
        made.append(kind)
        return Stepper(kind)

    sampler = from_scheduler(make, NAMES, level, state="vp", steps=(1, 4))
    trace = run(sampler, RunCase(steps=3, dtype="float32"), "x0", torch.ones(2, 3))
    assert trace.shape == (4, 2, 3)
    assert made == ["sample"]
    assert torch.equal(trace[0], torch.full((2, 3), 4.0) / (1 + torch.tensor(4.0) ** 2) ** 0.5)
    report = cfg_equiv.check(sampler, examples=2)
    assert report.holds, report
    assert sampler.name.endswith("make")


def test_a_stepper_that_treats_one_type_otherwise_fails_eq():
    sampler = from_scheduler(lambda kind: Stepper(kind, 1.001), NAMES, level, state="vp", name="wrong")
    (record,) = cfg_equiv.check(sampler, checks=["eq"], examples=6).checks
    assert record.status == "failed"
    assert "x0 differs from eps" in record.message
    assert record.case.startswith("RunCase(dtype='float32'")


def test_step_options_and_a_generator_seeded_as_torch_is():
    sampler = from_scheduler(
        Stepper, NAMES, level, state="vp", stochastic=True, step_options={"noise": 0.5}, name="noisy"
    )
    case = RunCase(steps=2, dtype="float32")
    traces = [run(sampler, RunCase(steps=2, dtype="float32", seed=seed), "x0", case.z) for seed in (0, 0, 1)]
    assert torch.equal(traces[0], traces[1])
    assert not torch.equal(traces[0], traces[2])


@pytest.mark.parametrize(("output", "came"), [(None, "NoneType"), (SimpleNamespace(x=1), "SimpleNamespace")])
def test_a_step_without_a_latent_is_one_sentence(output, came):
    class Broken(Stepper):
        def step(self, pred, t, z):
            return output

    sampler = from_scheduler(Broken, NAMES, level, state="vp")
    with pytest.raises(SubjectError, match=rf"expected step\(\) to return an object with prev_sample.* got {came}"):
        run(sampler, RunCase(steps=1, dtype="float32"), "x0", torch.ones(2, 3))


def test_a_stepper_may_lack_a_start_and_a_rescaling_and_return_a_tuple():
    class Bare:
        timesteps = torch.tensor([1.0])

        def __init__(self, kind):
            pass

        def set_timesteps(self, steps):
            pass

        def step(self, pred, t, z):
            return (pred,)

    sampler = from_scheduler(Bare, {"x0": "sample"}, lambda s, t, i: (1 - t, t), state="flow", steps=(1, 1))
    trace = run(sampler, RunCase(steps=1, dtype="float32"), "x0", torch.ones(2, 3))
    assert (trace[0] == 1).all()
    with pytest.raises(UnknownNameError, match="parameterization out of x0, got 'v'"):
        sampler.run(lambda z, t: z, torch.ones(2, 3), 1, "v")


def test_the_token_prints_as_its_time_in_messages():
    sampler = from_scheduler(Stepper, NAMES, lambda s, t, i: (0.5, 0.5), state="vp")
    with pytest.raises(SubjectError, match=r"expected levels on the declared path 'vp', .* at t = 0: correct level="):
        run(sampler, RunCase(steps=2, dtype="float32"), "x0", torch.ones(2, 3))
