"""The mutation tool changes what it says, one thing at a time, and tells red from green."""

import ast
from fractions import Fraction

import pytest

from cfg_equiv.algebra.guidance import cfg as module
from cfg_equiv.bench.mutation import Mutant, Outcome, changes, install, modules, mutants, report

SOURCE = "def f(a, b=1):\n    return -a[0] + b * 2 if a <= b else a ** 3\n"


def all_mutants(text):
    found = []
    tree = ast.parse(text)
    for position, node in enumerate(ast.walk(tree)):
        for k, _ in enumerate(changes(node)):
            copy = ast.parse(text)
            list(changes(list(ast.walk(copy))[position]))[k]()
            found.append(ast.unparse(copy).splitlines()[-1].strip())
    return found


def test_every_operator_sign_and_integer_is_changed():
    found = all_mutants(SOURCE)
    for expected in ("-a[0] - b * 2", "+a[0]", "-a[1]", "b / 2", "b * 3", "a < b", "a * 3", "a ** 4"):
        assert any(expected in text for text in found), expected
    assert len(found) == 9  # with the default of b


def test_it_enumerates_the_algebra():
    names = modules()
    assert "cfg_equiv.algebra.convert" in names
    assert "cfg_equiv.algebra.samplers" in names
    found = [mutant for mutant, _ in mutants("cfg_equiv.algebra.guidance.cfg")]
    assert [m.function for m in found].count("cfg") == 3
    change = "uncond + w * (cond - uncond)  ->  uncond - w * (cond - uncond)"
    assert str(found[0]) == f"algebra.guidance.cfg:{found[0].line} cfg: {change}"


def test_an_installed_mutant_is_seen_through_every_import():
    from cfg_equiv.algebra.guidance.cfg import cfg

    mutant, tree = mutants("cfg_equiv.algebra.guidance.cfg")[0]
    code = module.cfg.__code__
    try:
        install(mutant, tree)
        assert cfg(3, 1, 2) == 1 - 2 * 2
    finally:
        module.cfg.__code__ = code
    assert cfg(Fraction(3), 1, 2) == 5


@pytest.mark.parametrize(("survivors", "status"), [(0, 0), (1, 0), (2, 1)])
def test_the_report_demands_ninety_five_percent(capsys, tmp_path, survivors, status):
    mutant = Mutant("cfg_equiv.algebra.convert", "convert", 1, "a", "b", 0)
    outcomes = [Outcome(mutant, "survived" if k < survivors else "theorem P1", 1.0) for k in range(20)]
    assert report(outcomes, tmp_path / "out.json") == status
    out = capsys.readouterr().out
    assert f"20 mutants, {20 - survivors} killed" in out
    assert out.count("survived: algebra.convert:1") == survivors
    assert "theorem P1" in (tmp_path / "out.json").read_text()
