"""What the sixth derivation says of released code: found, measured, and gone with the change it suggests."""

import json
import math
import re
from itertools import pairwise

import pytest

from cfg_equiv.report.answers import Answer, table, unanswered
from tests.derivations.running import FOLDER, code, run_source

SOURCE = FOLDER / "06_findings.py"


@pytest.fixture(scope="module")
def ran():
    """A run of the source."""
    for name in ("diffusers", "flow_matching", "azula", "einops", "torchsde"):
        pytest.importorskip(name)
    return run_source(SOURCE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries, as in the source
def test_orders_are_lost_and_come_back(ran):
    errors = ran.names["errors"]

    def ratio(name):
        return errors[name][-2] / errors[name][-1]

    assert errors["SDE, order 3"][-1] > errors["SDE, order 2"][-1]
    assert ratio("SDE, order 3") < 3 < ratio("SDE, order 2")
    assert 3 < ratio("order 3") < 6
    assert errors["SDE, order 3, sign changed"][-1] < errors["SDE, order 2"][-1]
    fourth = list(ran.names["fourth"].values())
    assert [round(math.log2(a / b)) for a, b in pairwise(fourth)] == [2, 2, 2]
    assert errors["order 3, D2 doubled"][0] < errors["order 3"][-1]
    released, right = ([float(x) for x in ran.names["too_far"](ran.names[name])] for name in ("REABSampler", "right"))
    assert released[2] / released[3] < 3 < right[2] / right[3]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries, as in the source
def test_each_number_is_as_told(ran):
    names = ran.names
    # A deviation estimated from 4000 numbers has a standard error of 1/sqrt(8000); the test is at six of them.
    assert abs(names["spreads"]["sample"] - 1) <= 6 / 8000**0.5
    assert min(names["spreads"]["epsilon"], names["spreads"]["v_prediction"]) > 2
    assert [names["left_over"](names["DEISMultistepScheduler"], n) for n in (5, 10)] == [0.2, 0.1]
    assert names["left_over"](names["DPMSolverMultistepScheduler"], 10) == 0
    assert names["pushed"]("v-ddim").item() < 0 < names["pushed"]("dpmpp-2m").item()
    for words in ("bh1 ends at nan", "with rk4: nan", "sample first step: nan", "expected (10, 2)"):
        assert words in ran.printed
    for words in ("never NaN", "fixed_large_log nan", "sde-dpmsolver++, first step: nan", "of order 3: nan"):
        assert words in ran.printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries, as in the source
def test_what_breaks_off_says_what_was_raised_and_a_repair_ends_well(ran):
    breaks, names = ran.names["breaks"], ran.names
    for name in names["LISTS"]:
        assert breaks(names["DEISMultistepScheduler"], 10, **{name: True}) == "ends well"
    assert ran.printed.count("UnboundLocalError cannot access local variable") == 4
    assert ran.printed.count("'use_exponential_sigmas': 'IndexError") == 3
    assert ran.printed.count("'use_exponential_sigmas': 'AssertionError") == 2
    assert ran.printed.count("'use_exponential_sigmas': -156.41") == len(names["FAMILY"])
    assert "ends well without that line" in ran.printed
    assert "with set_begin_index(0): ends well" in ran.printed
    assert ran.printed.count("RuntimeError The size of tensor a (1000)") == 2


@pytest.mark.slow
def test_every_line_that_is_named_was_found(ran):
    named = [one for one in ran.printed.splitlines() if re.search(r", line( |$)", one)]
    assert len(named) >= 20
    assert [one for one in named if not re.search(r", line \d+", one)] == []


def test_what_reproduces_a_finding_does_not_need_this_package():
    """It is imported for the figure, to load two packages alone, and in the section that runs the checks."""
    imported = [re.findall(r"(?:from|import) (cfg_equiv[\w.]*)", cell) for cell in code(SOURCE)]
    assert [names for names in imported if names] == [
        ["cfg_equiv.report"],
        ["cfg_equiv.adapters"],
        ["cfg_equiv.peers.guiders_stable_audio"],
        ["cfg_equiv", "cfg_equiv.report.markdown", "cfg_equiv.testing.targets"],
        ["cfg_equiv.report.answers"],
    ]


SWEEPS = FOLDER / "sweeps"
LIBRARIES = sorted(path.stem for path in SWEEPS.glob("*.json") if path.stem != "answers")


def swept(library):
    return json.loads((SWEEPS / f"{library}.json").read_text(encoding="utf-8"))


@pytest.fixture
def answers():
    return Answer.read(SWEEPS / "answers.json")


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_red_entry_of_a_sweep_has_an_answer(library, answers):
    assert swept(library)["runs"]
    assert unanswered(swept(library), answers) == []


def test_an_answer_that_is_taken_away_leaves_entries_without_one(answers):
    without = [one for one in answers if one.answer.partition(";")[0] != "3.1"]
    diffusers = swept("diffusers")
    assert [name.split()[0] for name in unanswered(diffusers, without)] == ["diffusers:IPNDMScheduler"] * 3
    assert "NEW" in str(table(diffusers, without))


def test_the_sections_of_the_answers_are_there(answers):
    headings = re.findall(r"^# ### (\d+\.\d+) ", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    for answer in {one.answer for one in answers}:
        assert answer[0].isalpha() or set(re.findall(r"\d+\.\d+", answer)) <= set(headings), answer
