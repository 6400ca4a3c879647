import re
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from cfg_equiv.adapters.comfyui import from_model_sampling, from_sigma_sampler
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.testing.subjects import Conversion, Schedule, Twin
from tests.adapters.runs import status


def wide(sigma, x):
    return sigma.view(sigma.shape[:1] + (1,) * (x.ndim - 1))


class Discrete:
    """A table of sigmas, interpolated in log sigma; the state is the image and sigma times the noise."""

    def __init__(self, dtype=torch.float64):
        abar = torch.cumprod(1 - torch.linspace(1e-3, 2e-2, 100, dtype=dtype), 0)
        self.sigmas = ((1 - abar) / abar).sqrt()

    sigma_min = property(lambda self: self.sigmas[0])
    sigma_max = property(lambda self: self.sigmas[-1])

    def sigma(self, timestep):
        t = torch.as_tensor(timestep, dtype=torch.float64)
        low, high = self.sigmas.log()[t.floor().long()], self.sigmas.log()[t.ceil().long()]
        return torch.lerp(low, high, t.frac()).exp()

    def timestep(self, sigma):
        return (sigma.log() - self.sigmas.log()).abs().argmin()

    def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
        return noise * sigma + latent_image

    def calculate_input(self, sigma, noise):
        return noise / (wide(sigma, noise) ** 2 + 1) ** 0.5


class Eps(Discrete):
    def calculate_denoised(self, sigma, model_output, model_input):
        return model_input - model_output * wide(sigma, model_input)


class V(Discrete):
    def calculate_denoised(self, sigma, model_output, model_input):
        sigma = wide(sigma, model_input)
        return model_input / (sigma**2 + 1) - model_output * sigma / (sigma**2 + 1) ** 0.5


class Const(Discrete):
    """A straight path: sigma is the time."""

    sigma_min, sigma_max = 1 / 128, 1.0

    def sigma(self, timestep):
        return timestep

    def timestep(self, sigma):
        return sigma

    def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
        return sigma * noise + (1 - sigma) * latent_image

    def calculate_input(self, sigma, noise):
        return noise

    def calculate_denoised(self, sigma, model_output, model_input):
        return model_input - model_output * wide(sigma, model_input)


def euler(model, x, sigmas, extra_args=None, callback=None, disable=None):
    """Euler on the ODE of a state of noise level sigma."""
    for s, t in pairwise(sigmas):
        denoised = model(x, s * x.new_ones([x.shape[0]]), **(extra_args or {}))
        x = denoised + t / s * (x - denoised)
    return x


def sigmas(steps):
    return torch.linspace(0.875, 0.125, steps + 1, dtype=torch.float64)


@pytest.mark.parametrize(("cls", "space", "path"), [(Eps, "eps", "ve"), (V, "v", "ve"), (Const, "flow", "flow")])
def test_a_model_sampling_object_is_a_schedule_and_a_conversion(cls, space, path):
    schedule, conversion = from_model_sampling(cls(), space)
    assert isinstance(schedule, Schedule)
    assert isinstance(conversion, Conversion)
    assert schedule.path == path
    assert [status(schedule, check, 4) for check in ("rt_path", "rt_order", "rt_time", "nan", "sch")] == ["passed"] * 5
    assert status(conversion, "rt", 4) == "passed"


def test_a_wrong_sign_is_found_behind_the_object_and_behind_a_sampler():
    class Wrong(V):
        def calculate_denoised(self, sigma, model_output, model_input):
            return super().calculate_denoised(sigma, -model_output, model_input)

    assert status(from_model_sampling(Wrong(), "v")[1], "rt", 2) == "failed"
    sampler = from_sigma_sampler(euler, {"eps": Eps(), "v": Wrong()}, sigmas=sigmas)
    assert status(sampler, "eq", 1) == "failed"


def test_an_inverse_that_is_none_is_found():
    class Wrong(Const):
        def timestep(self, sigma):
            return sigma * sigma

    assert status(from_model_sampling(Wrong(), "flow")[0], "rt_time", 4) == "failed"


def test_one_sampler_behind_several_objects_is_green():
    sampler = from_sigma_sampler(euler, {"eps": Eps(), "v": V()}, sigmas=sigmas, twin=Twin("euler_ve"), name="euler")
    assert sampler.state == "vp"
    assert [status(sampler, check, 2) for check in ("eq", "twin", "sch", "st")] == ["passed"] * 4
    straight = from_sigma_sampler(euler, {"flow": Const()}, sigmas=sigmas)
    assert (straight.state, str(straight)) == ("flow", "euler")
    assert status(straight, "sch", 2) == "passed"


def test_a_sampler_that_stops_at_another_level_is_found():
    def late(model, x, sigmas, **rest):
        return euler(model, x, torch.cat([sigmas[:1], 0.9 * sigmas[1:]]), **rest)

    def told_wrong(model, x, sigmas, **rest):
        return late(lambda y, s, **extra: model(y, s / 0.9 if s[0] < sigmas[0] else s, **extra), x, sigmas, **rest)

    assert status(from_sigma_sampler(told_wrong, {"eps": Eps()}, sigmas=sigmas), "sch", 2) == "failed"


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: from_model_sampling(Eps(), "noise"), UnknownNameError, "expected a parameterization out of"),
        (
            lambda: from_model_sampling(SimpleNamespace(), "eps"),
            ParameterError,
            "SimpleNamespace without sigma",
        ),
        (lambda: from_sigma_sampler(euler, {}, sigmas=sigmas), ParameterError, "expected a model_sampling object"),
        (
            lambda: from_sigma_sampler(euler, {"w": Eps()}, sigmas=sigmas),
            UnknownNameError,
            "expected a parameterization",
        ),
        (lambda: from_model_sampling(odd(), "eps"), ParameterError, "expected noise_scaling of image + sigma noise"),
    ],
)
def test_what_cannot_be_a_subject_is_one_sentence(make, error, text):
    with pytest.raises(error, match=re.escape(text)):
        make()


def odd():
    one = Eps()
    one.noise_scaling = lambda sigma, noise, latent_image: noise + sigma * latent_image
    return one
