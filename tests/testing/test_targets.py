"""What a target on the command line stands for, and the one sentence for what it cannot stand for."""

import sys
from types import SimpleNamespace

import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.testing import Guidance, targets
from cfg_equiv.testing.targets import TargetError, resolve

MODULE = """
from cfg_equiv.testing import Guidance

def plain(c, u, w):
    return u + w * (c - u)

one = Guidance(plain, convention="u+w(c-u)", name="one")
two = one.named("two")
subjects = [one, two]
numbers = [1, 2]
nothing = []

def made():
    return [two]

def single():
    return one

def fails():
    raise RuntimeError("not now")

def needs():
    import a_package_that_is_absent
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with modules, as the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_subjects.py").write_text(MODULE)
    (tmp_path / "own_broken.py").write_text("x = 1\nraise ValueError('at import')\n")
    (tmp_path / "own_exit.py").write_text("import sys\nsys.exit(2)\n")
    (tmp_path / "own_missing.py").write_text("import a_package_that_is_absent.inner\n")
    (tmp_path / "own_peer.py").write_text("import torchsde_absent\n")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("own_subjects:one", ["one"]),
        ("own_subjects:subjects", ["one", "two"]),
        ("own_subjects:made", ["two"]),
        ("own_subjects:single", ["one"]),
        ("own_subjects:*", ["one", "two"]),
    ],
)
def test_a_module_s_own_subjects(here, target, names):
    assert [str(subject) for subject in resolve(target)] == names


SENTENCES = [
    ("own_subjects", UnknownNameError, "expected a target module:name, got 'own_subjects': for instance diffusers:"),
    ("own_subjects:", UnknownNameError, "expected a target module:name"),
    ("own_subjects:ones", UnknownNameError, "expected a name in own_subjects out of .* did you mean 'one'"),
    ("own_subject:one", UnknownNameError, "expected a module that can be imported, got 'own_subject': it is neither"),
    ("own_subjects:numbers", TargetError, "expected subjects at own_subjects:numbers, got int in it: give a Conv"),
    ("own_subjects:nothing", TargetError, "expected subjects at own_subjects:nothing, got list without any"),
    ("own_subjects:fails", TargetError, "to give its subjects, got it raises RuntimeError: not now"),
    ("own_subjects:needs", TargetError, "expected a_package_that_is_absent to be installed, which own_subjects:needs"),
    ("own_broken:one", TargetError, "to import, got it raises ValueError: at import .own_broken.py, line 2.: correct"),
    ("own_exit:one", TargetError, "to import, got it raises SystemExit: 2"),
    (
        "own_missing:one",
        TargetError,
        "expected a_package_that_is_absent to be installed, which own_missing imports, got",
    ),
]


@pytest.mark.parametrize(("target", "kind", "message"), SENTENCES)
def test_what_cannot_be_found_is_one_sentence(here, target, kind, message):
    with pytest.raises(kind, match=message) as error:
        resolve(target)
    assert "\n" not in str(error.value)


def subject(name):
    return Guidance(lambda c, u, w: c, convention="u+w(c-u)", name=name)


def adapter(imported):
    if imported == "cfg_equiv.adapters.absent":
        raise ModuleNotFoundError("No module named 'diffusers'", name="diffusers.schedulers")
    return SimpleNamespace(subjects=lambda name: [subject(name)], guiders=lambda name: [subject(f"guider {name}")])


def test_libraries_are_asked_through_their_adapters(monkeypatch):
    monkeypatch.setattr(targets, "import_module", adapter)
    assert [str(x) for x in resolve("diffusers:*")] == ["*"]
    assert [str(x) for x in resolve("diffusers.guiders:X")] == ["guider X"]
    assert [str(x) for x in resolve("k_diffusion:sample_x")] == ["sample_x"]


def test_a_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.setattr(targets, "import_module", adapter)
    monkeypatch.setitem(targets.ADAPTERS, "diffusers", ("cfg_equiv.adapters.absent", "subjects"))
    with pytest.raises(TargetError, match=r"expected diffusers to be installed.*run pip install 'cfg_equiv\[peers\]'"):
        resolve("diffusers:DDIMScheduler")


def test_every_adapter_that_is_named_exists():
    from importlib.util import find_spec

    assert [module for module, _ in targets.ADAPTERS.values() if find_spec(module) is None] == []
