import pytest

from cfg_equiv import peers
from cfg_equiv.exact.element import ExactError
from cfg_equiv.peers import compare
from cfg_equiv.peers.compare import Comparison


def claim(outcome):
    def run():
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return run


def test_a_claim_that_returns_agrees_with_its_detail_and_the_version():
    result = Comparison("torch, as itself", ("torch",), claim("all of it"))()
    assert (result.status, result.detail, result.version) == ("agrees", "all of it", compare.installed("torch"))
    assert result.holds


def test_a_proved_difference_is_its_own_status():
    result = Comparison("torch", ("torch",), claim("by this much"), "differs_as_proved")()
    assert result.status == "differs_as_proved"
    assert result.holds


def test_an_assertion_is_a_failure_with_its_text():
    result = Comparison("torch", ("torch",), claim(AssertionError("off by one")))()
    assert (result.status, result.detail) == ("failed", "off by one")
    assert not result.holds


def test_released_code_that_cannot_be_imported_is_a_failure():
    result = Comparison("torch", ("torch",), claim(ImportError("no module named x")))()
    assert result.status == "failed"
    assert result.detail == "the released code of torch cannot be imported: no module named x"


def test_a_proof_that_cannot_be_decided_is_a_failure():
    result = Comparison("torch", ("torch",), claim(ExactError("the sign of x")))()
    assert (result.status, result.detail) == ("failed", "the proof does not close: the sign of x")


@pytest.mark.parametrize("error", [ValueError("a bug"), TypeError("a bug"), RuntimeError("a bug")])
def test_nothing_else_is_caught(error):
    with pytest.raises(type(error), match="a bug"):
        Comparison("torch", ("torch",), claim(error))()


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        (("no-such-peer",), "pip install no-such-peer"),
        (("no-such-peer", "nor-this"), "pip install no-such-peer nor-this"),
    ],
)
def test_what_is_not_installed_is_not_run_and_says_how_to_install_it(missing, command):
    result = Comparison("a peer", missing, claim("never"))()
    assert result.status == "not_run"
    assert result.detail == f"not installed: {', '.join(missing)}; run: {command}"
    assert not result.holds


def test_the_packages_that_must_come_without_dependencies_are_installed_so(monkeypatch):
    monkeypatch.setattr(compare, "installed", lambda name: None)
    result = Comparison("a peer", ("k-diffusion", "scipy"), claim("never"))()
    assert result.detail.endswith("run: pip install scipy && pip install --no-deps k-diffusion==0.1.1.post1")


def test_the_registry_names_each_comparison_once_and_its_peer_first():
    names = [comparison.name for comparison in peers.COMPARISONS]
    assert len(set(names)) == len(names)
    for comparison in peers.COMPARISONS:
        assert comparison.name.startswith(comparison.needs[0]), comparison


def test_run_all_tells_each_name_and_returns_each_record(monkeypatch):
    two = (Comparison("torch 1", ("torch",), claim("a")), Comparison("torch 2", ("torch",), claim("b")))
    monkeypatch.setattr(peers, "COMPARISONS", two)
    told: list[str] = []
    results = peers.run_all(told.append)
    assert told == ["torch 1", "torch 2"]
    assert [result.detail for result in results] == ["a", "b"]
    assert len(peers.run_all()) == 2
