import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.atlas.errors import SHOWN, measured


@pytest.mark.slow
def test_errors_fall_with_the_evaluations_and_only_of_what_was_asked_for():
    told = []
    found = measured(["ddim_eps", "zab_2"], told.append)
    assert set(found) == {"ddim_eps"}
    assert told == ["errors of ddim_eps"]
    one = found["ddim_eps"]
    assert one["evaluations"] == sorted(one["evaluations"])
    assert one["rms"] == sorted(one["rms"], reverse=True)
    assert len(one["rms"]) == len(one["evaluations"])


def test_what_is_shown_exists():
    assert set(SHOWN) <= set(SOLVERS)
