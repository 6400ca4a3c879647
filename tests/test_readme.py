"""The README's Python runs, and its commands are the two that continuous integration takes out of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_commands_are_one_line_each_and_differ_only_at_the_end():
    first, second = (block.strip() for block in blocks("bash")[:2])
    assert first.endswith(" && cfg-equiv verify")
    assert second == first.removesuffix("cfg-equiv verify") + "pytest"


def test_the_python_example_runs():
    text = blocks("python")[0]
    namespace: dict[str, object] = {}
    exec(text, namespace)
    x0 = namespace["x0"]
    assert isinstance(x0, torch.Tensor)
    assert x0.shape == (2, 4, 8)
    assert torch.isfinite(x0).all()
    assert namespace["w"] == 7.5


def test_the_rule_has_the_verdict_it_is_shown_for(tmp_path, capsys):
    from cfg_equiv.__main__ import main

    (tmp_path / "my_rule.py").write_text(blocks("python")[3], encoding="utf-8")
    assert main(["verdict", f"{tmp_path}/my_rule.py:rescaled"]) == 1
    assert capsys.readouterr().out.startswith("rescaled: class D")


def test_every_theorem_is_named():
    from cfg_equiv.theorems import THEOREMS

    table = README[README.index("## What it covers") :]
    assert [theorem.id for theorem in THEOREMS if theorem.id not in table] == []


def test_every_command_it_names_exists():
    from importlib.util import find_spec

    for module in re.findall(r"python -m (cfg_equiv[.\w]*)", README):
        assert find_spec(module) is not None, module


@pytest.fixture
def fresh(tmp_path):
    """A fresh directory with the README's files, and how to run a module of Python in it."""
    pytest.importorskip("diffusers")
    files = blocks("python")[1:3]
    for name, text in zip(("test_conformance.py", "test_unittest.py"), files, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    profile = "settings.register_profile('few', max_examples=8)\nsettings.load_profile('few')\n"
    (tmp_path / "conftest.py").write_text(f"from hypothesis import settings\n{profile}")

    def run(*arguments):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_ten_lines_are_about_ten():
    lines = [line for line in blocks("python")[1].splitlines() if line.strip()]
    assert len(lines) <= 12


@pytest.mark.slow
def test_the_ten_lines_run_under_pytest_on_two_workers(fresh):
    pytest.importorskip("xdist")
    text = fresh("pytest", "-n", "2", "-v", "test_conformance.py")
    ids = set(re.findall(r"PASSED test_conformance.py::test_conformance\[(.*?)\]", text))
    assert {"ddim-eq", "ddim-sens", "cfg-cfg_scale", "cfg-sens"} <= ids
    assert "failed" not in text


def test_the_ten_lines_run_under_pytest_and_by_name(fresh):
    text = fresh("pytest", "-v", "test_conformance.py", "-k", "cfg or nan")
    assert re.search(r"\d+ passed, \d+ deselected", text)


@pytest.mark.slow
def test_the_ten_lines_run_under_unittest(fresh):
    assert "OK" in fresh("unittest", "test_unittest.py")
