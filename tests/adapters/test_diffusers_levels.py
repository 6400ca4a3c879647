"""Which levels of the table a timestep stands for."""

from types import SimpleNamespace

import pytest
import torch

from cfg_equiv.adapters.diffusers_levels import on_circle, trained

ABAR = torch.tensor([0.9, 0.5, 0.2, 0.1])


def scheduler(abar=ABAR, **config):
    return SimpleNamespace(alphas_cumprod=abar, config=config)


def kappa(k):
    abar = ABAR.double()[k]
    return ((1 - abar) / abar).sqrt()


def test_a_whole_number_stands_for_one_level():
    assert trained(scheduler(), torch.tensor(2)) == (on_circle(kappa(2)), on_circle(kappa(2)))


def test_between_two_of_the_table_stands_for_what_is_between_them():
    assert trained(scheduler(), torch.tensor(1.25)) == (on_circle(kappa(2)), on_circle(kappa(1)))


def test_a_whole_number_that_is_a_float_may_have_been_rounded_to_it():
    t = torch.tensor(2.0)
    noisier, cleaner = trained(scheduler(), t)
    ulp = 2 * torch.finfo(t.dtype).eps
    assert noisier == on_circle(kappa(2) * (kappa(3) / kappa(2)) ** ulp)
    assert cleaner == on_circle(kappa(2) * (kappa(1) / kappa(2)) ** ulp)


@pytest.mark.parametrize("t", [torch.tensor(0), torch.tensor(0.0)])
def test_the_first_time_stands_for_what_is_cleaner_too(t):
    noisier, cleaner = trained(scheduler(), t)
    assert cleaner == (1.0, 0.0)
    assert noisier == on_circle(kappa(0))  # at zero there is nothing to round


def test_the_last_time_stands_for_what_is_noisier_too():
    assert trained(scheduler(), torch.tensor(3)) == ((0.0, 1.0), on_circle(kappa(3)))


def test_where_a_clamped_table_turns_back_the_noisier_level_comes_first():
    turned = scheduler(torch.tensor([0.9, 0.1, 0.2, 0.05]))
    noisier, cleaner = trained(turned, torch.tensor(1.5))
    assert noisier[1] / noisier[0] > cleaner[1] / cleaner[0]


@pytest.mark.parametrize(
    ("made", "t"),
    [
        (scheduler(), -1),
        (scheduler(), 4),
        (scheduler(), float("nan")),
        (scheduler(use_flow_sigmas=True), 2),
        (scheduler(timestep_type="continuous"), 2),
    ],
)
def test_times_that_do_not_count_in_the_table_stand_for_no_level(made, t):
    assert trained(made, torch.tensor(t)) is None
