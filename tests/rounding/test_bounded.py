import math
from fractions import Fraction

import pytest
import torch

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from, to_space
from cfg_equiv.exact.intervals import INTERVAL, midpoint_and_radius, number
from cfg_equiv.rounding import BOUNDED, Bounded, assert_within

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def draw(dtype, n, seed=0):
    """A decreasing pair of VP points, predictions, and what the rows and samplers ask for besides."""
    generator = torch.Generator().manual_seed(seed)
    low, high = (6 * torch.rand(n, generator=generator, dtype=torch.float64) - 3 for _ in range(2))
    lam_s, lam_t = low, low + 0.2 + (high - low).abs()
    x = {name: torch.sigmoid(sign * 2 * lam).sqrt() for name, sign, lam in _ends(lam_s, lam_t)}
    x |= {name: torch.randn(n, generator=generator, dtype=torch.float64) for name in ("z", "c", "u", "noise")}
    x |= {"w": torch.full((n,), 7.5), "eta": torch.full((n,), 0.75), "sigma_data": torch.full((n,), 0.5)}
    return {name: value.to(dtype) for name, value in x.items()}


def _ends(s, t):
    return (("as", 1, s), ("ss", -1, s), ("at", 1, t), ("st", -1, t))


def guided(xp, sampler, row, x):
    s, t = point(xp, x["as"], x["ss"]), point(xp, x["at"], x["st"])
    given = {name: x[name] for name in sampler.extras}
    given |= {"sigma_data": x["sigma_data"], "dalpha": -x["ss"], "dsigma": x["as"]}
    return step_from(xp, sampler, row, x["z"], cfg(x["c"], x["u"], x["w"]), s, t, **given)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_bound_holds_for_every_sampler_in_every_format(name):
    sampler = SAMPLERS[name]
    for row in ("eps", "x0", "v", "flow", "F"):
        for dtype in DTYPES[1:]:
            x = draw(dtype, 200)
            got = guided(BOUNDED, sampler, row, {k: Bounded(v) for k, v in x.items()})
            exact = guided(BOUNDED, sampler, row, {k: Bounded(v.double()) for k, v in x.items()})
            vacuous = assert_within(got.value, exact.value, got.err + exact.err)
            assert vacuous < 200 / 2, (row, dtype)
            plain = guided(torch, sampler, row, x)
            assert torch.equal(got.value.nan_to_num(), plain.nan_to_num())


@pytest.mark.parametrize("name", ["ddim_x0", "ddim_eta", "dpm_solver_1", "sde_dpm_solver_pp_1", "euler_ancestral"])
def test_the_bound_holds_in_float64_against_intervals(name):
    x = draw(torch.float64, 12)
    for row in ("v", "F"):
        got = guided(BOUNDED, SAMPLERS[name], row, {k: Bounded(v) for k, v in x.items()})
        cases = [{k: number(v[i].item()) for k, v in x.items()} for i in range(12)]
        middles, radii = zip(
            *(midpoint_and_radius(guided(INTERVAL, SAMPLERS[name], row, case)) for case in cases), strict=True
        )
        assert assert_within(got.value, list(middles), got.err + torch.tensor(radii, dtype=torch.float64)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mutated_coefficient_exceeds_the_bound(dtype):
    x = draw(dtype, 50)
    got = guided(BOUNDED, SAMPLERS["ddim_x0"], "v", {k: Bounded(v) for k, v in x.items()})
    off = {k: v.double() for k, v in x.items()}
    off["at"] = off["at"] * (1 + 64 * torch.finfo(dtype).eps)
    wrong = guided(torch, SAMPLERS["ddim_x0"], "v", off)
    with pytest.raises(AssertionError, match="outside the rounding bound at index"):
        assert_within(got.value, wrong, got.err)


@pytest.mark.parametrize("row", PARAMETERIZATIONS)
def test_conversion_there_and_back_contains_the_start(row):
    x = {k: Bounded(v) for k, v in draw(torch.float32, 100).items()}
    given = {"sigma_data": x["sigma_data"], "dalpha": -x["ss"], "dsigma": x["as"]}
    at = Point(x["as"], x["ss"])
    there = to_space(BOUNDED, x["z"], x["c"], at, "x0", row, **given)
    back = to_space(BOUNDED, x["z"], there, at, row, "x0", **given)
    assert_within(back.value, x["c"].value, back.err)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_does_not_round_has_no_error(dtype):
    a = Bounded(torch.tensor([0.3, -7.0, 1e-3], dtype=dtype))
    for exact in (
        a * 1,
        1 * a,
        a * -1,
        -a,
        a * 0,
        a + 0,
        0 + a,
        a - 0,
        0 - a,
        a * 4,
        a * a.value.new_tensor(0.5),
        a / 1,
    ):
        assert exact.err.tolist() == [0, 0, 0]
    assert (a + a.value).err[0] > 0
    assert (a * 3).err[0] > 0
    assert (1 / a).err[0] > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaling_a_rounded_number_keeps_its_error(dtype):
    third = Bounded(torch.ones(1, dtype=dtype)) / 3
    assert third.err.item() > 0
    assert (-third).err.item() == third.err.item()
    assert third.err.item() <= (third * 1).err.item() <= third.err.item() * (1 + 2.0**-29)
    assert (third * 0).err.item() == 0
    assert (third + 0).err.item() >= third.err.item()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", [0.3, 3, 1 / 7, 2049, -0.7])
def test_python_numbers_are_rounded_as_torch_rounds_them(dtype, c):
    x = torch.tensor([1.0, 0.7, -0.1, 0.25, 3.0], dtype=dtype)
    runs = {
        "x*c": (lambda x: x * c, lambda q: q * Fraction(c)),
        "c*x": (lambda x: c * x, lambda q: q * Fraction(c)),
        "x/c": (lambda x: x / c, lambda q: q / Fraction(c)),
        "c/x": (lambda x: c / x, lambda q: Fraction(c) / q),
        "x+c": (lambda x: x + c, lambda q: q + Fraction(c)),
        "c-x": (lambda x: c - x, lambda q: Fraction(c) - q),
    }
    for run, exactly in runs.values():
        got = run(Bounded(x))
        assert torch.equal(got.value, run(x))
        assert assert_within(got.value, [exactly(Fraction(v)) for v in x.tolist()], got.err) == 0


def test_a_divisor_that_may_be_zero_has_no_bound():
    almost = Bounded(torch.ones(2), torch.tensor([0.5, 2.0], dtype=torch.float64))
    assert (Bounded(torch.ones(2)) / almost).err.isfinite().tolist() == [True, False]
    assert (1 / almost).err.isfinite().tolist() == [True, False]
    assert BOUNDED.log(almost).err.isfinite().tolist() == [True, False]


def test_no_number_means_no_bound():
    x = Bounded(torch.tensor([math.nan, math.inf, 65504.0], dtype=torch.float16))
    assert (x * 2).err.tolist() == [math.inf] * 3
    assert (x - x).err[:2].tolist() == [math.inf] * 2
    assert BOUNDED.sqrt(Bounded(torch.tensor([-1.0]))).err.item() == math.inf


def test_an_error_in_float64_is_an_upper_bound_even_of_its_own_arithmetic():
    value, err = Fraction(1), Fraction(0)
    x = Bounded(torch.ones(1, dtype=torch.float64))
    for _ in range(200):
        x = x * x.value.new_tensor(1.0 + 2.0**-20) + x.value.new_tensor(0.1)
        value = value * Fraction(1.0 + 2.0**-20) + Fraction(0.1)
        err = abs(Fraction(x.value.item()) - value)
        assert err <= Fraction(x.err.item())


def test_tensors_stand_on_either_side():
    t, b = torch.tensor([1.0, 2.0]), Bounded(torch.tensor([3.0, 5.0]))
    for got, wanted in ((t + b, [4, 7]), (t - b, [-2, -3]), (t * b, [3, 10]), (t / b, [1 / 3, 0.4])):
        assert isinstance(got, Bounded)
        assert torch.equal(got.value, torch.tensor(wanted))


def test_bad_operands_are_one_clear_sentence():
    x = Bounded(torch.ones(2))
    with pytest.raises(
        ValueError, match=r"expected operands of one dtype, got torch.float32 and torch.float16; convert"
    ):
        x * torch.ones(2, dtype=torch.float16)
    with pytest.raises(
        ValueError, match=r"expected value and err of one shape, got \(2,\) and \(3,\); expand err first"
    ):
        Bounded(torch.ones(2), torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"expected the error bound in float64, got torch.float32; convert"):
        Bounded(torch.ones(2), torch.ones(2))
    with pytest.raises(TypeError, match=r"expected a Bounded, got Tensor; wrap the tensor as Bounded\(tensor\)"):
        BOUNDED.log(torch.ones(2))
    with pytest.raises(TypeError, match="unsupported operand"):
        x + "two"
