"""CFG++ of second-order solvers: the coefficients by hand, and the plain solver where the branches agree."""

from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import point
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import HALVES, PAST, T, at, by_hand, multistep, numbers, singlestep
from tests.algebra.solvers.guided import guided_step

EULER = {"z": F(5, 6), "g": 5, "u": F(-5, 2)}


def test_two_calls():
    # kappa goes 4, 2, 1 and alpha 3, 7, 5: e^{-h} = 1/4
    s, mid = HALVES
    for name in ("dpmpp_2s_cfg_pp", "dpmpp_2s_cfg_pp_first"):
        assert numbers(guided_step(name, (s,), T, mid)[0]) == {"z": F(7, 6), "u": F(7, 2)}
    assert numbers(guided_step("dpmpp_2s_cfg_pp", (s,), T, mid)[1]) == {"z": F(5, 12), "ga": 5, "ua": F(-5, 4)}
    first = guided_step("dpmpp_2s_cfg_pp_first", (s,), T, mid)[1]
    assert numbers(first) == {"z": F(5, 12), "g": 5, "u": -5, "ua": F(15, 4)}


# kappa goes 4, 2, 1 on the flow path.
FLOW = tuple(point(RATIONAL, 1 / (1 + k), k / (1 + k)) for k in (F(4), F(2), F(1)))


def test_two_calls_on_the_flow_path():
    s, mid, t = FLOW
    asked, end = guided_step("dpmpp_2s_cfg_pp_flow", (s,), t, mid)
    assert numbers(asked) == {"z": F(5, 6), "u": F(1, 6)}
    assert numbers(end) == {"z": F(5, 8), "g": F(1, 2), "u": F(-1, 2), "ua": F(3, 8)}


@pytest.mark.parametrize("unit", [1, 3])
def test_the_form_for_flow_models_is_the_other_one_on_their_path(unit):
    s, mid, t = (point(RATIONAL, 1 / (1 + k), k / (1 + k)) for k in (F(4 * unit), F(2 * unit), F(unit)))
    forms = [guided_step(f"dpmpp_2s_cfg_pp_{name}", (s,), t, mid) for name in ("flow", "first")]
    assert [numbers(one) for one in forms[0]] == [numbers(one) for one in forms[1]]


def test_multistep():
    # kappa goes 8, 2, 1 and alpha 2, 3, 5: e^{-h} = 1/2, r = 2, c_2 = -2
    found = numbers(*guided_step("dpmpp_2m_cfg_pp", PAST[:2], T))
    assert found == {"z": F(5, 6), "g": F(45, 8), "u": F(-5, 2), "u1": F(-5, 8)}
    found = numbers(*guided_step("res_multistep_cfg_pp", PAST[:2], T))
    assert found == by_hand(z=F(5, 6), g=F(5, 2), u=(F(5, 2), F(-5, 4)), u1=(F(-5, 2), F(5, 4)))


def test_gradient_estimation():
    # kappa goes 8, 4, 1 and alpha 2, 3, 5
    found = numbers(*guided_step("gradient_estimation_cfg_pp", (at(4, 3), at(8, 2)), T))
    assert found == {"z": F(-5, 6), "z1": F(15, 16), "g": 5, "u": F(5, 2), "u1": F(-15, 8)}


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("euler_cfg_pp", (T, *PAST[:1])),
        ("dpmpp_2s_cfg_pp", (T, HALVES[0])),
        ("dpmpp_2s_cfg_pp_first", (T, HALVES[0])),
        ("dpmpp_2m_cfg_pp", (T, *PAST[:2])),
        ("res_multistep_cfg_pp", (T, *PAST[:2])),
        ("gradient_estimation_cfg_pp", (T, *PAST[:2])),
    ],
)
def test_only_the_ratios_of_kappa_matter(name, points):
    nodes = HALVES[1:] if "2s" in name else ()

    def doubled(p):
        return p._replace(sigma=2 * p.sigma, lam=RATIONAL.log(p.alpha / p.sigma / 2))

    once = guided_step(name, points[1:], T, *nodes)
    twice = guided_step(name, tuple(map(doubled, points[1:])), doubled(T), *map(doubled, nodes))
    assert [numbers(one) for one in once] == [numbers(one) for one in twice]


MULTISTEP = {
    "dpmpp_2m_cfg_pp": "dpmpp_2m",
    "res_multistep_cfg_pp": "res_multistep",
    "gradient_estimation_cfg_pp": "gradient_estimation",
}


@pytest.mark.parametrize("name", MULTISTEP)
def test_they_start_with_euler_and_end_denoised(name):
    assert numbers(*guided_step(name, PAST[:1], T)) == EULER
    end = T._replace(sigma=F(0), lam=None)
    assert numbers(*guided_step(name, PAST[:2], end, end=True)) == {"g": 5}


@pytest.mark.parametrize("name", ["dpmpp_2s_cfg_pp", "dpmpp_2s_cfg_pp_first", "dpmpp_2s_cfg_pp_flow"])
def test_the_single_steps_end_denoised(name):
    end = T._replace(sigma=F(0), lam=None)
    assert numbers(*guided_step(name, PAST[:1], end, end=True)) == {"g": 5}


@pytest.mark.parametrize("name", MULTISTEP)
def test_equal_branches_are_the_plain_multistep(name):
    plain = numbers(multistep(MULTISTEP[name], PAST[:2]))
    renamed = {label.replace("m0", "g").replace("m1", "g1"): c for label, c in plain.items()}
    assert numbers(*guided_step(name, PAST[:2], T, equal=True)) == renamed


@pytest.mark.parametrize("name", ["dpmpp_2s_cfg_pp", "dpmpp_2s_cfg_pp_first"])
def test_equal_branches_are_the_plain_single_step(name):
    s, mid = HALVES
    names = {"m0": "g", "a": "ga", "z": "z"}
    plain = [{names[label]: c for label, c in numbers(one).items()} for one in singlestep("dpmpp_2s", s, mid)]
    assert [numbers(one) for one in guided_step(name, (s,), T, mid, equal=True)] == plain
