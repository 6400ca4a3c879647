import pytest

pytest.importorskip("skrample", reason="skrample is not installed")

from cfg_equiv.adapters.skrample import SAMPLERS
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.targets import expand, product_of, subject
from tests.adapters.runs import status

UNIP = "skrample:UniP"


def test_options_are_the_fields_of_the_class_and_the_schedules():
    values = product_of(UNIP).values
    assert values["schedule"][:2] == ("Scaled", "Linear")
    assert values["fast_solve"] == (False, True)
    assert values["order"] == (2, 1, 3)
    assert {"order", "derivative_transform"}.isdisjoint(product_of("skrample:Euler").values)


def test_options_change_what_is_declared():
    made = subject(UNIP, schedule="FlowShift(Linear)", stochasticity=1, order=3, derivative_transform=None)
    assert (made.state, made.stochastic, made.order) == ("flow", True, 3)
    assert made.spaces == ("x0", "flow")
    assert made.variants.keys() == {"schedule", "stochasticity", "order"}
    assert str(subject(UNIP, order=1)) == "UniP[order=1]"


def test_a_history_of_other_predictions_is_another_sampler():
    assert status(subject(UNIP), "eq", 1) == "passed"
    assert status(subject(UNIP, derivative_transform=None), "eq", 12) == "failed"


def test_noise_predictions_are_not_asked_for_at_alpha_zero():
    product = product_of(UNIP)
    options = {**product.default, "schedule": "Linear", "derivative_transform": "NoiseModel"}
    assert product.rejected(options).startswith("a straight schedule starts at alpha = 0")
    with pytest.raises(ValueError, match="a division by zero"):
        product.make(options)
    assert product.rejected({**options, "schedule": "Scaled"}) == ""


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of(UNIP)
    assert product.code({**product.default, "derivative_transform": "NoiseModel", "schedule": "Linear"}) == (
        "skrample.sampling.structured.UniP(derivative_transform=NoiseModel())  # on Linear"
    )


def test_every_sampler_has_a_product():
    assert expand(["skrample:*"]) == [f"skrample:{name}" for name in SAMPLERS]
    for name in SAMPLERS:
        assert str(subject(f"skrample:{name}")) == name
    with pytest.raises(UnknownNameError, match="did you mean 'Adams'"):
        product_of("skrample:Adam")
