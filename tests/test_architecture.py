"""Rules of the house that no other test would notice being broken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "cfg_equiv"
FOLDERS = ("samplers", "solvers", "stochastic")
SAMPLERS = sorted(path for folder in FOLDERS for path in (PACKAGE / "algebra" / folder).glob("*.py"))
NATIVE = [path for path in SAMPLERS if path.name not in ("__init__.py", "record.py")]
ALGEBRA = sorted((PACKAGE / "algebra").rglob("*.py"))
# These say so in their docstrings: one compares values, two decide which form runs and where its nodes lie.
NOT_BARE = {"interval.py", "driving.py", "nodes.py"}


def names_used(tree: ast.AST) -> set[str]:
    """Every name, attribute and imported module that a piece of source refers to."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            used.update(part for part in (node.module or "").split("."))
            used.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            used.update(part for alias in node.names for part in alias.name.split("."))
    return used


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def dependences(path: Path, natives: set[str]) -> set[str]:
    """What a file of native forms may not refer to but does: the conversion, rows, or, in a body, another native form.

    Functions with a leading underscore are pieces of one source's form, for its own file.
    """
    forbidden = {"convert", "convert_to", "to_space", "step_from", "emit", "rows", "literature", "det"}
    found = names_used(ast.parse(path.read_text())) & forbidden
    public = {name for name in functions(path) if not name.startswith("_")}
    for name, function in functions(path).items():
        found |= names_used(ast.Module(function.body, [])) & ((public | natives) - {name})
    return found


def test_native_forms_are_independent_of_the_conversion_and_of_each_other():
    natives = {name for path in NATIVE for name in functions(path) if not name.startswith("_")}
    assert len(natives) >= 15
    assert "dpm_2_ancestral" in natives
    assert {path.name: found for path in NATIVE if (found := dependences(path, natives))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "from cfg_equiv.algebra.convert import convert\ndef a(z): return convert(z)",
        "def a(z): return z\ndef b(z): return a(z)",
        "import cfg_equiv.algebra as m\ndef a(z): return m.convert(z)",
        "from cfg_equiv.algebra.samplers.ddim import ddim_eps\ndef a(z): return ddim_eps(z)",
        "def _a(z): return b(z)\ndef b(z): return z",
    ],
)
def test_the_independence_check_can_fail(tmp_path, text):
    path = tmp_path / "native.py"
    path.write_text(text)
    assert dependences(path, {"ddim_eps", "a", "b"})


def offences(tree: ast.AST) -> list[str]:
    """Float literals, and decisions on values, in bare formulas."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"float literal {node.value}")
        if isinstance(node, ast.IfExp | ast.Compare):
            found.append(f"a decision on a value in line {node.lineno}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"abs", "max", "min"}:
            found.append(node.func.id)
    return found


def test_bare_formulas_have_no_float_literals_and_decide_nothing():
    bad = {}
    for path in ALGEBRA:
        if path.name in NOT_BARE:
            continue
        for name, function in functions(path).items():
            if found := offences(function):
                bad[f"{path.name}:{name}"] = found
    assert bad == {}
    assert offences(ast.parse("x = 0.5 if y > 1 else abs(y)"))


def test_no_file_is_too_long_for_one_sitting():
    long = {
        str(p.relative_to(PACKAGE)): n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 300
    }
    assert long == {}


@pytest.mark.parametrize(
    "module", ["cfg_equiv", "cfg_equiv.theorems", "cfg_equiv.exact.field", "cfg_equiv.theorems.grid"]
)
def test_importing_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_registers_no_hypothesis_profile():
    code = (
        "from hypothesis import settings; before = settings().get_current_profile_name();"
        "import cfg_equiv, cfg_equiv.theorems; assert settings().get_current_profile_name() == before"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_facade_is_sorted_and_importable():
    import cfg_equiv

    assert list(cfg_equiv._EXPORTS) == sorted(cfg_equiv._EXPORTS)
    for name in cfg_equiv._EXPORTS:
        assert getattr(cfg_equiv, name) is not None
    assert set(cfg_equiv._EXPORTS) <= set(dir(cfg_equiv))
    with pytest.raises(AttributeError, match="module 'cfg_equiv' has no attribute 'nothing'"):
        _ = cfg_equiv.nothing
