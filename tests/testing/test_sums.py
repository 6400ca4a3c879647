"""What the sums of a step round to: without it right code is blamed, with it a small part too much is found."""

from dataclasses import replace
from functools import partial

import pytest

from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import dt, x0
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import of_sums
from cfg_equiv.testing.subjects import Sampler
from tests.testing.checks.named import check_for


def run(name, subject, case):
    return check_for(subject, name)(subject, case)


def through_noise(model, z, steps, space, wrong=0.0):
    """One step from sigma/alpha = 1000 to 1/1000 by way of the noise prediction: factors of 1000 cancel."""
    s, t = ((1 + k * k) ** -0.5 for k in (1000.0, 0.001))
    sigma, then = 1000 * s, 0.001 * t
    z = sigma * z
    eps = (z - s * model(z, (s, sigma))) / sigma
    return t / s * z + (then - t / s * sigma) * eps + wrong * (z * z)


@pytest.mark.parametrize(
    ("check", "module", "case"),
    [
        ("dt", dt, RunCase(dtype="float32", shape=(3, 2), steps=1, weight=1, reach=0.5, latent=(0.5,))),
        ("x0", x0, RunCase(network="point_mass", shape=(3, 2), steps=1, weight=1, reach=0.5, latent=(0.3,))),
    ],
)
def test_sums_that_cancel_round_as_they_must(monkeypatch, check, module, case):
    far = Sampler(through_noise, lambda t: t, ("x0",), state="vp", steps=(1, 1))
    assert run(check, far, case) is None
    if check == "x0":
        with pytest.raises(CheckFailure, match="data at one point"):
            run(check, replace(far, run=partial(through_noise, wrong=2.0**-36)), case)
    monkeypatch.setattr(module, "of_sums", lambda states, *rest: 0 * of_sums(states, *rest))
    with pytest.raises(CheckFailure, match="times what one ulp explains"):
        run(check, far, case)
