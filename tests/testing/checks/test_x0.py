"""X0: the messages, and what is vacuous."""

from dataclasses import replace

import pytest

from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Sampler
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="point_mass", steps=3, weight=1)


def run(subject, case):
    return check_for(subject, "x0")(subject, case)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("VarianceForScale", "data at one point: the latent of network call 2 is at alpha = .*, off the path 'vp' by"),
        ("LastStepForgotten", "data at one point: the end is at alpha = .*, no further than the last network call at"),
    ],
)
def test_the_message_says_where_the_latent_is(name, message):
    with pytest.raises(CheckFailure, match=message):
        run(entry(f"sampler.{name}"), CASE)


def test_on_a_free_path_only_what_is_neither_data_nor_noise_shows():
    def offset(model, z, steps, space):
        return Euler().run(lambda x, t: model(x, t), z, steps, space) + z.flip(-1)

    free = Sampler(offset, Euler().level, ("eps",))
    with pytest.raises(CheckFailure, match=r"the final latent holds .* of neither the data nor the noise"):
        run(free, CASE)
    assert run(replace(free, run=Euler().run), CASE) is None


def test_a_run_from_clean_data_says_nothing():
    inverse = Sampler(lambda model, z, steps, space: model(0 * z, 0.0) + z, Euler().level, ("x0",), state="vp")
    assert run(inverse, CASE) == "the run starts without noise"


def test_noise_does_not_apply():
    noisy = entry("sampler.Ancestral")
    assert check_for(noisy, "x0").inapplicable(noisy) == "it draws noise: MOM looks at its moments"
