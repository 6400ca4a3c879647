"""What the fifth derivation says of its subjects: red where it says red, green where it says green."""

import re
from dataclasses import replace

import pytest

from cfg_equiv.testing import CheckFailure
from cfg_equiv.testing.allowance import spread
from tests.derivations.running import OWN, run_source

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def names():
    """What the cells leave behind."""
    pytest.importorskip("diffusers")
    return run_source(OWN).names


def statuses(report):
    return {record.name: record.status for record in report.checks}


def test_the_planted_bug_turns_one_check_red_and_its_repair_all_green(names):
    found = statuses(names["report"])
    assert found.pop("eq") == "failed"
    assert set(found.values()) <= {"passed", "not_applicable"}
    assert set(statuses(names["green"]).values()) <= {"passed", "not_applicable"}
    # In half precision one ulp of the latent that is shown may move a guided run by as much as it is large.
    assert {record.name for record in names["green"].checks if record.vacuous} <= {"dt"}


def test_the_pasted_case_is_the_smallest_that_was_found_and_one_step_passes(names):
    record, case, eq = names["record"], names["case"], names["eq"]
    assert record.case == repr(case)
    assert record.message.endswith("first seen at the end")
    with pytest.raises(CheckFailure, match="v differs from eps"):
        eq(names["multistep"], case)
    assert eq(names["multistep"], replace(case, steps=1)) is None
    assert eq(names["repaired"], case) is None


def test_the_step_by_step_table_points_at_the_step_that_combines(names):
    case, subject = names["case"], names["multistep"]
    allowed = spread(subject, case, "eps").bound.flatten(1).amax(dim=1)
    for (_, latent, _), most in zip(names["sizes"][:-1], allowed[:-1], strict=True):
        assert latent <= most
    assert names["sizes"][-1][1] > allowed[-1]
    assert ((names["used"] - names["meant"]).abs() > allowed[-1]).all()


def test_each_convention_is_told(names):
    told = {name: names["identify_convention"](names[name]) for name in ("first_rule", "second_rule", "third_rule")}
    assert [x.convention for x in told.values()] == ["c+w(c-u)", "u+w(c-u)", "u+w(c-u)"]
    assert told["first_rule"].findings == ()
    assert told["second_rule"].findings[0].startswith("a gate: at w = -1, 0, 0.25, 0.5 the result is cond")
    assert told["third_rule"].findings[0].startswith("the branches are swapped")


def test_each_rule_breaks_at_its_own_map(names):
    maps = ("cfg_translation", "cfg_scale", "cfg_sign")
    broken = {
        report.subject: [name for name in maps if statuses(report)[name] == "failed"] for report in names["reports"]
    }
    assert broken == {
        "plain": [],
        "first_rule": [],
        "rescaled": ["cfg_translation"],
        "capped": ["cfg_scale"],
        "at_least_cond": ["cfg_sign"],
    }
    ends = [report.subject for report in names["reports"] if statuses(report)["cfg_end_points"] == "failed"]
    assert ends == ["first_rule", "rescaled", "capped", "at_least_cond"]


def test_pytest_reports_the_kept_faults_as_expected(names):
    outcome = names["outcome"]
    assert outcome[-1] == "14 passed, 2 xfailed"
    kept = [re.search(r"\[(.+)\]", line)[1] for line in outcome if line.endswith("XFAIL")]
    assert kept == ["rescaled-cfg_translation", "rescaled-cfg_end_points"]


def test_the_released_schedulers_are_as_told(names):
    assert {report.subject: statuses(report)["eq"] for report in names["released"]} == {
        "DDIMScheduler": "passed",
        "DPMSolverMultistepScheduler": "passed",
        "UniPCMultistepScheduler": "passed",
        "PNDMScheduler": "failed",
    }
    assert statuses(names["confirmed"]) == {"eq": "passed"}


def test_the_picture_shows_more_than_rounding_for_one_and_less_for_the_other(names):
    lines = names["lines"]
    bound = lines["PNDM: what one ulp explains"]
    assert all(size > allowed for size, allowed in zip(lines["PNDMScheduler"], bound, strict=True))
    assert all(size < allowed for size, allowed in zip(lines["DDIMScheduler"], bound, strict=True))
    assert lines["PNDMScheduler"] == sorted(lines["PNDMScheduler"], reverse=True)


def test_a_wrong_declaration_is_an_error_and_no_failure(names):
    *right, wrong = names["adapters"]
    assert [statuses(report)["eq"] for report in right] == ["passed", "passed"]
    (record,) = wrong.checks
    assert record.status == "error"
    assert record.message.startswith("expected levels on the declared path 'vp', got alpha = 1")
