"""The page stands alone, escapes what subjects say, and its snippets run."""

import re
from html import unescape

import pytest

from cfg_equiv.report.sweep_figures import caption, convergence, trajectory
from cfg_equiv.report.sweep_page import Meaning, anchor, checks_page, meaning_of, snippet, sweep_page
from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.findings import Witness, overview
from cfg_equiv.sweeping.records import Run, RunRecord
from cfg_equiv.testing import CheckFailure

TOY = "tests.sweeping.toy:product"
EVIL = "<script>alert('x')</script>"
TRACE = {
    "element": 3,
    "values": {"eps": [1.0, 0.5, 0.25], "x0": [1.0, 0.75, None]},
    "apart": [0.0, 0.25, None],
    "sigmas": [2.0, 1.0],
}
MEANINGS = {"eq": [Meaning("one denoiser, one trajectory", "the conversion <here>")]}


def record(status="passed", message="", **options):
    check = CheckRecord("eq", "EQ", status, 1, 0, message, f"RunCase(network='{EVIL}')", options)
    report = SubjectReport(f"A{EVIL}", EVIL, (check,))
    return RunRecord(Run(f"lib:{EVIL}", "", options), "ran", report=report, code=f"A({EVIL})", traces={"eq": TRACE})


def page(records, **more):
    found = overview(records, {f"lib:{EVIL}": {"kind": "eps"}})
    return sweep_page(found, title=EVIL, versions={EVIL: EVIL}, meanings=MEANINGS, **more)


FAILING = [record(), record("failed", EVIL, kind=EVIL), record("failed", f"again {EVIL}", kind="v")]


def test_whatever_is_printed_is_escaped():
    text = page([*FAILING, RunRecord(Run("lib:B"), "rejected", EVIL)], remarks=[EVIL])
    assert EVIL not in text
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 8


def test_it_stands_alone():
    text = page(FAILING)
    assert re.findall(r"(?:src|href)=\"(?!#|data:)", text) == []
    assert "default-src 'none'" in text
    assert text.count("data:image/svg+xml;base64,") == 1


def test_a_failure_says_which_runs_what_was_found_and_where_to_look():
    text = unescape(page(FAILING))
    assert "Fails: exactly the runs with kind!='eps'" in text
    assert "What must hold: one denoiser, one trajectory." in text
    assert "the conversion <here>" in text
    assert "1 more messages" in text
    assert "2 FAILED of 3" in text


def test_links_of_the_table_lead_to_the_findings():
    text = page([*FAILING, record("error", "it raises", kind="w")])
    links, ids = re.findall(r"href=\"#([^\"]+)\"", text), re.findall(r" id=\"([^\"]+)\"", text)
    assert links
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))


def test_all_is_well():
    text = page([record()])
    assert "Nothing: every property held in every run to which it applies." in text


def test_the_page_of_check():
    checks = (
        CheckRecord("eq", "EQ", "failed", 1, 0, EVIL, "RunCase(steps=2)", {"a": EVIL}),
        CheckRecord("x0", "X0", "not_applicable", 0, 0, "no", "", {}),
    )
    text = checks_page([SubjectReport("A", "1.0", checks)], title="A", meanings=MEANINGS)
    assert "<script" not in text
    assert "FAILED" in text
    assert "RunCase(steps=2)" in unescape(text)
    assert "the conversion <here>" in unescape(text)


def test_the_snippet_runs_and_fails_as_the_page_says():
    case = (
        "GuidanceCase(source='x0', dtype='float64', shape=(2, 3), weight=3.0, latent=(0.5,), conditional=(1.0,), "
        "unconditional=(0.5,), level=('3/5', '4/5'))"
    )
    text = snippet(Witness(Run(TOY, "", {"mode": "bug", "flip": True}), {}, "cfg_translation", case, "wrong"))
    assert text.startswith("from cfg_equiv.case import GuidanceCase\n")
    with pytest.raises(CheckFailure):
        exec(text, {})
    listed = snippet(Witness(Run("tests.sweeping.toy:several", "wrong"), {}, "cfg_translation", case, "wrong"))
    with pytest.raises(CheckFailure):
        exec(listed, {})


def test_the_snippet_of_a_run():
    text = snippet(Witness(Run("tests.sweeping.toy:sampler"), {}, "eq", "RunCase(steps=2)", "wrong"))
    assert "from cfg_equiv.testing import CHECKS, RunCase\n" in text
    with pytest.raises(CheckFailure, match="x0 differs from eps"):
        exec(text, {})
    assert snippet(Witness(Run(TOY), {}, "run", "", "died")) == ""


def test_the_picture_is_svg_and_the_same_every_time():
    picture = trajectory(TRACE)
    assert picture.lstrip().startswith(b"<?xml")
    assert picture == trajectory(TRACE)
    assert trajectory({**TRACE, "values": {"eps": [1.0, 2.0]}, "apart": [0.0, 0.0]})


def test_the_picture_in_words():
    assert caption(TRACE) == (
        "One element of the latent at each network call and at the end, from eps and x0 networks that stand for the "
        "same denoiser. From x0 it does not stay finite."
    )


def test_an_anchor_is_an_id_whatever_it_is_made_of():
    assert anchor("lib:A B", "EQ") == "lib-a-b-eq"


MEASURED = {"claimed": 3, "steps": [40, 80, 160, 320], "errors": [6e-3, 2e-3, 5e-4, 1.25e-4]}


def test_an_order_that_is_not_met_is_drawn_as_errors_against_steps():
    check = CheckRecord("ord", "ORD", "failed", 1, 0, "order 3 is claimed", "RunCase(steps=320)", {}, MEASURED)
    text = checks_page([SubjectReport("A", "1.0", (check,))], title="A", meanings=MEANINGS)
    assert "Error against steps: 0.006 at 40, 0.002 at 80" in text
    assert convergence(MEASURED).lstrip().startswith(b"<?xml")
    assert convergence(MEASURED) == convergence(MEASURED)


def test_words_are_those_of_the_kind_of_subject_that_the_case_is_of():
    known = {"sch": [Meaning("of a sampler", kind="Sampler"), Meaning("of a schedule", kind="Schedule")]}
    assert meaning_of(known, "sch", "RunCase(steps=2)").summary == "of a sampler"
    assert meaning_of(known, "sch", "TimeCase(last=3)").summary == "of a schedule"
    assert meaning_of(known, "sch", "").summary == "of a sampler"
    assert meaning_of(known, "eq", "RunCase(steps=2)") is None
    check = CheckRecord("sch", "SCH", "failed", 1, 0, "no", "TimeCase(last=3)", {})
    text = checks_page([SubjectReport("A", "1.0", (check,))], title="A", meanings=known)
    assert "What must hold: of a schedule." in text
    assert "<dt>sch (sampler)</dt><dd>of a sampler</dd>" in text


def test_the_snippet_takes_the_check_of_the_right_kind():
    """Checks of several kinds of subject share the name dt."""
    text = snippet(Witness(Run("tests.sweeping.toy:sampler"), {}, "dt", "RunCase(steps=2)", "wrong"))
    exec(text, {})  # the check of a sampler, which this one passes; another kind's would raise
