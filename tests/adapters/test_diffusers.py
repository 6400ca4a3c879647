from dataclasses import replace
from fractions import Fraction

import pytest
import torch

pytest.importorskip("diffusers")

import diffusers.schedulers

from cfg_equiv.adapters import diffusers_levels as at
from cfg_equiv.adapters.diffusers import LEFT_OUT, subjects
from cfg_equiv.adapters.diffusers_schedulers import SCHEDULERS
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import eq
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.network import run
from tests.adapters.runs import outcome, status

GREEN = (  # ways to write one denoiser that must not be told apart
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
    "DEISMultistepScheduler",
    "SASolverScheduler",
    "HeunDiscreteScheduler",
    "LMSDiscreteScheduler",
    "EulerDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "DPMSolverSDEScheduler",
    "EDMEulerScheduler",
    "TCDScheduler",
)
RED = (
    "PNDMScheduler",
    "EulerDiscreteScheduler[s_churn=0.5]",
    "DPMSolverMultistepScheduler[flow_prediction]",
    "DPMSolverMultistepScheduler[use_flow_sigmas=True,v_prediction]",
    "DPMSolverSinglestepScheduler[flow_prediction]",
    "DEISMultistepScheduler[use_flow_sigmas=True,v_prediction]",
    "UniPCMultistepScheduler[flow_prediction]",
    "SASolverScheduler[use_flow_sigmas=True,v_prediction]",
    "EDMEulerScheduler[true_eps]",
)

MISFITS = {  # options that are accepted, and do not fit the path
    name: ("flow_prediction", "use_flow_sigmas=True,v_prediction")
    for name in (
        "DPMSolverMultistepScheduler",
        "DPMSolverMultistepInverseScheduler",
        "DPMSolverSinglestepScheduler",
        "DEISMultistepScheduler",
        "UniPCMultistepScheduler",
        "SASolverScheduler",
    )
}
EDM = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "CosineDPMSolverMultistepScheduler")
KNOWN = {
    *((f"{name}[{option}]", "eq") for name, options in MISFITS.items() for option in options),
    *((f"{name}[true_eps]", "eq") for name in EDM),
    *((f"PNDMScheduler{option}", "eq") for option in ("", "[skip_prk_steps=False]", "[timestep_spacing=trailing]")),
    ("EulerDiscreteScheduler[s_churn=0.5]", "eq"),
    ("FlowMatchEulerDiscreteScheduler", "sens"),  # s_churn is accepted and not read
    ("DDIMInverseScheduler", "nan"),  # 0/0 for x0 at the clean end
    ("DDIMInverseScheduler[clip_sample=True,clip_sample_range=1.0]", "nan"),
    ("UniPCMultistepScheduler[solver_type=bh1]", "nan"),  # an infinite step in log-SNR to sigma = 0
}

# Its first network call, at alpha = 0, is thrown away: seen where the other calls happen not to depend on the weight.
SOMETIMES = {("IPNDMScheduler", "sens")}


def named(name):
    (subject,) = [s for s in subjects(name.partition("[")[0]) if str(s) == name]
    return subject


SLOW = {  # of those two, what takes more than a second; the others stand for them in the default tier
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "DPMSolverSDEScheduler",
    "PNDMScheduler",
    "SASolverScheduler[use_flow_sigmas=True,v_prediction]",
    "DEISMultistepScheduler[use_flow_sigmas=True,v_prediction]",
    "UniPCMultistepScheduler[flow_prediction]",
}


def tiered(names):
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


@pytest.mark.parametrize("name", tiered(GREEN))
def test_one_denoiser_gives_one_trajectory(name):
    assert status(named(name)) == "passed"


def test_a_rounding_of_the_data_that_is_divided_by_sigma_is_no_difference(monkeypatch):
    """v and eps both become data, and (z - data)/sigma at sigma = 0.03; no x0 need be declared to allow for it."""
    heun = replace(named("HeunDiscreteScheduler"), spaces=("eps", "v"))
    case = RunCase(dtype="float32", reach=2, latent=(0.0,))
    assert eq.same_trajectory(heun, case) is None
    monkeypatch.setattr(eq, "with_data", lambda space, difference, allowed, rerun: allowed)
    with pytest.raises(CheckFailure, match="v differs from eps"):
        eq.same_trajectory(heun, case)


@pytest.mark.parametrize("name", tiered(RED))
def test_inconsistent_conversions_are_found(name):
    record = outcome(named(name), examples=8)
    assert record.status == "failed"
    assert "differs from" in record.message


@pytest.mark.parametrize("name", ["bat", "nan", "sens", "st"])
@pytest.mark.parametrize("subject", ["DDIMScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler"])
def test_the_other_checks_pass_too(subject, name):
    assert status(named(subject), name) == "passed"


def test_an_option_that_is_accepted_and_ignored_is_found():
    record = outcome(named("FlowMatchEulerDiscreteScheduler"), "sens")
    assert record.status == "failed"
    assert "s_churn" in record.message


def test_a_division_by_sigma_at_the_clean_end_is_found():
    assert status(named("DDIMInverseScheduler"), "nan") == "failed"


def test_every_class_is_a_subject_or_left_out_for_a_reason():
    public = {name for name in dir(diffusers.schedulers) if name.endswith("Scheduler") and not name.startswith("Flax")}
    assert public <= SCHEDULERS.keys() | LEFT_OUT.keys()
    assert not SCHEDULERS.keys() & LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


def test_names_are_distinct_and_fit_for_test_ids():
    names = [str(s) for s in subjects("*")]
    assert len(names) == len(set(names))
    assert not any(" " in name for name in names)


@pytest.mark.filterwarnings("ignore:Should have t")  # torchsde, asked below the interval of its tree
@pytest.mark.parametrize("name", tiered(SCHEDULERS))
def test_every_subject_runs_and_declares_its_levels(name):
    for subject in subjects(name):
        case = RunCase(dtype=subject.dtype, steps=subject.steps[0])
        trace = run(subject, case, subject.spaces[-1], case.z)  # raises where a level is off the declared path
        assert trace.shape[1:] == case.shape


def test_options_say_what_was_set_and_where():
    churned = named("EulerDiscreteScheduler[s_churn=0.5]")
    assert churned.options == {"s_churn": 0.5}
    assert churned.stochastic
    assert named("DDIMScheduler[eta=1.0]").stochastic
    assert not named("DDIMScheduler").stochastic
    assert named("DPMSolverMultistepScheduler[solver_order=3]").order == 3
    assert named("DDIMScheduler[clip_sample=True,clip_sample_range=1.0]").clip == 1.0
    assert named("DDIMScheduler").clip is None
    assert named("DDIMScheduler").version == diffusers.__version__


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("DDIMSheduler", "did you mean 'DDIMScheduler'"),
        ("VQDiffusionScheduler", "discrete tokens"),
        ("", "expected a scheduler of diffusers out of"),
    ],
)
def test_an_unknown_class_is_one_sentence(name, match):
    with pytest.raises(UnknownNameError, match=match):
        subjects(name)


def test_a_prepared_scheduler_is_as_good_as_a_new_one_each_time():
    subject = named("UniPCMultistepScheduler")
    case = RunCase(dtype="float32", steps=4)
    first = run(subject, case, "eps", case.z)
    run(subject, RunCase(dtype="float32", steps=2), "v", case.z)
    assert torch.equal(run(subject, case, "eps", case.z), first)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 157.0])
def test_the_circle(kappa):
    alpha, sigma = at.on_circle(kappa)
    # Counted roundings: two of 1 + kappa^2, three of its root and reciprocal, one of the product; squares double them.
    u = torch.finfo(torch.float64).eps / 2
    assert abs(Fraction(alpha.item()) ** 2 + Fraction(sigma.item()) ** 2 - 1) <= 2 * 6 * Fraction(u) * 2
    assert abs(Fraction(sigma.item()) - Fraction(kappa) * Fraction(alpha.item())) <= Fraction(u) * Fraction(
        sigma.item()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverMultistepInverseScheduler"]
)
def test_the_suggested_change_is_what_half_formats_lack(monkeypatch, name):
    """Finding 2.10: a latent in single precision, as other classes have it."""
    cls = getattr(diffusers.schedulers, name)
    honest = cls.step

    def widened(self, model_output, timestep, sample, **given):
        stepped = honest(self, model_output, timestep, sample.float(), **given)
        stepped.prev_sample = stepped.prev_sample.to(sample.dtype)
        return stepped

    assert status(named(name), "dt", 8) == "failed"
    monkeypatch.setattr(cls, "step", widened)
    assert status(named(name), "dt", 8) == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_class_is_red_where_it_is_known_to_be(name):
    """The checks of all its subjects: red exactly where the released code is. Those that rerun get few examples."""
    red = {
        (str(s), check)
        for s in subjects(name)
        for check in ("eq", "nan", "bat", "sens", "st")
        if status(s, check, 4 if check in ("eq", "bat") else 8) in ("failed", "error")
    }
    assert red - SOMETIMES == {pair for pair in KNOWN if pair[0].partition("[")[0] == name}
