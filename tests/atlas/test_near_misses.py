from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.atlas.near_misses import _one_option, _one_word, near_misses

NAMES = ("dpmpp_2m", "dpmpp_2m_heun", "dpmpp_2m_sde", "dpmpp_3m", "heun", "exp_heun_phi_1", "ddim_eps", "euler_ve")
CLASSES = (
    ("ddim_eps", "euler_ve"),
    ("dpmpp_2m", "dpmpp_2m_sde"),
    ("dpmpp_2m_heun",),
    ("dpmpp_3m",),
    ("heun",),
    ("exp_heun_phi_1",),
)


def test_near_misses_are_of_two_classes_one_a_pair_of_classes():
    found = {(one.first, one.second): one.why for one in near_misses(CLASSES)}
    assert set(found) == {("dpmpp_2m", "dpmpp_2m_heun"), ("heun", "exp_heun_phi_1")}
    word, option, *_ = found["dpmpp_2m", "dpmpp_2m_heun"]
    assert word == "names that differ in one word: heun"
    assert option == "one option apart: diffusers:DPMSolverMultistepScheduler, solver_type"
    assert found["heun", "exp_heun_phi_1"] == ("one shape",)


def test_members_of_one_class_are_no_near_miss():
    assert near_misses([("dpmpp_2m", "dpmpp_2m_heun")]) == ()


def test_another_claimed_order_is_no_near_miss():
    assert not any("dpmpp_3m" in (one.first, one.second) for one in near_misses(CLASSES))


def test_only_the_entries_asked_for_are_looked_at():
    assert [one.second for one in near_misses(CLASSES, ["heun", "exp_heun_phi_1"])] == ["exp_heun_phi_1"]


def test_one_word_is_one_word_and_a_shared_number_does_not_count():
    assert _one_word("dpmpp_2m", "dpm_solver_2m") == "dpmpp or dpm_solver"
    assert _one_word("dpmpp_2m_heun", "dpm_solver_2m_heun") == "dpmpp or dpm_solver"
    assert _one_word("lms_2", "lms_3") == "2 or 3"
    assert _one_word("zab_2", "vab_2") == ""
    assert _one_word("dpmpp_2m", "dpmpp_3m_sde") == ""


def test_one_option_is_of_one_released_name():
    assert _one_option(SOLVERS["lms_2"], SOLVERS["lms_3"]) == "diffusers:LMSDiscreteScheduler, order"
    assert _one_option(SOLVERS["lms_2"], SOLVERS["heun"]) == ""
