"""Every known-bad implementation fails the checks named for it, and every good one passes all that apply."""

import pytest

from cfg_equiv.faults import FAULTS, GOOD
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler, Schedule
from tests.faults.drawn import drawn, first_failure

# Checks that rerun what they look at: these stand for all in the default tier.
FEW = {
    "ord": {"sampler.HistoryTwice"},
    "history": {"sampler.ThreeSteps", "sampler.HalfOfSecondDifference"},
    "mom": {"sampler.Ancestral", "sampler.SharedNoise", "sampler.SameNoise"},
    "x0": {"sampler.Multistep", "sampler.Clipped", "sampler.VarianceForScale", "sampler.LastStepForgotten"},
    "twin": {"sampler.Heun", "sampler.OneStepWithoutHistory", "sampler.SignOfHalf"},
    "dt": {
        *("sampler.Euler", "sampler.Ancestral", "sampler.SquaresInFormat"),
        *("guidance.cfg", "guidance.whole_projection", "guidance.by_large_numbers"),
        *("conversion.determinants", "conversion.numbers", "conversion.large_intermediate"),
    },
}
LONG = {"ord", "history", "mom"}  # runs of many steps besides: what they find depends little on the seed


def tier(check, name):
    return [] if name in FEW.get(check.name, {name}) else [pytest.mark.slow]


NAMED = [
    pytest.param(fault, check, id=f"{fault.name}-{check}", marks=tier(check, fault.name))
    for fault in FAULTS
    for check in CHECKS
    if check.applies(fault.make()) and check.name in fault.fails
]
ACCEPTED = [
    pytest.param(good, check, id=f"{good.name}-{check}", marks=tier(check, good.name))
    for good in GOOD
    for check in CHECKS
    if check.applies(good.make()) and not check.inapplicable(good.make())
]


def seeded(params):
    """Each under further seeds: four, and one for checks that rerun what they look at."""
    return [
        pytest.param(*p.values, number, id=f"{p.id}-{number}")
        for p in params
        if p.values[1].name not in LONG
        for number in range(1 if p.values[1].name in FEW else 4)
    ]


TRIES = 40  # a fault is found sooner: the search ends there


@pytest.mark.parametrize(("fault", "check"), NAMED)
def test_a_known_bad_implementation_fails_the_checks_named_for_it(fault, check):
    assert first_failure(check, fault.make, 0, TRIES) is not None


@pytest.mark.parametrize(("good", "check"), ACCEPTED)
def test_a_good_implementation_passes_every_check(good, check):
    cases = drawn(check, good.make(), 0, 1 if check.name in LONG else 3)
    outcomes = [check(good.make(), case) for case in cases]
    assert outcomes


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "check", "number"), seeded(NAMED))
def test_over_further_seeds_a_known_bad_implementation_fails(fault, check, number):
    assert first_failure(check, fault.make, number, 2 * TRIES) is not None


@pytest.mark.slow
@pytest.mark.parametrize(("good", "check", "number"), seeded(ACCEPTED))
def test_over_further_seeds_a_good_implementation_passes(good, check, number):
    outcomes = [check(good.make(), case) for case in drawn(check, good.make(), number, 10)]
    assert None in outcomes  # at least one case could have shown a fault


def test_the_catalogue_is_large_and_its_names_are_distinct():
    assert len(FAULTS) >= 25
    names = [entry.name for entry in (*FAULTS, *GOOD)]
    assert len(set(names)) == len(names)
    assert all(fault.source and fault.fails for fault in FAULTS)


def test_every_fault_names_checks_that_exist_for_its_kind():
    for fault in FAULTS:
        applicable = {check.name for check in CHECKS if check.applies(fault.make())}
        assert set(fault.fails) <= applicable, fault.name


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.kind.__name__}-{check}")
def test_every_check_has_a_fault_that_it_must_notice(check):
    assert any(check.applies(fault.make()) and check.name in fault.fails for fault in FAULTS)


@pytest.mark.parametrize("kind", [Conversion, Guidance, Sampler, Schedule])
def test_there_are_good_ones_of_every_kind(kind):
    assert sum(isinstance(good.make(), kind) for good in GOOD) >= 4


def test_a_subject_is_built_afresh():
    fault = next(f for f in FAULTS if f.name == "guidance.momentum")
    assert fault.make().combine is not fault.make().combine
