"""The README's Python runs, and its commands are the two that continuous integration takes out of it."""

import re
from pathlib import Path

import torch

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_commands_are_one_line_each_and_differ_only_at_the_end():
    first, second = (block.strip() for block in blocks("bash")[:2])
    assert first.endswith(" && cfg-equiv verify")
    assert second == first.removesuffix("cfg-equiv verify") + "pytest"


def test_the_python_example_runs():
    (text,) = blocks("python")
    namespace: dict[str, object] = {}
    exec(text, namespace)
    x0 = namespace["x0"]
    assert isinstance(x0, torch.Tensor)
    assert x0.shape == (2, 4, 8)
    assert torch.isfinite(x0).all()
    assert namespace["w"] == 7.5


def test_every_theorem_is_named():
    from cfg_equiv.theorems import THEOREMS

    table = README[README.index("## What it covers") :]
    assert [theorem.id for theorem in THEOREMS if theorem.id not in table] == []


def test_every_command_it_names_exists():
    from importlib.util import find_spec

    for module in re.findall(r"python -m (cfg_equiv[.\w]*)", README):
        assert find_spec(module) is not None, module
