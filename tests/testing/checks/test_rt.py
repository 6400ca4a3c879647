"""RT: the anchor, the bound, the messages, and what a declared path forgives."""

from dataclasses import replace

import pytest
import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.case import ConversionCase
from cfg_equiv.errors import ParameterError
from cfg_equiv.faults import conversions, schedules
from cfg_equiv.testing.cases import TimeCase
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.subjects import Conversion, Schedule
from tests.testing.checks.named import check_for, entry

V = ConversionCase(
    source="v",
    target="x0",
    dtype="float64",
    shape=(2, 1),
    latent=(0.5, 0.75),
    conditional=(1.0, 1.25),
    level=("3/5", "4/5"),
)
WHOLE = TimeCase(last=20)


def rt(convert, case=V, spaces=("eps", "x0", "v"), **given):
    subject = Conversion(convert, spaces, **given)
    return check_for(subject, "rt")(subject, case)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_the_formula_passes_in_every_format(dtype):
    assert rt(conversions.determinants, replace(V, dtype=dtype)) is None


def test_the_message_names_the_conversion_the_level_and_the_element():
    with pytest.raises(CheckFailure, match=r"v -> x0 at alpha = 0.6, sigma = 0.8 in float64: outside the rounding bou"):
        rt(entry("conversion.v_sign").convert)


def test_other_conversions_of_the_same_rows_are_tried():
    with pytest.raises(CheckFailure, match="v -> eps at"):
        rt(conversions.v_to_eps_sign)
    with pytest.raises(CheckFailure, match="v -> eps at"):
        rt(conversions.v_to_eps_sign, replace(V, source="x0", target="eps"))


def test_one_rounding_too_many_is_seen_and_its_own_are_not():
    def coarse(*given):
        return conversions.determinants(*given) * (1 + 2.0**-40)

    with pytest.raises(CheckFailure, match="outside the rounding bound"):
        rt(coarse)
    rt(lambda *given: conversions.determinants(*given) * 3 / 3)


def test_a_detour_through_single_precision_is_named():
    with pytest.raises(CheckFailure, match=r"v -> x0 .* values are rounded to float32 on the way"):
        rt(entry("conversion.single_precision").convert)


def test_numbers_that_leave_torch_are_calibrated():
    def outside(z, pred, source, target, alpha, sigma):
        at = Point(float(alpha), float(sigma))
        return conversions.to_space(torch, z, pred, at, source, target)

    assert rt(conversions.numbers) is None
    assert rt(outside) is None
    with pytest.raises(CheckFailure, match="outside the rounding bound"):
        rt(lambda *given: conversions.numbers(*given) * (1 + 2.0**-40))


def test_the_path_forgives_what_its_floats_miss_and_no_more():
    short = entry("conversion.short_form_on_vp").convert
    for dtype in ("float64", "float32", "float16"):
        assert rt(short, replace(V, dtype=dtype), path="vp") is None
    off = replace(V, level=("3/5", 0.8 + 2.0**-20))
    assert rt(short, off, path="vp") is None
    with pytest.raises(CheckFailure, match="outside the rounding bound"):
        rt(short, off)  # the same floats, nothing declared
    with pytest.raises(CheckFailure, match="outside the rounding bound"):
        rt(lambda *given: short(*given) * (1 + 2.0**-44), path="vp")


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (lambda *given: None, r"expected convert\(\) to return a tensor, got NoneType: return it alone"),
        (lambda z, *given: (z, z), "got tuple"),
        (lambda z, *given: z[:1], r"expected convert\(\) to return shape \(2, 1\), got \(1, 1\)"),
        (lambda z, *given: z.float(), r"expected convert\(\) to return torch.float64, got torch.float32"),
    ],
)
def test_a_broken_protocol_is_one_sentence(convert, message):
    with pytest.raises(SubjectError, match=message):
        rt(convert)


def test_not_a_number_and_chance_are_named():
    with pytest.raises(CheckFailure, match="the result is not finite, the exact value is"):
        rt(lambda z, *given: z / 0)

    def chance(z, *given):
        return torch.as_tensor(torch.rand(z.shape, dtype=z.dtype).numpy())

    with pytest.raises(SubjectError, match="expected a deterministic run"):
        rt(chance)


def test_one_parameterization_is_not_applicable():
    subject = Conversion(conversions.determinants, ("v",))
    assert check_for(subject, "rt").inapplicable(subject) == "only one parameterization is declared: v"


def schedule(name, subject, case=WHOLE):
    return check_for(subject, name)(subject, case)


@pytest.mark.parametrize(
    ("name", "subject", "message"),
    [
        ("rt_path", schedules.alpha_bar(), r"alpha = 0.00615583, .* at t = 0.95 is off the declared path 'vp' by"),
        (
            "rt_order",
            schedules.duplicates(),
            r"sigma/alpha does not fall from t = 0.95 to t = 0.9: \(alpha, sigma\) is",
        ),
        ("rt_order", schedules.backwards(), "sigma/alpha does not fall from t = 0.0 to"),
        ("rt_time", schedules.sigma_as_time(), r"time_of\(sigma/alpha\) is 80 where sigma/alpha is that of t = 1; one"),
        ("rt_path", schedules.beta_past_one(), "alpha = nan, sigma = 1.09545 at t = 1.0 is no level"),
        ("nan", schedules.negative_under_root(), "alpha = 1, sigma = nan at t = 0.0, position 20: no level"),
        ("nan", Schedule(lambda t: (0.0, 0.0), (1, 0)), "alpha = 0, sigma = 0 at t = 1, position 0: no level"),
        ("nan", Schedule(lambda t: (1.0, t), (1, -1)), "alpha = 1, sigma = -1 at t = -1, position 1: no level"),
    ],
)
def test_the_messages_of_schedules(name, subject, message):
    with pytest.raises(CheckFailure, match=message):
        schedule(name, subject, TimeCase(last=len(subject.times) - 1))


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (lambda t: 1.0, r"expected level\(t\) to return \(alpha, sigma\), got float at t = 1"),
        (lambda t: (1.0, None), r"expected level\(t\) to return two numbers, got NoneType at t = 1"),
        (lambda t: (torch.ones(2), 0.0), r"expected level\(t\) to return two numbers, got shape \(2,\) at t = 1"),
    ],
)
def test_a_level_that_is_none_is_one_sentence(level, message):
    with pytest.raises(SubjectError, match=message):
        schedule("rt_order", Schedule(level, (1, 0)), TimeCase(last=1))


def test_an_inverse_that_returns_no_number_is_one_sentence():
    subject = replace(schedules.karras(), time_of=lambda kappa: None)
    with pytest.raises(SubjectError, match=r"expected time_of\(\) to return one number, got NoneType"):
        schedule("rt_time", subject, TimeCase(first=3, last=3))


def test_vacuous_and_inapplicable_cases_say_why():
    cosine = schedules.cosine()
    assert schedule("rt_time", cosine, TimeCase(first=20, last=20)) == "sigma/alpha is 0 or infinite there"
    assert schedule("rt_order", cosine, TimeCase(first=3, last=3)) == "a single time has no next one"
    free = Schedule(lambda t: (1.0, t), (1.0, 0.0))
    assert check_for(free, "rt_path").inapplicable(free) == "a free path has no relation to check"
    assert check_for(free, "rt_time").inapplicable(free) == "no inverse time_of is declared"


def test_a_stretch_of_times_is_checked():
    with pytest.raises(ParameterError, match="expected positions 0 <= first <= last, got first = 2, last = 1"):
        TimeCase(first=2, last=1)
    with pytest.raises(SubjectError, match="expected a case of the 21 times listed, got position 21"):
        schedule("rt_order", schedules.cosine(), TimeCase(last=21))
