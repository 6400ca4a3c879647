import sys

import pytest

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping import targets
from cfg_equiv.sweeping.records import Run
from cfg_equiv.sweeping.targets import expand, product_of, subject, subject_of
from cfg_equiv.testing.targets import TargetError
from tests.sweeping import toy

TOY = "tests.sweeping.toy:product"


def test_a_star_is_written_out_and_every_target_is_there_once(monkeypatch):
    library = type(sys)("fake_products")
    library.names = lambda: ["A", "B"]
    monkeypatch.setitem(sys.modules, "fake_products", library)
    monkeypatch.setitem(targets.LIBRARIES, "fake", "fake_products")
    assert expand(["fake:B", "fake:*", "fake:B", TOY]) == ["fake:B", "fake:A", TOY]


@pytest.mark.parametrize("wrong", [[], "diffusers:*"])
def test_targets_are_a_list(wrong):
    with pytest.raises(UnknownNameError, match=r"expected a list of targets, got .*: for instance diffusers:DDIM"):
        expand(wrong)


def test_a_module_has_products_or_subjects():
    assert product_of(TOY).default == {"mode": "good", "flip": False, "size": 1}
    assert product_of("tests.sweeping.toy:subjects") is None
    assert product_of("tests.sweeping.toy:*") is None


def test_subjects_are_made_anew():
    assert str(subject_of(Run(TOY, "", {"flip": True}))) == "toy"
    assert subject_of(Run("tests.sweeping.toy:subjects", "two")) is toy.subjects[1]
    assert str(subject(TOY, size=2)) == "toy"
    with pytest.raises(
        UnknownNameError, match=r"expected a subject at .* out of plain, two, got 'to': did you mean 'two'"
    ):
        subject_of(Run("tests.sweeping.toy:subjects", "to"))
    with pytest.raises(UnknownNameError, match="expected a swept option out of flip, mode, size, got 'sizes'"):
        subject(TOY, sizes=2)
    with pytest.raises(
        UnknownNameError, match=r"expected a target with options, got .*: take its subjects as they are"
    ):
        subject("tests.sweeping.toy:subjects", size=2)


def test_a_library_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(targets.LIBRARIES, "fake", "no_such_products")
    with pytest.raises(TargetError, match="expected fake to be installed, got no module no_such_products"):
        expand(["fake:*"])
