from dataclasses import replace

import pytest

from cfg_equiv.algebra.solvers import ABSENT, SOLVERS
from cfg_equiv.atlas.samplers import evaluations, kind, linear, record, samplers
from cfg_equiv.results import PeerResult
from cfg_equiv.theorems.order import difference_order, order_row

CLASSES = (("ddim_eps", "euler_ve"), ("dpmpp_2m",), ("dpmpp_2m_heun",))
PEER = PeerResult("diffusers EulerDiscreteScheduler = euler_ve", "1.0", "agrees", "6 latents within the bound")


@pytest.mark.parametrize(
    ("name", "family", "calls"),
    [
        ("ddim_eps", "first order", 1),
        ("ddim_inverse_eps", "first order", 1),
        ("plms", "multistep", 1),
        ("heun", "several evaluations", 2),
        ("flow_rk4", "several evaluations", 4),
        ("unipc_bh2_3_x0", "predictor-corrector", 1),
        ("sa_pece_22_x0", "predictor-corrector", 2),
        ("dpmpp_2s_cfg_pp", "CFG++", 2),
    ],
)
def test_kind_and_network_calls_a_step(name, family, calls):
    assert (kind(SOLVERS[name]), evaluations(SOLVERS[name])) == (family, calls)


def test_linear_is_seen_by_running_and_a_product_of_predictions_is_not():
    solver = SOLVERS["dpmpp_2m"]
    assert linear(solver)

    def product(xp, past, t):
        return past[0].z + past[0].pred * past[0].pred

    assert not linear(replace(solver, predict=(product,)))


def test_the_record_of_a_solver():
    found = record(SOLVERS["euler_ve"], ("ddim_eps", "euler_ve"), order_row("euler_ve"), [PEER])
    assert found["proved_order"] == {"any_ratio": 1, "uniform": 1, "smooth_grid": 1}
    assert (found["claimed_order"], found["class"], found["native"], found["linear"]) == (1, "ddim_eps", "x0", True)
    assert found["peers"] == [
        {
            "configuration": PEER.name,
            "version": "1.0",
            "status": "agrees",
            "detail": "6 latents within the bound",
        }
    ]
    assert found["aliases"]["k_diffusion"] == "sample_euler"
    assert found["clock"] is None


def test_a_lower_order_than_claimed_stands_beside_the_claim():
    found = record(SOLVERS["adams_2_x0"], ("adams_2_x0",), order_row("adams_2_x0"))
    assert found["claimed_order"] == 2
    assert found["proved_order"] == {"any_ratio": 1, "uniform": 2, "smooth_grid": 2}


def test_the_atlas_has_the_whole_class_of_what_was_asked_for_and_its_near_misses():
    names = ("euler_ve", "dpmpp_2m", "dpmpp_2m_heun")
    told = []
    errors = {"euler_ve": {"evaluations": [4], "rms": [0.1], "path": "vp"}}
    rows = {name: order_row(name) for name in names}
    found = samplers(CLASSES, rows, difference_order, {"euler_ve": [PEER]}, errors, told.append)
    assert [one["name"] for one in found["samplers"]] == list(names)
    assert found["classes"] == [list(group) for group in CLASSES]
    assert [(one["first"], one["second"], one["power"]) for one in found["near_misses"]] == [
        ("dpmpp_2m", "dpmpp_2m_heun", 3)
    ]
    assert told == ["difference of dpmpp_2m and dpmpp_2m_heun"]
    assert [one["name"] for one in found["absent"]] == list(ABSENT)
    assert found["samplers"][0]["errors"] == errors["euler_ve"]
