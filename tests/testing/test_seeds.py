"""`check(seed=)`: other cases, the same ones for the same number."""

import pytest

import cfg_equiv
from cfg_equiv.errors import ParameterError
from cfg_equiv.testing import runner
from tests.testing.test_runner import CLIPPED, by_name, guidance, plain


def drawn(seed):
    """What a rule is handed under a seed."""
    seen = []

    def spy(c, u, w):
        seen.append((c.flatten().tolist(), u.flatten().tolist(), str(w)))
        return plain(c, u, w)

    assert cfg_equiv.check(guidance(spy), checks=["cfg_scale"], examples=3, seed=seed).holds
    return seen


def test_a_seed_draws_other_cases_and_the_same_for_the_same_number(monkeypatch):
    first, same, second, none = drawn(3), drawn(3), drawn(4), drawn(None)
    assert first == same
    assert first != second
    assert none == drawn(None)
    assert none not in (first, second)
    monkeypatch.setattr(runner, "SHRINK_SECONDS", 0)
    assert by_name(cfg_equiv.check(CLIPPED, checks=["cfg_scale"], seed=3))["cfg_scale"].status == "failed"


@pytest.mark.parametrize("seed", [True, 1.5, "1"])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(ParameterError, match=f"expected an integer for seed, got {seed!r}: pass seed=0"):
        cfg_equiv.check(guidance(plain), seed=seed)
