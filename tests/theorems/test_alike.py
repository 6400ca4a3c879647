import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.theorems.alike import alike


def of(first: str, second: str) -> str:
    return alike(SOLVERS[first], SOLVERS[second])


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("dpmpp_3m", "dpmpp_3m_sde", "none in the full form: they differ with 2 output(s) in hand"),
        ("sa_pc_12_x0", "sa_pece_12_x0", "none in one step: the next one reads a prediction made on another latent"),
        (
            "dpmpp_2s_cfg_pp",
            "dpmpp_2s_cfg_pp_first",
            "none while both branches say the same: they differ in what guidance does",
        ),
        (
            "unipc_bh1_1_x0",
            "unipc_bh1_1_eps",
            "none in one step: they remember x0 or eps of a latent that is corrected afterwards",
        ),
    ],
)
def test_what_tells_maps_apart_that_take_the_same_step(first, second, text):
    assert of(first, second) == text


@pytest.mark.parametrize(
    "pair",
    [("dpmpp_2m", "dpmpp_2m_heun"), ("dpmpp_2m", "heun"), ("dpmpp_3s_midpoint", "dpmpp_3s"), ("heun", "flow_heun")],
)
def test_steps_that_differ_are_not_alike(pair):
    assert of(*pair) == ""
