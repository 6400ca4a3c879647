import pytest

pytest.importorskip("flow_matching")

from cfg_equiv.adapters.flow_matching import METHODS, SCHEDULERS, subjects
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.network import run
from tests.adapters.runs import status

CHECKS = ("eq", "twin", "sch", "ord", "nan")
FEW = RunCase(steps=3)


def named(name):
    (subject,) = [s for s in subjects(name.partition("[")[0]) if str(s) == name]
    return subject


def test_every_subject_is_known_by_one_name_and_runs():
    every = subjects("*")
    names = [str(s) for s in every]
    assert len(names) == len(set(names))
    assert {name.partition("[")[0] for name in names} == {
        "ODESolver",
        "ScheduleTransformedModel",
        "AffineProbPath",
        *SCHEDULERS,
    }
    for subject in (s for s in every if hasattr(s, "order")):
        # Raises where a level is off the declared path.
        assert run(subject, FEW, subject.spaces[-1], FEW.z).shape[1:] == FEW.shape


@pytest.mark.parametrize("check", ["eq", "twin", "sch"])
def test_the_solver_is_green(check):
    assert status(named("ODESolver[midpoint]"), check, 1) == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("trained", [name for name in SCHEDULERS if name != "CondOTScheduler"])
def test_a_network_of_another_schedule_is_green(trained):
    subject = named(f"ScheduleTransformedModel[{trained}]")
    assert [status(subject, check, 1) for check in ("eq", "sch")] == ["passed", "passed"]


def test_conversions_and_schedules_are_green():
    assert status(*subjects("AffineProbPath"), "rt", 2) == "passed"
    for name in SCHEDULERS:
        assert [status(*subjects(name), check, 2) for check in ("rt_path", "rt_order", "rt_time")] == ["passed"] * 3


def test_a_wrong_conversion_is_found(monkeypatch):
    from flow_matching.path import AffineProbPath

    honest = AffineProbPath.epsilon_to_velocity

    def wrong(self, epsilon, x_t, t):
        return honest(self, -epsilon, x_t, t)

    monkeypatch.setattr(AffineProbPath, "epsilon_to_velocity", wrong)
    assert status(named("ODESolver[euler]"), "eq", 1) == "failed"
    assert status(*subjects("AffineProbPath"), "rt", 2) == "failed"


def test_a_wrong_change_of_schedule_is_found(monkeypatch):
    """The inverse of another schedule: the network is asked at a time that is not that of its latent."""
    from flow_matching.path.scheduler import CosineScheduler

    honest = CosineScheduler.snr_inverse
    monkeypatch.setattr(CosineScheduler, "snr_inverse", lambda self, snr: honest(self, 1.25 * snr))
    assert status(named("ScheduleTransformedModel[CosineScheduler]"), "sch", 2) == "failed"
    assert status(*subjects("CosineScheduler"), "rt_time", 5) == "failed"


def test_an_unknown_class_is_one_sentence():
    with pytest.raises(UnknownNameError, match="did you mean 'ODESolver'"):
        subjects("ODEsolver")


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_green(method):
    subject = named(f"ODESolver[{method}]")
    assert {check for check in CHECKS if status(subject, check, 1) in ("failed", "error")} == set()
