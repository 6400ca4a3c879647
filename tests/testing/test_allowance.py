"""What correct runs may differ by: without each term right code is blamed, beside each a small fault is found."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.testing.allowance import of_sums
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import dt, eq, twin, x0
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Sampler, Twin
from tests.testing.checks.named import check_for


def run(name, subject, case):
    return check_for(subject, name)(subject, case)


def through_noise(model, z, steps, space, wrong=lambda space, dtype: 0.0):
    """From sigma/alpha = 1000 to 1/1000 in one step by way of the noise prediction, factors of 1000 cancel, and on."""
    kappas = (1000.0, 0.001, 0.0001)
    levels = [((1 + k * k) ** -0.5, k * (1 + k * k) ** -0.5) for k in kappas]
    z = levels[0][1] * z
    for (s, sigma), (t, then) in pairwise(levels):
        at = Point(*(torch.tensor(x).to(z) for x in (s, sigma)))
        eps = to_space(torch, z, model(z, (s, sigma)), at, space, "eps")
        z = t / s * z + (then - t / s * sigma) * eps + wrong(space, z.dtype) * (z * z)
    return z


FAR = Sampler(through_noise, lambda t: t, ("x0", "v"), state="vp", steps=(2, 2), twin=Twin("ddim_x0"))
SINGLE = RunCase(dtype="float32", shape=(3, 2), steps=2, weight=1, reach=0.5, latent=(0.5,))
POINT = RunCase(network="point_mass", shape=(3, 2), steps=2, weight=1, reach=0.5, latent=(0.3,))


@pytest.mark.parametrize(
    ("check", "module", "case", "wrong"),
    [
        ("dt", dt, SINGLE, lambda space, dtype: 2.0**-12 * (dtype == torch.float32)),
        ("eq", eq, SINGLE, lambda space, dtype: 2.0**-10 * (space == "v")),
        ("twin", twin, SINGLE, lambda space, dtype: 2.0**-12),
        ("x0", x0, POINT, lambda space, dtype: 2.0**-36),
    ],
)
def test_sums_that_cancel_round_as_they_must(monkeypatch, check, module, case, wrong):
    assert run(check, FAR, case) is None
    with pytest.raises(CheckFailure):
        run(check, replace(FAR, run=partial(through_noise, wrong=wrong)), case)
    monkeypatch.setattr(module, "of_sums", lambda states, *rest: 0 * of_sums(states, *rest))
    with pytest.raises(CheckFailure, match="times what one ulp explains"):
        run(check, FAR, case)


SIGMAS = (14.0, 0.03, 0.002)
NOISY = RunCase(dtype="float32", shape=(2, 3, 4), steps=2, reach=2, latent=(0.0,))


def through_data(model, z, steps, space, wrong=lambda dtype: 0.0):
    """Heun's method in sigma, each slope by way of the data: their rounding is divided by 0.03 and multiplied by 14."""

    def slope(z, sigma):
        at = Point(torch.ones(()).to(z), torch.tensor(sigma).to(z))
        return (z - to_space(torch, z, model(z, sigma), at, space, "x0") * (1 + wrong(z.dtype))) / sigma

    z = SIGMAS[0] * z
    for s, t in pairwise(SIGMAS):
        first = slope(z, s)
        z = z + (t - s) * (first + slope(z + (t - s) * first, t)) / 2
    return z


HEUN = Sampler(through_data, lambda t: (1.0, t), ("v", "eps"), state="ve", steps=(2, 2), twin=Twin("heun"))


@pytest.mark.parametrize(
    ("check", "module", "wrong"),
    [
        ("twin", twin, lambda dtype: 1e-5),
        ("dt", dt, lambda dtype: 1e-4 * (dtype == torch.float32)),
    ],
)
def test_a_rounding_of_the_data_that_is_divided_by_sigma_is_no_fault(monkeypatch, check, module, wrong):
    """Though no data prediction is among what the sampler takes: the rerun moves what its predictions stand for."""
    assert run(check, HEUN, NOISY) is None
    with pytest.raises(CheckFailure, match="times what one ulp explains"):
        run(check, replace(HEUN, run=partial(through_data, wrong=wrong)), NOISY)
    monkeypatch.setattr(module, "with_data", lambda space, difference, allowed, rerun: allowed)
    with pytest.raises(CheckFailure, match="times what one ulp explains"):
        run(check, HEUN, NOISY)
