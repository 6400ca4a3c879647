"""What the fourth derivation says of guidance rules: where they fail, which pictures coincide, what samples do."""

import itertools
import math

import pytest
import sympy as sp

from cfg_equiv.report.markdown import Table
from tests.derivations.running import FOLDER, run_source

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran():
    return run_source(FOLDER / "04_which_guidance_commutes.py")


@pytest.fixture(scope="module")
def names(ran):
    """What the cells leave behind."""
    return ran.names


def test_every_rule_is_in_the_table_with_its_verdict(ran, names):
    (table,) = [one for one in ran.of(Table) if one.header == names["header"]]
    assert {row[0] for row in table.rows} == set(names["RULES"])
    for name, letter, space, failed, size, *_ in table.rows:
        commutes = names["found"][name].commutes
        assert (letter in "AB") == commutes == (space == "any") == (size == "") == (failed == "")
    assert f"{len(names['RULES'])} rules: " in ran.printed


def test_each_generator_has_a_rule_that_fails_there_alone(names):
    found, kinds = names["found"], names["kinds"]
    failed = {name: [kind for kind in kinds if not getattr(found[name], kind)] for name in names["examples"]}
    assert failed == {
        "CFG": [],
        "Perp-Neg": [],
        "CFG rescale": ["translation"],
        "APG threshold": ["scale"],
        "max": ["sign"],
    }


def vectors(given, answers):
    """Cond, the way to uncond, and the answers, in exact numbers."""
    cond, uncond = (sp.Matrix([sp.sympify(str(x)) for x in given[name]]) for name in "cu")
    return cond, uncond - cond, {s: sp.Matrix([sp.sympify(str(x)) for x in answers[s]]) for s in ("x0", "eps", "flow")}


def off_line(given, answers):
    """The spaces whose answer is not one that plain CFG could give."""
    cond, way, found = vectors(given, answers)
    return [space for space, x in found.items() if sp.simplify(sp.Matrix.hstack(x - cond, way).det()) != 0]


def test_the_drawn_answers_differ_and_leave_the_line_as_told(names):
    left = {}
    for name, case in names["cases"].items():
        _, _, found = vectors(names["given"][name], case.results)
        assert any(a != b for a, b in itertools.combinations(found.values(), 2))
        left[name] = off_line(names["given"][name], case.results)
    assert left == {
        "CFG rescale": ["eps", "flow"],
        "APG projection": ["eps", "flow"],
        "CFG-Zero*": ["eps", "flow"],
        "TCFG": ["eps", "flow"],
        "static clip": [],
        "max": [],
    }


def test_rules_that_commute_are_one_point_and_need_not_be_on_the_line(names):
    for name, answers in names["agree"].items():
        assert answers["x0"] == answers["eps"] == answers["flow"]
        assert bool(off_line(names["pair"], answers)) == (name != "CFG")


def test_only_pairs_with_x0_that_reverse_certify_everything(names):
    told = {(pair.source, pair.target): names["certifies"](pair) for pair in names["PAIRS"]}
    assert [pair for pair, what in told.items() if what == "every space"] == [
        ("x0", "eps"),
        ("x0", "v"),
        ("x0", "flow"),
    ]
    assert told["eps", "v"] == "only translation and scale"


def test_the_fooling_rule_agrees_at_powers_of_two_alone(ran, names):
    log_a, difference = names["fooled"]
    whole = log_a == log_a.round()
    assert int(whole.sum()) == 3
    assert difference[whole].max() < difference[~whole].min()
    assert names["plain"][1].max() < difference[~whole].min()


def test_conversion_to_the_rules_own_space_is_all_that_is_needed(names):
    gaps = {(name, told): sizes for name, told, *sizes in names["gaps"]}
    converted = max(max(sizes) for (_, told), sizes in gaps.items() if told.startswith("converted"))
    rescale, projection = (gaps[name, "applied as it stands"] for name in ("CFG rescale", "APG projection"))
    assert [size > converted for size in rescale] == [True, True, False]  # its space is v
    assert [size > converted for size in projection] == [False, True, True]  # its space is x0
    assert max(gaps["CFG", "applied as it stands"]) <= converted


def test_each_form_off_the_latent_commutes_and_its_original_does_not(names):
    assert len(names["pairs"]) > 10
    for name, other in names["pairs"]:
        assert not names["found"][name].commutes
        assert names["found"][other].commutes


def test_cfg_pp_is_constant_on_uniform_log_snr_and_lambda_at_the_end(names):
    weights = names["as_cfg"]
    for values in weights.values():
        assert abs(values[-1] - 0.6) <= 2 * math.ulp(0.6)
    ranges = {name: max(values[:-1]) - min(values[:-1]) for name, values in weights.items()}
    uniform = ranges.pop("uniform in log-SNR")
    step = 8 / 19  # of 20 levels from -4 to 4
    assert all(round(w, 9) == round(0.6 / (1 - math.exp(-step)), 9) for w in weights["uniform in log-SNR"][:-1])
    assert uniform < min(ranges.values())


def test_the_rule_of_ones_own_fails_at_translations_and_its_repair_commutes(ran):
    assert "cautious: class D" in ran.printed
    assert "commutes with: scale, sign; not with: translation" in ran.printed
    assert "cautious_off_z: class B" in ran.printed
    assert [line[-1] for line in ran.printed.splitlines() if line.startswith("exit status")] == ["1", "0"]


def test_samples_agree_exactly_for_rules_that_commute(names):
    apart, found = names["apart"], names["found"]
    commuting = [size for name, size in apart.items() if found[name].commutes]
    others = [size for name, size in apart.items() if not found[name].commutes]
    assert max(commuting) < min(others)
    assert all(names["at_one"][name] < min(others) for name in ("CFG rescale", "APG projection", "CFG-Zero*"))


def test_the_spread_of_projected_guidance_falls_in_two_spaces_and_grows_in_one(names):
    (rule,) = [one for one in names["sampled"].rules if one.rule == "APG projection"]
    start = rule.weights.index(1.0)
    grows = {curve.space: curve.spread[-1] > curve.spread[start] for curve in rule.curves}
    assert grows == {"x0": False, "eps": False, "flow": True}
