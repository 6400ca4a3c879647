"""What the third derivation says of orders: computed, measured, and where the correction helps."""

import numpy as np
import pytest

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.report.markdown import Table
from tests.derivations.running import FOLDER, run_source

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran():
    return run_source(FOLDER / "03_higher_order.py")


@pytest.fixture(scope="module")
def names(ran):
    """What the cells leave behind."""
    return ran.names


def table(ran, first):
    (one,) = [one for one in ran.of(Table) if one.header[0] == first]
    return one


def test_the_last_steps_are_those_the_catalogue_declares(names):
    meaning = names["meaning"]
    assert {name: told for name, _, told in names["ends"]} == {
        name: meaning[SOLVERS[name].ends] for name, _, _ in names["ends"]
    }
    assert len(names["kinds"]) == len(SOLVERS)


def test_the_local_errors_by_hand_are_the_proved_ones(names):
    second = names["x"][2]
    found = names["found"]["dpmpp_3m"]
    assert min(found) == 3
    assert found[3] == -second / 12
    assert min(names["local_error"]("dpmpp_3m_corrected")) == 4
    order = names["order"]
    assert order("dpmpp_3m").leading == order("dpmpp_3m_sde").leading == "-X''/12 * h^3"


def test_the_stock_step_makes_half_of_a_parabola_and_the_others_all_of_it(names):
    assert {name: str(value) for name, value in names["ratio"].items()} == {
        "dpmpp_3s_taylor": "1",
        "dpmpp_3m": "1/2",
        "dpmpp_3m_corrected": "1",
    }


def test_the_corrected_step_is_known_under_other_names(ran):
    assert "dpmpp_3m_corrected, unip_bh2_3_x0: one map" in ran.printed
    assert "sa_predictor_3_x0, dpm_solver_v3_3: one map" in ran.printed
    assert "coefficients less each other: [0, 0, 0, 0, 0, 0]" in ran.printed


def test_observed_orders_are_the_proved_ones(ran):
    rows = [row for one in ran.of(Table) if one.header[-1] == "proved order" for row in one.rows]
    assert len(rows) == 10
    assert all(row[-2] == row[-1] for row in rows)
    assert {row[0]: row[-1] for row in rows if row[1] == "alternating"} == {
        "dpmpp_2m": 2,
        "dpmpp_3m": 2,
        "dpmpp_3m_corrected": 3,
        "dpm_solver_3m": 2,
        "dpm_solver_3m_corrected": 3,
    }


def share(names, form, place, spacing, chosen):
    """In which share of data sets and numbers of calls the corrected form is the better one."""
    columns = [n in chosen for n in names["calls"]]
    return np.mean([names["gain"][form, place, spacing, data][columns] > 1 for data in names["data"]])


def test_where_the_correction_helps_is_told_as_it_was_measured(names):
    few, many = names["calls"][:4], names["calls"][4:]
    data_form, noise_form = names["forms"]
    for place in names["places"]:
        for spacing in names["spacings"]:
            assert share(names, noise_form, place, spacing, few + many) > 0.8
    for spacing in names["spacings"]:
        assert share(names, data_form, "middle", spacing, few) > 0.9
        assert share(names, data_form, "middle", spacing, many) < 0.5
    assert share(names, data_form, "end", "karras", few + many) < 0.25
    assert share(names, data_form, "end", "uniform log-SNR", many) > 0.5


def test_at_very_few_calls_two_outputs_are_better_than_three(ran):
    rows = table(ran, "data").rows
    assert all(ratio < 1 for row in rows for ratio in row[2:4])
    assert all(row[-1] > 1 for row in rows)


def test_fixed_weights_have_their_order_on_one_grid(ran):
    observed = table(ran, "observed order on")
    orders = {row[0]: dict(zip(observed.header[1:], row[1:], strict=True)) for row in observed.rows}
    for name in ("iplms", "plms"):
        assert orders[name] == orders[name] | {"ve": 4, "karras": 2, "flow": 2, "alternating": 1}
    assert set(orders["lms_4"].values()) == {4}
    assert orders["ipndm_v_4"]["alternating"] == 0
    assert {row[0]: row[2:] for row in table(ran, "variable-step iPNDM").rows}["ipndm_v_4"] == (0, 3, 2)


def test_at_few_calls_the_fixed_weights_are_the_better_ones(ran):
    rows = {row[0]: row[1:] for row in table(ran, "error at kappa = 0.02").rows}
    assert all(fixed < computed for fixed, computed in zip(rows["iplms"][:4], rows["lms_4"][:4], strict=True))
