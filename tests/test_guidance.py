import pytest
import torch

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans
from cfg_equiv.errors import MismatchError, ParameterError, UnknownNameError, WeightError
from cfg_equiv.guidance import (
    compose,
    convert_weight,
    guide,
    guide_from_negative,
    guide_in_interval,
    guide_learned_variance,
    instruct_pix2pix,
    split_learned_variance,
)

C = torch.tensor([[[1.0], [2.0]], [[-3.0], [0.5]]])  # (batch, channel, 1), on the quarter lattice: all exact
U = torch.tensor([[[0.5], [-1.0]], [[2.0], [0.25]]])
CONVENTIONS = ("u+w(c-u)", "c+w(c-u)")


def test_by_hand():
    assert guide(C, U, 3.0)[0].flatten().tolist() == [2.0, 8.0]
    assert guide(C, U, 3.0, convention="c+w(c-u)")[0].flatten().tolist() == [2.5, 11.0]


def test_the_two_conventions_are_the_bare_formulas_and_differ():
    one, zero = guide(C, U, 7.5), guide(C, U, 7.5, convention="c+w(c-u)")
    assert torch.equal(one, cfg(C, U, 7.5))
    assert torch.equal(zero, cfg_from_cond(C, U, 7.5))
    assert torch.equal(zero, cfg_ho_salimans(C, U, 7.5))
    assert not torch.equal(one, zero)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_end_points(convention):
    off = {"u+w(c-u)": 1, "c+w(c-u)": 0}[convention]
    assert torch.equal(guide(C, U, off, convention=convention), C)
    assert torch.equal(guide(C, U, off - 1, convention=convention), U)


@pytest.mark.parametrize("source", CONVENTIONS)
@pytest.mark.parametrize("target", CONVENTIONS)
def test_converted_weights_do_the_same(source, target):
    for w in (-1, 0, 1, 7.5, torch.tensor([[[2.0]], [[0.5]]])):
        there = convert_weight(w, source, target)
        assert torch.equal(guide(C, U, there, convention=target), guide(C, U, w, convention=source))
    if source != target:
        assert not torch.equal(guide(C, U, 3.0, convention=target), guide(C, U, 3.0, convention=source))


def test_one_weight_an_item():
    w = torch.tensor([3.0, 0.0]).reshape(2, 1, 1)
    guided = guide(C, U, w)
    assert torch.equal(guided[:1], guide(C[:1], U[:1], 3.0))
    assert torch.equal(guided[1:], U[1:])


def test_a_negative_prompt_takes_the_place_of_the_unconditional_prediction():
    assert torch.equal(guide_from_negative(C, U, 3.0), guide(C, U, 3.0))
    assert torch.equal(guide_from_negative(C, U, 1.0), C)


def test_composition():
    other = 2 * C + 1
    assert torch.equal(compose([C], U, [3.0]), guide(C, U, 3.0))
    assert torch.equal(compose([C, other], U, [2.0, -0.5]), U + 2 * (C - U) - (other - U) / 2)
    assert not torch.equal(compose([C, other], U, [2.0, -0.5]), compose([other, C], U, [2.0, -0.5]))


def test_instruct_pix2pix():
    image = 2 * C + 1
    assert torch.equal(instruct_pix2pix(C, image, U, 1.0, 1.0), C)
    assert torch.equal(instruct_pix2pix(C, image, U, 0.0, 1.0), image)
    assert torch.equal(instruct_pix2pix(C, image, U, 0.0, 0.0), U)
    assert torch.equal(instruct_pix2pix(C, image, U, 3.0, 2.0), U + 2 * (image - U) + 3 * (C - image))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_an_interval_decides_item_by_item_and_its_low_end_belongs_to_it(convention):
    def at(alpha, low, high):
        return guide_in_interval(C, U, 3.0, alpha=alpha, sigma=1.0, low=low, high=high, convention=convention)

    on = guide(C, U, 3.0, convention=convention)
    assert torch.equal(at(1.0, 0.0, 1.0), on)  # lam = 0
    assert torch.equal(at(1.0, -1.0, 0.0), C)
    assert torch.equal(at(0.0, -1.0, 1.0), C)  # pure noise: lam = -inf
    each = at(torch.tensor([1.0, 100.0]).reshape(2, 1, 1), 0.0, 1.0)
    assert torch.equal(each[:1], on[:1])
    assert torch.equal(each[1:], C[1:])


def test_learned_variance_channels_are_passed_on():
    guided = guide_learned_variance(C, U, 3.0)
    assert torch.equal(guided[:, :1], guide(C, U, 3.0)[:, :1])
    assert torch.equal(guided[:, 1:], C[:, 1:])
    mean, variance = split_learned_variance(C)
    assert torch.equal(torch.cat([mean, variance], 1), C)
    each = guide_learned_variance(C, U, torch.tensor([3.0, 0.0]).reshape(2, 1, 1))
    assert torch.equal(each[:1], guided[:1])
    assert torch.equal(each[1:, :1], U[1:, :1])


def test_gradients_pass():
    c = C.clone().requires_grad_()
    (slope,) = torch.autograd.grad(guide(c, U, 3.0).sum(), c)
    assert torch.equal(slope, torch.full_like(C, 3.0))


@pytest.mark.parametrize("w", [float("nan"), float("inf"), torch.tensor([[[1.0]], [[float("nan")]]])])
def test_a_weight_that_is_not_a_number(w):
    message = r"expected w to be a finite number, got .*: check where the guidance weight comes from"
    for call in (
        lambda: guide(C, U, w),
        lambda: convert_weight(w, "u+w(c-u)", "c+w(c-u)"),
        lambda: guide_from_negative(C, U, w),
        lambda: guide_in_interval(C, U, w, alpha=1.0, sigma=1.0, low=0.0, high=1.0),
        lambda: guide_learned_variance(C, U, w),
    ):
        with pytest.raises(WeightError, match=message):
            call()
    with pytest.raises(WeightError, match=r"weights\[1\] to be a finite number"):
        compose([C, C], U, [1.0, w])
    with pytest.raises(WeightError, match="w_image to be a finite number"):
        instruct_pix2pix(C, C, U, 1.0, w)


def test_bad_input():
    with pytest.raises(
        UnknownNameError, match=r"a guidance convention out of c\+w\(c-u\), u\+w\(c-u\), got 'u\+w\*\(c-u"
    ):
        guide(C, U, 3.0, convention="u+w*(c-u)")
    with pytest.raises(UnknownNameError, match="a guidance convention"):
        convert_weight(3.0, "u+w(c-u)", "w")
    with pytest.raises(MismatchError, match="uncond to have the shape, dtype and device of cond"):
        guide(C, U[:1], 3.0)
    with pytest.raises(MismatchError, match="negative to have the shape"):
        guide_from_negative(C, U.double(), 3.0)
    with pytest.raises(MismatchError, match=r"w to have the latent's dtype and device .*, got a float64 tensor"):
        guide(C, U, torch.tensor(3.0, dtype=torch.float64))
    with pytest.raises(MismatchError, match="one weight a condition, and at least one, got 1 and 2: pair them up"):
        compose([C], U, [1.0, 2.0])
    with pytest.raises(ParameterError, match=r"an interval low < high of half-log-SNR, got 1\.0 and 0\.0: large"):
        guide_in_interval(C, U, 3.0, alpha=1.0, sigma=1.0, low=1.0, high=0.0)
    with pytest.raises(
        MismatchError, match=r"an even number of channels on axis 1, got a float32 tensor of shape \(2, 1"
    ):
        split_learned_variance(C[:, :1])
    with pytest.raises(MismatchError, match="one weight for all channels"):
        guide_learned_variance(C, U, torch.ones(2, 2, 1))
