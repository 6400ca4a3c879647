"""Enclosures of torch code: they contain the exact result, and say where they are statistical."""

from fractions import Fraction

import pytest
import torch

from cfg_equiv.errors import MismatchError
from cfg_equiv.exact.interval_vectors import INTERVALS, Enclosed
from cfg_equiv.exact.intervals import endpoints
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.verdict.measured import Measured, NoValueError, answer_on

F = Fraction
COND, UNCOND = Vector([F(1, 3), F(-2)]), Vector([F(5), F(1, 7)])
SHAPES = {2: (1, 2, 1, 1)}


def enclosed(vector):
    return Vector(Enclosed(x) for x in vector)


def measured(function, dtype=torch.float64):
    formula = Measured(function, SHAPES, dtype)
    result = formula(INTERVALS, enclosed(COND), enclosed(UNCOND), w=Enclosed(F(3)))
    return [endpoints(x.interval) for x in result], formula


def plain(cond, uncond, w):
    return uncond + w * (cond - uncond)


def cubed(cond, uncond, w):
    return uncond + w * (cond - uncond) ** 3 / (1 + uncond * uncond)


def scaled_by_mean(cond, uncond, w):
    return cond * (w / cond.mean(dim=(1, 2, 3), keepdim=True)) + uncond


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("function", [plain, cubed])
def test_the_exact_result_is_enclosed_although_the_inputs_are_no_floats(function, dtype):
    ends, formula = measured(function, dtype)
    exact = function(COND, UNCOND, F(3)) if function is plain else cubed_exactly()
    assert all(low < x < high for (low, high), x in zip(ends, exact, strict=True))
    assert max(high - low for low, high in ends) < 4096 * torch.finfo(dtype).eps
    assert formula.reruns == 0


def cubed_exactly():
    return Vector(u + 3 * (c - u) ** 3 / (1 + u * u) for c, u in zip(COND, UNCOND, strict=True))


def test_reductions_are_enclosed():
    ends, formula = measured(scaled_by_mean)
    exact = COND * (F(3) / RATIONAL.mean(COND)) + UNCOND
    assert all(low < x < high for (low, high), x in zip(ends, exact, strict=True))
    assert formula.reruns == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda c, u, w: torch.from_numpy(u.numpy() + w * (c.numpy() - u.numpy())),
        lambda c, u, w: c + float((c - u).norm()) * w * u,
        lambda c, u, w: torch.tensor(c.flatten().tolist(), dtype=c.dtype).reshape(c.shape) * w,
        lambda c, u, w: c / torch.quantile(u, 0.75),
    ],
)
def test_what_leaves_torch_or_has_no_rule_is_judged_by_reruns(function):
    ends, formula = measured(function)
    assert formula.reruns == formula.calls == 1
    assert all(0 < high - low < F(1, 10**10) for low, high in ends)


@pytest.mark.parametrize(
    "function",
    [
        lambda c, u, w: c / (u - u),
        lambda c, u, w: c / (u - u).norm(),
        lambda c, u, w: c.std(dim=2, keepdim=True),
        lambda c, u, w: c[:, 5],
        lambda c, u, w: (c, u),
    ],
)
def test_no_value(function):
    with pytest.raises(NoValueError):
        measured(function)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda c, u, w: (c, u), "expected the rule to give a tensor of floats, got a tuple: return the guided"),
        (lambda c, u, w: c > u, "got a torch.bool tensor"),
        (lambda c, u, w: c.mean(), r"got shape \(\) for predictions of shape \(1, 2\): reduce with keepdim=True"),
    ],
)
def test_what_a_rule_must_give(function, text):
    with pytest.raises(MismatchError, match=text):
        answer_on(function, [torch.ones(1, 2), torch.ones(1, 2)], 3.0)
