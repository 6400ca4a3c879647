"""DT: the messages, and what a format cannot show."""

from dataclasses import replace
from functools import partial

import pytest

from cfg_equiv.case import ConversionCase, GuidanceCase
from cfg_equiv.faults.solvers import Euler
from cfg_equiv.rounding.rerun import NotDeterministicError
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import dt
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.subjects import Guidance, Sampler
from tests.testing.checks.named import check_for, entry

RULE = GuidanceCase(
    source="x0",
    dtype="float16",
    shape=(2, 2),
    weight=3,
    latent=(1,),
    conditional=(1, 2),
    unconditional=(0.5,),
    level=(0.6, 0.8),
)


def run(subject, case):
    return check_for(subject, "dt")(subject, case)


def test_a_number_that_half_precision_does_not_hold_is_found_on_the_way():
    with pytest.raises(CheckFailure, match=r"in float16 the value at \(0, 0\) is (inf|nan), wider it is 2"):
        run(entry("guidance.by_large_numbers"), RULE)
    with pytest.raises(CheckFailure, match=r"in float16 the value at .* is nan, wider it is"):
        run(entry("sampler.SquaresInFormat"), RunCase(dtype="float16", steps=2))


def test_a_prediction_that_half_precision_does_not_hold_is_not_the_samplers_fault():
    def far(model, z, steps, space):  # eps there is a thousand times as large as the latent
        return z + model(z + 3000, None) / 2**20

    def own(model, z, steps, space):
        return z + model(z, None) / 2**20 + (z * 2**15 * 2**5 - z * 2**15 * 2**4) / 2**22

    def sampler(run):
        return Sampler(run, lambda t: (1.0, 2.0**-10), ("eps",), state="free")

    case = RunCase(dtype="float16", network="point_mass", weight=1, steps=1, latent=(1.0,))
    assert run(sampler(far), case) == "what a step of it adds up is beyond float16"
    assert run(sampler(far), replace(case, dtype="float32")) is None
    with pytest.raises(CheckFailure, match=r"in float16 the value at .* is nan, wider it is"):
        run(sampler(own), case)


def test_a_cast_to_a_narrower_format_is_found_in_the_format_itself():
    def half(model, z, steps, space):
        return Euler().run(model, z / 3, steps, space).half().to(z.dtype)

    with pytest.raises(CheckFailure, match="in float64 values of the latent's shape are rounded to float16 on the way"):
        run(Sampler(half, Euler().level, ("eps",), state="vp"), RunCase(steps=2))

    def rounded(c, u, w):
        return ((u + w * (c - u)) / 3).half().to(c.dtype) * 3

    with pytest.raises(CheckFailure, match="in float32 values of the latent's shape are rounded to float16"):
        run(Guidance(rounded, "u+w(c-u)"), replace(RULE, dtype="float32"))


def test_an_error_that_depends_on_the_format_is_found():
    def coarse(model, z, steps, space):
        end = Euler().run(model, z, steps, space)
        return end if z.element_size() > 4 else end * 1.01

    with pytest.raises(CheckFailure, match=r"in float32 the final latent is off its float64 value by .* times what"):
        run(Sampler(coarse, Euler().level, ("eps",), state="vp"), RunCase(dtype="float32", steps=2))


def test_a_format_that_is_not_taken_is_vacuous():
    case = ConversionCase(
        source="eps", target="x0", dtype="bfloat16", shape=(2,), latent=(1,), conditional=(2,), level=(0.5, 0.5)
    )
    assert run(entry("conversion.numbers"), case).startswith("it does not take bfloat16: ")


def test_another_error_of_the_subject_is_not_hidden():
    def broken(c, u, w):
        raise RuntimeError("no such buffer")

    with pytest.raises(RuntimeError, match="no such buffer"):
        run(Guidance(broken, "u+w(c-u)"), RULE)


def test_a_brownian_path_in_a_narrow_format_is_vacuous():
    """The same run is compared where its noise is drawn, and in the format it is declared for."""
    subject = entry("sampler.SquaresInFormat")
    rough = replace(subject, stochastic=True, brownian=True)
    assert "a rough path is another one" in run(rough, RunCase(dtype="float16", steps=2))
    assert run(rough, RunCase(dtype=subject.dtype, steps=2)) is None
    with pytest.raises(CheckFailure):
        run(subject, RunCase(dtype="float16", steps=2))


def of_its_error(model, z, steps, space, adaptive):
    """Two steps of Euler's method; the first is longer where the rounding of the format is seen."""
    rounding = float((z + 1 - 1 - z).abs().max())
    t = (0.5 if rounding > 2**-40 else 0.25) + adaptive * float(z.mean()) / 2**10
    z = z + (t - 1) * model(z, (1.0, 1.0))
    return z - t * model(z, (1.0, t))


def test_an_adaptive_method_takes_other_steps_in_another_format_by_right():
    """Found by a seed in dpm_adaptive. Steps that no ulp moves are of no error: the format alone chose them."""
    case = RunCase(dtype="float32", latent=(0.3, -1.1))

    def choosing(adaptive):
        return Sampler(partial(of_its_error, adaptive=adaptive), lambda t: t, ("eps",), state="ve")

    assert run(choosing(True), case) == "it chooses its steps by what it computes, and others in float32"
    with pytest.raises(CheckFailure, match="in float32 the latent of network call 2 is off its float64 value"):
        run(choosing(False), case)


def test_a_run_that_moved_data_change_is_another_one_and_no_error(monkeypatch):
    def other(space, difference, allowed, rerun):
        raise NotDeterministicError("the network is called another number of times")

    monkeypatch.setattr(dt, "with_data", other)
    case = RunCase(dtype="float32", steps=2)
    said = run(Sampler(Euler().run, Euler().level, ("eps",), state="vp"), case)
    assert said == "its run is another one in float32: the network is called another number of times"


def test_what_is_wrong_in_the_declared_format_is_not_said_of_a_narrow_one():
    def broken(model, z, steps, space):
        return z + "an unsupported operand"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(Sampler(broken, Euler().level, ("eps",), state="vp"), RunCase(dtype="float16", steps=2))
