"""`cfg-equiv verdict` and `cfg-equiv formula`: what they print, write and refuse."""

import json

import pytest

from cfg_equiv.__main__ import main

RULES = """
def blend(cond, uncond, w):
    return uncond + w * (cond - uncond)


def too_much(cond, uncond, w):
    return uncond + w * cond
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_a_rule_that_commutes_and_one_that_does_not(rules, tmp_path, capsys):
    assert main(["verdict", f"{rules}:blend"]) == 0
    assert "blend: class A" in capsys.readouterr().out
    assert main(["verdict", f"{rules}:too_much", "--json", str(tmp_path / "out.json")]) == 1
    assert "too_much: class D" in capsys.readouterr().out
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert written["commutes"] is False
    assert set(written["counterexample"]["result"]) >= {"x0", "eps", "flow"}


def test_a_formula_is_printed_for_a_path(capsys):
    assert main(["formula", "v", "eps", "--path", "flow"]) == 0
    latex, _, code = capsys.readouterr().out.partition("\n\n")
    assert latex.startswith(r"\epsilon = ")
    assert "def eps_from_v(z, v, alpha, sigma)" in code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verdict", "missing.py:rule"], "expected a Python file, got 'missing.py'"),
        (["verdict", "rule"], "expected"),
        (["formula", "v", "noise"], "expected a target parameterization"),
        (["formula", "v", "eps", "--path", "cosine"], "expected a path"),
    ],
)
def test_a_wrong_request_is_one_sentence(arguments, message, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
