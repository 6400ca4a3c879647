"""Our float64 tables against the released float32 ones; each bound counts the roundings of the released computation."""

from fractions import Fraction

import pytest
import torch

from cfg_equiv.errors import LevelError, ParameterError, PathError
from cfg_equiv.rounding import assert_within
from cfg_equiv.schedules import (
    Table,
    ddpm_linear,
    ddpm_scaled_linear,
    ddpm_sigmoid,
    ddpm_squared_cosine,
    zero_terminal_snr,
)
from tests.schedules.reference import U32

TABLES = {
    "linear": (ddpm_linear, {"beta_schedule": "linear"}),
    "scaled_linear": (
        ddpm_scaled_linear,
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    ),
    "squaredcos_cap_v2": (ddpm_squared_cosine, {"beta_schedule": "squaredcos_cap_v2"}),
    "sigmoid": (ddpm_sigmoid, {"beta_schedule": "sigmoid"}),
}


def released(options, **more):
    diffusers = pytest.importorskip("diffusers")
    kind = diffusers.DDPMScheduler if options["beta_schedule"] == "sigmoid" else diffusers.DDIMScheduler
    return kind(**options, **more)


def drift(betas: torch.Tensor) -> torch.Tensor:
    """Relative error of a float32 product of 1 - beta.

    A factor has 2 roundings (1 - beta, the product) and what its beta is off: 10 roundings of the largest beta at most
    (a ramp of start + i*step has 5 and is squared; a sigmoid has 4, a scale and a shift), divided by 1 - beta.
    """
    return torch.cumsum(2 * U32 + 10 * U32 * betas.double().max() / (1 - betas.double()), 0)


@pytest.mark.parametrize("name", TABLES)
def test_the_released_table(name):
    make, options = TABLES[name]
    theirs, ours = released(options), make()
    alpha_bar = ours.alphas**2
    bound = alpha_bar * drift(theirs.betas)
    assert_within(theirs.alphas_cumprod, alpha_bar, bound)
    shifted = torch.cat([alpha_bar[:1], alpha_bar[:-1]])  # the neighbouring timestep
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(theirs.alphas_cumprod, shifted, bound)


@pytest.mark.parametrize("wrong", [name for name in TABLES if name != "linear"])
def test_another_table_is_rejected(wrong):
    theirs, other = released(TABLES["linear"][1]), TABLES[wrong][0]()
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(theirs.alphas_cumprod, other.alphas**2, other.alphas**2 * drift(theirs.betas))


@pytest.mark.parametrize("name", ["linear", "scaled_linear"])
def test_zero_terminal_snr_is_the_released_rescaling(name):
    make, options = TABLES[name]
    table, theirs = make(), released(options, rescale_betas_zero_snr=True)
    ours = zero_terminal_snr(table)
    # In alpha: both subtracted terms drift by half of alpha_bar's drift, 3 roundings follow, the scale is above 1; then
    # back to betas (2 roundings of each ratio's 1) and a product of them.
    alphas = table.alphas
    scale = alphas[0] / (alphas[0] - alphas[-1])
    half = drift(released(options).betas) / 2
    rescaled = scale * (alphas * half + alphas[-1] * half[-1] + 3 * U32)
    ratios = torch.cat([ours.alphas[:1], ours.alphas[1:] / ours.alphas[:-1]]) ** 2
    back = ours.alphas[:-1] * torch.cumsum(4 * U32 / ratios[:-1], 0)
    bound = torch.cat([rescaled[:-1] + back, torch.zeros(1, dtype=torch.float64)])
    assert_within(theirs.alphas_cumprod.double().sqrt(), ours.alphas, bound)
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(theirs.alphas_cumprod.double().sqrt(), table.alphas, bound)


def test_zero_terminal_snr_ends_in_pure_noise_and_keeps_its_first_level():
    table = zero_terminal_snr(ddpm_scaled_linear())
    end = table(len(table) - 1)
    assert (end.alpha.item(), end.sigma.item(), end.lam.item()) == (0.0, 1.0, -float("inf"))
    first = ddpm_scaled_linear().alphas[0]
    assert_within(table.alphas[0], first, 3 * 2.0**-53)  # a difference, a quotient, a product of numbers below 1


def test_a_table_computed_by_hand():
    table = Table.from_betas(torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64))
    for k, alpha_bar in enumerate((Fraction(1, 2), Fraction(1, 8), Fraction(0))):
        at = table(k)
        # log1p and exp: 4 roundings each and k+1 of a sum below 3; a root and a square
        bound = (4 + 3 * (4 + 2) + 4 + 2 * 2 + 1) * 2.0**-53
        assert_within(at.alpha**2, alpha_bar, bound)
        assert_within(at.sigma**2, 1 - alpha_bar, bound)
    assert table(2).lam == -float("inf")


def test_points_are_trailing_timesteps_and_the_data_end():
    table = ddpm_linear(10)
    points = table.points(5)
    assert [p.alpha.item() for p in points[:-1]] == [table.alphas[k].item() for k in (9, 7, 5, 3, 1)]
    assert tuple(x.item() for x in points[-1]) == (1.0, 0.0, float("inf"))
    assert len(ddpm_linear().points(1)) == 2


def test_released_trailing_timesteps():
    diffusers = pytest.importorskip("diffusers")
    scheduler, table = diffusers.DDIMScheduler(timestep_spacing="trailing"), ddpm_linear()
    for n in (1, 3, 10, 50):
        scheduler.set_timesteps(n)
        ours = [table.alphas.tolist().index(p.alpha.item()) for p in table.points(n)[:-1]]
        assert ours == scheduler.timesteps.tolist()


def test_bad_input():
    table = ddpm_linear(10)
    with pytest.raises(
        LevelError, match=r"an integer timestep in \[0, 9\] \(9 is noise\), got 0\.5: a table has no points"
    ):
        table(0.5)
    with pytest.raises(LevelError, match=r"got 10: "):
        table(10)
    with pytest.raises(PathError, match="expected a differentiable schedule, got a discrete table: use vp_linear"):
        table.derivative(3)
    with pytest.raises(ParameterError, match="at most 10 steps, got 11: a table repeats no timestep"):
        table.points(11)
    with pytest.raises(ParameterError, match=r"a 1-d tensor of betas in \[0, 1\]"):
        Table.from_betas(torch.tensor([0.5, 1.5]))
    with pytest.raises(ParameterError, match="a table of two levels or more, got 1: there is nothing to rescale"):
        zero_terminal_snr(Table.from_betas(torch.tensor([0.5])))
