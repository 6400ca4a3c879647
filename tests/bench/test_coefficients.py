"""The tool that changes coefficients tells red from a gap, and a gap from a change that changes nothing."""

import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.bench import coefficients as tool
from cfg_equiv.bench.equivalent import EQUIVALENT
from cfg_equiv.bench.mutation import Mutant, Outcome
from cfg_equiv.bench.scaling import PACKAGE, families, sites

TESTS = "tests/algebra/solvers/test_runge_kutta.py"


@pytest.fixture(scope="module")
def tests():
    return tool.Tests([TESTS])


@pytest.mark.slow
def test_a_changed_coefficient_turns_red_and_an_unseen_one_is_a_gap(tests, capsys):
    mutant = next(one for one in sites("heun") if one.before == "2")
    assert {item.originalname for item in tests.of("heun", "heun")} == {"test_the_tableau"}
    red = tool.run_one(mutant, tests)
    assert red.killer.endswith("test_the_tableau[heun]")
    assert SOLVERS["heun"].memory == 1  # the parent process is as it was
    tool.run(tests.of("heun", "heun")[0])
    node = next(one for one in sites("edm_ablation") if not one.function)
    assert "test_the_tableau" in tool.run_one(node, tests).killer
    assert tests.of_entries("edm_ablation")[0] in tests.of("edm_ablation", "_second_order")
    tests.items = []
    assert tool.run_one(mutant, tests).killer == "survived (not run)"


@pytest.mark.slow
def test_what_cannot_be_collected_is_an_error():
    with pytest.raises(RuntimeError, match="expected tests that can be collected, got tests/nowhere: run pytest"):
        tool.Tests(["tests/nowhere"])


def outcome(text, killer):
    return Outcome(Mutant(f"{PACKAGE}.solvers.heun", "heun", 1, "e", text, 0), killer, 0.1)


def test_the_report_counts_gaps_and_leaves_out_what_is_no_coefficient(capsys, monkeypatch):
    monkeypatch.setitem(EQUIVALENT, "heun.heun: cancels", "it cancels")
    outcomes = [
        outcome("SCALED(a)", "tests/x.py::test_a"),
        outcome("SCALED(d)", "tests/x.py::test_d (ArithmeticError)"),
        outcome("cancels", "survived"),
        outcome("SCALED(b)", "survived"),
        outcome("c", tool.NO_COEFFICIENT),
    ]
    assert tool.report("heun", outcomes) == 1
    out = capsys.readouterr().out
    assert "heun: 3 factors and 1 exchanges, 2 killed (1 by an error), 1 equivalent, 1 gaps" in out
    assert "it cancels: survived: " in out
    assert "GAP: survived: " in out


def test_a_child_that_breaks_kills_nothing(capsys):
    broken = [outcome("SCALED(a)", "error FutureWarning: old"), outcome("SCALED(b)", "crash")]
    assert tool.report("heun", broken) == 2
    out = capsys.readouterr().out
    assert "heun: 0 factors and 0 exchanges, 0 killed (0 by an error), 0 equivalent, 0 gaps, 2 NOT decided" in out
    assert "NOT DECIDED: error FutureWarning: old: " in out


def test_a_family_has_to_be_known(capsys):
    with pytest.raises(SystemExit):
        tool.main(["hein"])
    assert "got 'hein': did you mean 'heun'?" in capsys.readouterr().err


def test_every_equivalent_change_is_one_of_the_code_as_it_is():
    named = [family for family in families() if any(entry.startswith(f"{family}.") for entry in EQUIVALENT)]
    keys = {tool.key(mutant) for family in named for mutant in sites(family)}
    assert set(EQUIVALENT) <= keys
