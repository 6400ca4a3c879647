import importlib
import importlib.util
import subprocess
import sys
import types

import pytest

from cfg_equiv.peers import k_diffusion, stable_audio
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.isolated import isolated

needs_k = pytest.mark.skipif(installed("k-diffusion") is None, reason="k-diffusion is not installed")
needs_sat = pytest.mark.skipif(installed("stable-audio-tools") is None, reason="stable-audio-tools is not installed")

RELEASED = [
    pytest.param(name, stubs, packages, marks=mark)
    for name, stubs, packages, mark in (
        ("k_diffusion.external", k_diffusion.STUBS, (), needs_k),
        ("k_diffusion.sampling", k_diffusion.STUBS, (), needs_k),
        ("k_diffusion.utils", k_diffusion.STUBS, (), needs_k),
        ("k_diffusion.layers", k_diffusion.STUBS, (), needs_k),
        ("stable_audio_tools.models.dit", stable_audio.STUBS, (), needs_sat),
        ("stable_audio_tools.inference.sampling", {}, ("k_diffusion",), needs_sat),
    )
]


def fake_names():
    roots = ("k_diffusion", "stable_audio_tools", "torchvision", "dctorch")
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in roots}


@pytest.mark.parametrize(("name", "stubs", "packages"), RELEASED)
def test_a_released_file_is_loaded_and_nothing_of_it_stays(name, stubs, packages):
    before = fake_names()
    with isolated(name, stubs=stubs, packages=packages) as (module,):
        assert module.__name__ == name
        assert module.__file__.endswith(name.replace(".", "/") + ".py")
        assert sys.modules[name] is module
        root = sys.modules[name.partition(".")[0]]
        assert not hasattr(root, "__file__")  # its __init__ did not run
    assert fake_names() == before


@needs_k
def test_modules_that_were_there_are_put_back_the_same():
    there = {name: types.ModuleType(name) for name in ("torchvision", "torchvision.io", "k_diffusion")}
    sys.modules.update(there)
    try:
        with isolated("k_diffusion.external", stubs=k_diffusion.STUBS):
            assert sys.modules["torchvision"] is not there["torchvision"]
            assert "torchvision.io" not in sys.modules
        assert {name: sys.modules[name] for name in there} == there
    finally:
        for name in there:
            del sys.modules[name]


@needs_k
def test_an_error_inside_leaves_nothing_behind():
    before = fake_names()
    with pytest.raises(KeyError, match="inside"), isolated("k_diffusion.external", stubs=k_diffusion.STUBS):
        raise KeyError("inside")
    assert fake_names() == before


@needs_k
def test_a_failing_import_leaves_nothing_behind():
    if importlib.util.find_spec("torchvision"):
        pytest.skip("torchvision is installed: the import works without a stub")
    before = fake_names()
    with pytest.raises(ModuleNotFoundError, match="torchvision"), isolated("k_diffusion.external"):
        pass
    assert fake_names() == before


def test_an_absent_package_is_one_sentence():
    with (
        pytest.raises(ModuleNotFoundError, match="expected the package 'no_such_package' to be installed, found none"),
        isolated("no_such_package.module"),
    ):
        pass


@needs_k
@needs_sat
@pytest.mark.skipif(installed("diffusers") is None, reason="diffusers is not installed")
@pytest.mark.slow
def test_diffusers_imports_afterwards_and_only_real_modules_were_added():
    code = """
import sys, torch, importlib.util
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.peers import k_diffusion, stable_audio
before = set(sys.modules)
with isolated("k_diffusion.external", "k_diffusion.sampling", "k_diffusion.layers", stubs=k_diffusion.STUBS): pass
with isolated("stable_audio_tools.models.dit", stubs=stable_audio.STUBS): pass
with isolated("stable_audio_tools.inference.sampling", packages=["k_diffusion"]): pass
for name in set(sys.modules) - before:
    assert name.partition(".")[0] not in ("torchvision", "dctorch", "k_diffusion", "stable_audio_tools"), name
import diffusers
from diffusers import DDIMScheduler
print(DDIMScheduler.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "DDIMScheduler", done.stderr
