"""Records survive JSON, and the verdict is no better than its worst record."""

import dataclasses

from cfg_equiv.results import GridResult, PeerResult, TheoremResult, VerifyReport

THEOREM = TheoremResult("Q1", "a = b", "here", ("a > 0",), "field", "proved", True, ("f", "g"), 1.5, "twin refuted")
PEER = PeerResult("diffusers", "1.0", "agrees", "worst 0.5")
REPORT = VerifyReport((THEOREM,), GridResult(10, 0), (PEER,), 2.0)


def test_json_round_trip():
    assert VerifyReport.from_json(REPORT.to_json()) == REPORT


def test_the_report_holds_only_if_everything_does():
    assert REPORT.holds
    for change in (
        {"theorems": (dataclasses.replace(THEOREM, status="failed"),)},
        {"theorems": (dataclasses.replace(THEOREM, twin_refuted=False),)},
        {"exact_grid": GridResult(10, 1, ("a case",))},
        {"peers": (dataclasses.replace(PEER, status="failed"),)},
        {"peers": (dataclasses.replace(PEER, status="not_run"),)},
    ):
        assert not dataclasses.replace(REPORT, **change).holds
    assert dataclasses.replace(REPORT, peers=(dataclasses.replace(PEER, status="differs_as_proved"),)).holds
    assert dataclasses.replace(REPORT, theorems=(dataclasses.replace(THEOREM, status="argued"),)).holds
