"""EQ, NAN, BAT, SENS and ST on samplers: messages, vacuous cases, inapplicable reasons, pasted cases."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cfg_equiv.faults.solvers import Clipped, Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import eq, sens
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.subjects import Sampler
from tests.testing.checks.named import check_for, entry

CASE = RunCase(network="gaussian", steps=3)
CLIPPED = replace(CASE, reach=2)


def run(name, subject, case=CASE):
    return check_for(subject, name)(subject, case)


@pytest.mark.parametrize(
    ("name", "subject", "case", "message"),
    [
        ("eq", "RawData", CASE, r"x0 differs from eps in .*, element \(\d, \d\), by .* times what one ulp explains"),
        (
            "eq",
            "FirstStageLevel",
            CASE,
            "x0 differs from eps in the latent of network call 5.*; first seen at network call 3",
        ),
        ("eq", "CombinesRaw", CASE, "x0 differs from eps in the final latent, .*; first seen at the end"),
        (
            "eq",
            "StaleNoise",
            CLIPPED,
            "differs from eps in the latent of network call 3.*; first seen at network call 2",
        ),
        ("eq", "OneMoreStep", CASE, "the network is called 3 times for eps but 4 times for v"),
        ("nan", "SecondStageAtTheEnd", CASE, r"the final latent is not finite with x0 predictions and 3 step\(s\)"),
        ("nan", "RepeatedFirst", CASE, "the latent of network call 3 is not finite with eps predictions"),
        (
            "bat",
            "WholeBatchThreshold",
            CASE,
            r"the rest of the batch changes item at \(\d, 0, \d\) by .* times the bound",
        ),
        ("bat", "Interleaved", CASE, r"the order of the batch changes item at"),
        ("sens", "never_read", CASE, r"the result does not depend on the option rho: \{'rho': 3.0\}"),
        ("st", "WritesLatent", CASE, "the run writes into the latent it was given: clone it"),
        ("st", "WritesPrediction", CASE, "the run writes into the prediction of network call 1: update out of place"),
        ("st", "KeptHistory", CASE, "the same run gives another result after a run in between"),
    ],
)
def test_the_message_says_where_and_by_how_much(name, subject, case, message):
    with pytest.raises(CheckFailure, match=message):
        run(name, entry(f"sampler.{subject}"), case)


def test_a_stale_noise_is_seen_only_where_the_clip_acts():
    assert run("eq", entry("sampler.StaleNoise"), replace(CASE, reach=0.001, weight=1)) is None


def test_the_cases_of_a_clipped_sampler_make_the_clip_act():
    subject, reached = entry("sampler.Clipped"), []

    @settings(max_examples=10, database=None, deadline=None)
    @given(check_for(subject, "eq").cases(subject))
    def collect(case):
        reached.append(case.reach)

    collect()
    assert min(reached) >= Clipped.radius


def test_what_depends_on_a_clip_is_asked_inside_it():
    subject = entry("sampler.Clipped")

    @settings(max_examples=5, database=None, deadline=None)
    @given(st.data())
    def inside(data):
        check_for(subject, "sens")(subject, data)

    inside()


def test_a_run_that_is_never_finite_is_vacuous_for_eq_and_bat():
    subject = Sampler(lambda model, z, steps, space: model(z, 1.0) * float("nan"), Euler().level, ("eps", "x0"))
    assert run("eq", subject) == "no finite bound: the run is not finite, or one ulp moves it without limit"
    assert run("bat", subject) == "no finite bound"
    assert run("sens", subject) == "the run is not finite"


def test_calls_that_one_ulp_changes_are_vacuous_for_eq():
    def adaptive(model, z, steps, space):  # it asks once more where the last bit is set
        end = Euler().run(model, z, steps, space)
        return end + 0 * model(end, 0.5) if int(end.flatten()[0].view(torch.int64)) & 1 else end

    subject = Sampler(adaptive, Euler().level, ("eps", "x0"), state="vp")
    found = [run("eq", subject, replace(CASE, reach=k)) for k in range(1, 9)]
    # Where both take the same number of calls they are compared.
    assert set(found) == {None, "no finite bound: the run is not finite, or one ulp moves it without limit"}


def test_a_level_that_is_not_a_number_is_what_nan_finds():
    with pytest.raises(CheckFailure, match=r"the level at t = 0\.5 is alpha = nan, sigma = 0\.5"):
        run("nan", Sampler(lambda model, z, steps, space: model(z, 0.5), lambda t: (float("nan"), t), ("eps",)))


def test_what_does_not_apply_says_why():
    single = Sampler(Euler().run, Euler().level, ("eps",))
    assert check_for(single, "eq").inapplicable(single) == "only one parameterization is declared: eps"
    noisy = entry("sampler.Ancestral")
    assert check_for(noisy, "bat").inapplicable(noisy) == "its noise belongs to the position in the batch"


def test_a_result_that_ignores_the_network_is_found():
    def deaf(model, z, steps, space):
        model(z, 0.5)
        return z.clone()

    with pytest.raises(CheckFailure, match="the result does not depend on the guidance weight"):
        run("sens", Sampler(deaf, Euler().level, ("eps",)))


def test_predictions_that_differ_by_their_rounding_are_alike():
    """Found by a seed: 7.5 and 8.5 gave one result of dpm_adaptive, and predictions of 5.2 that were an ulp apart."""
    one = torch.tensor([5.2, 0.0, -1.0])
    assert sens._alike(one, torch.nextafter(one, torch.tensor(torch.inf)) * torch.tensor([1.0, 0.0, 1.0]))
    assert not sens._alike(one, one * (1 + 2.0**-20))
    assert not sens._alike(one, one + torch.tensor([0.0, 2.0**-60, 0.0]))
    assert not sens._alike(one, torch.tensor([5.2, torch.nan, -1.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: None, r"expected run\(\) to return a tensor, got NoneType: return the last latent alone"),
        (lambda z: (z, z), r"expected run\(\) to return a tensor, got tuple"),
        (lambda z: z[:1], r"expected run\(\) to return shape \(2, 3\), got \(1, 3\)"),
        (lambda z: z.int(), r"expected run\(\) to return a floating-point tensor, got torch.int32"),
    ],
)
@pytest.mark.parametrize("name", ["eq", "nan", "bat", "sens", "st"])
def test_a_broken_protocol_is_one_sentence(name, change, message):
    def wrong(model, z, steps, space):
        return change(Euler().run(model, z, steps, space))

    with pytest.raises(SubjectError, match=message):
        run(name, Sampler(wrong, Euler().level, ("eps", "x0")))


@pytest.mark.parametrize(
    ("shown", "level", "message"),
    [
        (lambda z: None, Euler().level, "expected the sampler to show the network a tensor, got NoneType"),
        (lambda z: z[:1], Euler().level, r"expected the network to be shown shape \(2, 3\), got \(1, 3\)"),
        (lambda z: z.int(), Euler().level, "expected a floating-point latent, got torch.int32"),
        (
            lambda z: z,
            lambda t: (0.5, 0.5),
            "expected levels on the declared path 'vp', got alpha = 0.5, sigma = 0.5 at",
        ),
        (lambda z: z, lambda t: (-1.0, 0.0), r"expected level\(t\) to be two numbers, not negative"),
    ],
)
def test_what_the_network_is_shown_is_checked(shown, level, message):
    def wrong(model, z, steps, space):
        return model(shown(z), 0.5)

    with pytest.raises(SubjectError, match=message):
        run("nan", Sampler(wrong, level, ("eps",), state="vp"))


def test_no_call_of_the_network_is_one_sentence():
    with pytest.raises(SubjectError, match="expected the sampler to call the network at least once, got no call"):
        run("nan", Sampler(lambda model, z, steps, space: z, Euler().level, ("eps",)))


def test_noise_that_nobody_seeds_is_one_sentence_for_eq():
    generator = torch.Generator().manual_seed(0)

    def noisy(model, z, steps, space):
        return Euler().run(model, z, steps, space) + torch.randn(z.shape, generator=generator)

    with pytest.raises(SubjectError, match="expected a deterministic run, got two results from the same inputs"):
        run("eq", Sampler(noisy, Euler().level, ("eps", "x0")))


def test_an_exception_of_the_subject_is_not_hidden():
    def broken(model, z, steps, space):
        raise KeyError("beta")

    with pytest.raises(KeyError, match="beta"):
        run("nan", Sampler(broken, Euler().level, ("eps",)))


def test_a_print_is_swallowed_and_the_global_state_is_put_back(capsys):
    def loud(model, z, steps, space):
        print("step")
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(5)
        return Euler().run(model, z, steps, space)

    before = torch.random.get_rng_state()
    assert run("nan", Sampler(loud, Euler().level, ("eps",))) is None
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_default_dtype() is torch.float32
    assert capsys.readouterr().out == ""


def test_a_pasted_case_runs_as_it_prints():
    pasted = eval(repr(CASE))
    assert pasted == CASE
    assert eq.same_trajectory(entry("sampler.Heun"), pasted) is None
