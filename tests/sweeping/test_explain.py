"""The smallest condition that tells failing runs from passing ones, against a search that has no cleverness in it."""

import itertools
import random

import pytest

from cfg_equiv.sweeping.explain import Explanation, Literal, described, explain

VALUES = {"flow": (False, True), "kind": ("eps", "v", "x0"), "order": (1, 2, 3), "karras": (False, True)}
RUNS = [dict(zip(VALUES, values, strict=True)) for values in itertools.product(*VALUES.values())]


def split(fails):
    return [run for run in RUNS if fails(run)], [run for run in RUNS if not fails(run)]


def holds(condition, run):
    return any(all((run[name] == value) is equal for name, value, equal in term) for term in condition)


def term(**values):
    return tuple(Literal(name, value) for name, value in values.items())


def test_one_option():
    found = explain(*split(lambda run: run["flow"]))
    assert found.condition == (term(flow=True),)
    assert str(found) == "exactly the runs with flow=True (18 of 36)"


def test_a_union_needs_two_runs_a_term():
    failing = [{"a": 1, "b": 0}, {"a": 0, "b": 1}]
    assert explain(failing, [{"a": 0, "b": 0}]).extent == "unexplained"
    assert str(explain([*failing, {"a": 1, "b": 1}], [{"a": 0, "b": 0}])).startswith(
        "exactly the runs with a=1, or b=1"
    )


def test_two_options_together():
    found = explain(*split(lambda run: run["flow"] and run["kind"] == "v"))
    assert found.condition == (term(flow=True, kind="v"),)
    assert str(found) == "exactly the runs with flow=True and kind='v' (6 of 36)"


def test_either_of_two_options():
    found = explain(*split(lambda run: run["flow"] or run["kind"] == "v"))
    assert str(found) == "exactly the runs with flow=True, or kind='v' (24 of 36)"


def test_two_causes_with_two_options_each():
    found = explain(*split(lambda run: (run["flow"] and run["kind"] == "v") or (run["order"] == 3 and run["karras"])))
    assert found.extent == "exactly"
    assert found.condition == (term(flow=True, kind="v"), term(order=3, karras=True))


def test_all_values_of_an_option_but_one():
    found = explain(*split(lambda run: run["kind"] != "x0" and run["order"] > 1))
    assert str(found) == "exactly the runs with kind!='x0' and order!=1 (16 of 36)"


def test_what_the_runs_cannot_tell_apart_is_said():
    failing, passing = [{"a": 1, "b": 1, "c": 0}], [{"a": 0, "b": 0, "c": 0}]
    assert str(explain(failing, passing)) == "exactly the runs with a=1 (1 of 2); these runs cannot tell that from b=1"


def test_one_cause_and_one_run_more():
    failing, passing = split(lambda run: run["flow"])
    found = explain([*failing, passing[4]], [run for run in passing if run is not passing[4]])
    assert (found.extent, found.condition, found.explained) == ("partly", (term(flow=True),), 18)
    assert str(found) == "all runs with flow=True (18), and in 1 more (19 of 36)"


def test_no_condition_fits_but_one_option_is_needed():
    failing, passing = split(lambda run: run["flow"])
    some = [0, 4, 8, 11, 13, 15, 16]
    found = explain([failing[k] for k in some], passing + [failing[k] for k in range(18) if k not in some])
    assert (found.extent, found.condition) == ("only_if", (term(flow=True),))
    assert str(found) == "only runs with flow=True (7 of 36); 11 of 29 passing runs have it too"


def test_nothing_explains_it():
    found = explain([{"a": 0, "b": 0}, {"a": 1, "b": 1}], [{"a": 0, "b": 0}, {"a": 1, "b": 1}])
    assert found == Explanation("unexplained", 2, 2)
    assert str(found).startswith("2 of 4 runs; no condition on at most two options")


def test_every_run():
    assert str(explain([{"a": 0}, {"a": 1}], [])) == "every run (2)"


def test_without_a_failure_there_is_nothing_to_explain():
    with pytest.raises(ValueError, match="expected one failing run or more, got none"):
        explain([], [{"a": 1}])


def test_one_is_not_true():
    assert explain([{"a": True}], [{"a": 1}]).condition == (term(a=True),)


@pytest.mark.parametrize("seed", range(15))
def test_it_is_exact_and_no_smaller_condition_is(seed):
    chance = random.Random(seed)
    literals = [Literal(name, value) for name, values in VALUES.items() for value in values]
    literals += [Literal(name, value, False) for name in ("kind", "order") for value in VALUES[name]]
    terms = [(x,) for x in literals] + [p for p in itertools.combinations(literals, 2) if p[0][0] != p[1][0]]
    planted = chance.sample(terms, chance.choice((1, 2, 2, 3)))
    failing, passing = split(lambda run: holds(planted, run))
    if not passing:
        pytest.skip("the planted condition is no condition")
    found = explain(failing, passing)
    assert found.extent == "exactly"
    assert all(holds(found.condition, run) for run in failing)
    assert not any(holds(found.condition, run) for run in passing)
    size = (len(found.condition), sum(map(len, found.condition)))
    assert size <= (len(planted), sum(map(len, planted)))
    for count in range(1, size[0]):
        for smaller in itertools.combinations(terms, count):
            assert [run for run in RUNS if holds(smaller, run)] != failing
    for tie in found.ties:
        assert [run for run in RUNS if holds(tie, run)] == failing


def test_a_condition_in_words():
    assert described((term(a=1, b="x"), (Literal("c", 2, False),))) == "a=1 and b='x', or c!=2"
