"""The page of questions: short answers, each with what shows it, and that shows what the answer says."""

import re

import jupytext
import pytest

from cfg_equiv.report.markdown import Table, Verdicts
from tests.derivations.running import FOLDER, run_source

SOURCE = FOLDER / "00_questions.py"
MOST_LINES = 5


@pytest.fixture(scope="module")
def ran():
    return run_source(SOURCE)


def answers():
    """The questions with the lines of their answers, and the code between one and the next."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    question = None
    for cell in jupytext.read(SOURCE).cells:
        if cell.cell_type == "markdown":
            heading, _, text = cell.source.rpartition("### ")
            question, _, text = text.partition("\n") if "### " in cell.source else (None, "", "")
            if question is not None:
                assert "### " not in heading, "one question a cell"
                found[question] = ([line for line in text.splitlines() if line.strip()], [])
        elif question is not None:
            found[question][1].append(cell.source)
    return found


def test_every_question_is_one_and_is_answered_in_five_lines_with_what_shows_it():
    found = answers()
    assert len(found) > 20
    for question, (lines, code) in found.items():
        assert "?" in question or question.endswith("."), question
        assert 1 <= len(lines) <= MOST_LINES, question
        assert any(re.search(r"\bask\(|print\(|Table\(|checked\(", cell) for cell in code), question


@pytest.mark.slow
def test_every_theorem_that_was_asked_for_was_decided(ran):
    asked = re.findall(r"cfg-equiv verify --only ([A-Z0-9 ]+)\n", ran.printed)
    decided = [result.id for shown in ran.of(Verdicts) for result in shown.results]
    assert decided == [name for names in asked for name in names.split()]


@pytest.mark.slow
def test_commands_end_as_the_answers_say(ran):
    told = dict(re.findall(r"\$ cfg-equiv ((?:compare|formula|verdict) .+)\n(?:.*\n)*?exit status (\d)", ran.printed))
    assert len(told) == 11
    assert [command.split()[0] for command, status in told.items() if status != "0"] == ["verdict"]
    assert "rescale: class D" in ran.printed
    assert "convention: c+w(c-u)" in ran.printed
    assert "a gate: at w = -1, 0, 0.25, 0.5 the result is cond" in ran.printed
    assert "DiT channels: class B, commutes: True" in ran.printed
    assert "less DDIM: 0\n" in ran.printed


@pytest.mark.slow
def test_the_rescale_is_weakest_on_the_noise(ran):
    for _, in_eps, in_v, in_x0 in ran.names["factors"]:
        assert abs(1 - in_eps) < min(abs(1 - in_v), abs(1 - in_x0))


@pytest.mark.slow
def test_the_two_slopes_tell_the_predictions_apart(ran):
    slopes = {name: tuple(rest) for name, *rest in ran.names["slopes"]}
    assert slopes == {"eps": (1, 0), "x0": (0, 1), "v": (0, 0), "flow": (1, -1), "reversed_flow": (-1, 1)}


@pytest.mark.slow
def test_wrong_weights_are_wrong_where_the_noise_is_large(ran):
    right, *wrong = ran.names["wrong"].values()
    high = ran.names["lam"] < 0
    assert all((each[high] > right[high]).all() for each in wrong)


@pytest.mark.slow
def test_levels_of_the_interval_are_found_again(ran):
    kappas = ran.names["kappas"]
    for kappa, time, step in ran.names["mapped"]:
        assert kappas[step - 1] < kappa <= kappas[step]
        assert round(time / (1 - time), 9) == kappa


@pytest.mark.slow
def test_only_bfloat16_loses_timesteps(ran):
    assert {name: number for name, number, _ in ran.names["kept"]} == {
        "bfloat16": 507,
        "float16": 1000,
        "float32": 1000,
    }


@pytest.mark.slow
def test_the_residuals_have_the_factors_told(ran):
    (table,) = [one for one in ran.of(Table) if one.header[0] == "alpha"]
    for alpha, noise, _ in table.rows:
        assert f"{noise:.3g}" == alpha


@pytest.mark.slow
def test_the_small_sampler_passes(ran):
    shown = [report for value in ran.shown if hasattr(value, "reports") for report in value.reports]
    assert [report.subject for report in shown] == ["DDIM on the flow path"]
    assert {record.status for record in shown[0].checks} <= {"passed", "not_applicable"}
