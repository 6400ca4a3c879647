"""X0: the messages, what is vacuous, and the twin of a sampler with inner calls."""

from dataclasses import replace

import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.faults.solvers import Euler, FlowEuler, Heun, Multistep
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Sampler
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="point_mass", steps=3, weight=1)
GAUSSIAN = RunCase(steps=4)


def run(name, subject, case):
    return check_for(subject, name)(subject, case)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("VarianceForScale", "data at one point: the latent of network call 2 is at alpha = .*, off the path 'vp' by"),
        ("LastStepForgotten", "data at one point: the end is at alpha = .*, no further than the last network call at"),
    ],
)
def test_the_message_says_where_the_latent_is(name, message):
    with pytest.raises(CheckFailure, match=message):
        run("x0", entry(f"sampler.{name}"), CASE)


def test_on_a_free_path_only_what_is_neither_data_nor_noise_shows():
    def offset(model, z, steps, space):
        return Euler().run(lambda x, t: model(x, t), z, steps, space) + z.flip(-1)

    free = Sampler(offset, Euler().level, ("eps",))
    with pytest.raises(CheckFailure, match=r"the final latent holds .* of neither the data nor the noise"):
        run("x0", free, CASE)
    assert run("x0", replace(free, run=Euler().run), CASE) is None


def test_a_run_from_clean_data_says_nothing():
    inverse = Sampler(lambda model, z, steps, space: model(0 * z, 0.0) + z, Euler().level, ("x0",), state="vp")
    assert run("x0", inverse, CASE) == "the run starts without noise"


@pytest.mark.parametrize(
    ("solver", "twin"), [(Euler(), "ddim_eps"), (FlowEuler(), "euler_flow"), (Multistep(), "lms_2"), (Heun(), "heun")]
)
def test_a_run_is_that_of_its_twin(solver, twin):
    subject = Sampler(solver.run, solver.level, ("eps", "x0"), state=solver.schedule.path, twin=twin)
    assert run("twin", subject, GAUSSIAN) is None
    with pytest.raises(CheckFailure, match=r"shows the network another latent|where it arrives no call follows"):
        run("twin", replace(subject, twin="lms_3" if twin == "lms_2" else "lms_2"), GAUSSIAN)


def test_a_single_call_has_no_step_before_it_and_a_twin_off_its_path_no_value():
    subject = Sampler(Euler().run, Euler().level, ("eps",), state="vp", twin="ddim_eps")
    assert run("twin", subject, replace(GAUSSIAN, steps=1)) == "one network call, the first, has no step before it"
    assert run("twin", replace(subject, twin="euler_flow"), GAUSSIAN).startswith(
        "the twin has no value there: expected"
    )


def test_an_unknown_twin_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'dpmpp_2m'"):
        Sampler(Euler().run, Euler().level, ("eps",), twin="dpmpp2m")


def test_what_does_not_apply_says_why():
    noisy, clipped = entry("sampler.Ancestral"), replace(entry("sampler.Clipped"), twin="ddim_eps")
    assert check_for(noisy, "x0").inapplicable(noisy) == "it draws noise: MOM looks at its moments"
    assert check_for(noisy, "twin").inapplicable(noisy) == "no twin of the catalogue is declared"
    assert check_for(clipped, "twin").inapplicable(clipped) == "a clip has no twin"
