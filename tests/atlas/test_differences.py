from cfg_equiv.atlas.differences import near_miss
from cfg_equiv.atlas.near_misses import NearMiss
from cfg_equiv.exact.element import ExactError
from cfg_equiv.theorems.order import difference_order


def test_a_difference_in_the_step_has_a_power_and_a_leading_term():
    found = near_miss(NearMiss("dpmpp_2m", "dpmpp_2m_heun", ("why",)), difference_order)
    assert (found["power"], found["leading"]) == (3, "-X'/12 * h^3")
    assert found["why"] == ["why"]
    assert "X'" in found["latex"]


def test_an_undecided_or_missing_difference_says_so():
    pair = NearMiss("dpmpp_2m", "dpmpp_2m_heun", ())

    def undecided(first, second, grid):
        raise ExactError("too deep")

    assert near_miss(pair, undecided)["leading"] == "not decided: too deep"
    assert near_miss(pair, lambda first, second, grid: None)["leading"] == "no difference shows"
    assert near_miss(pair, undecided)["power"] is None
