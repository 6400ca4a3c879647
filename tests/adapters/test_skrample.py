import importlib.util
import math
from types import SimpleNamespace

import pytest

from cfg_equiv.adapters.skrample import SAMPLERS, from_structured, subjects
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.testing.targets import TargetError, resolve
from tests.adapters.runs import status


class Circle:
    """Angles from just below a right one to none."""

    def ipoint(self, t):
        angle = 1.5 * (1 - t)
        return (angle, math.sin(angle), math.cos(angle))


class Data:
    def to_x(self, z, output, point):
        return output


class Noise:
    def to_x(self, z, output, point):
        return (z - point[1] * output) / point[2]


class TwoStep:
    """Extrapolates the data prediction out of two; ``mixed`` is what is extrapolated."""

    def sample(self, sample, prediction, step, model_transform, schedule, noise=None, previous=()):
        (_, s, a), (_, t, b) = (schedule.ipoint(x) for x in step)
        data = self.mixed(sample, prediction, model_transform, (0, s, a), previous)
        return SimpleNamespace(final=t / s * sample + (b - a * t / s) * data, kept=self.kept, prediction=prediction)

    def mixed(self, z, prediction, model, point, previous):
        self.kept = model.to_x(z, prediction, point)
        return 1.5 * self.kept - 0.5 * previous[-1].kept if previous else self.kept


class ConvertsLate(TwoStep):
    def mixed(self, z, prediction, model, point, previous):
        self.kept = None
        both = 1.5 * prediction - 0.5 * previous[-1].prediction if previous else prediction
        return model.to_x(z, both, point)


def made(cls):
    return from_structured(cls(), Circle(), {"x0": Data(), "eps": Noise()}, state="vp")


def test_a_structured_sampler_is_green_by_its_interface_alone():
    subject = made(TwoStep)
    assert str(subject) == "TwoStep"
    assert [status(subject, check, 2) for check in ("eq", "sch", "nan", "st")] == ["passed"] * 4


def test_a_combination_before_the_conversion_is_found():
    assert status(made(ConvertsLate), "eq", 8) == "failed"


def test_an_unknown_sampler_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'Adams'"):
        subjects("Adam")


@pytest.mark.skipif(importlib.util.find_spec("skrample") is not None, reason="skrample is installed")
def test_without_the_library_one_sentence_says_what_it_needs():
    with pytest.raises(TargetError, match=r"skrample to be installed.*Python 3\.12 or later"):
        resolve("skrample:Euler")


@pytest.mark.skipif(importlib.util.find_spec("skrample") is None, reason="skrample is not installed")
@pytest.mark.parametrize("name", SAMPLERS)
def test_one_denoiser_in_every_model_gives_one_trajectory(name):
    for subject in subjects(name):
        assert status(subject, "eq", 1) == "passed", str(subject)
