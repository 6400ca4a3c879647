import pytest

pytest.importorskip("azula", reason="azula is not installed")

from cfg_equiv.adapters.azula import SAMPLERS, SCHEDULES, TEMPERED
from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.azula_products import names
from cfg_equiv.sweeping.targets import expand, product_of, subject
from cfg_equiv.testing.subjects import Twin
from tests.adapters.runs import status


def test_options_are_those_of_the_signatures_and_the_schedules():
    values = product_of("azula:ItoSampler").values
    assert values["schedule"] == ("CosineSchedule", *(name for name in SCHEDULES if name != "CosineSchedule"))
    assert (values["eta"], values["temperature"]) == ((1.0, 0.0, 0.5), (1.0, 2.0))
    assert (values["start"], values["stop"], values["dtype"]) == ((1.0, 0.875), (0.0, 0.125), ("float64", None))
    assert product_of("azula:DecaySchedule").values.keys() == {"alpha_min", "sigma_min", "gamma"}
    assert product_of("azula:CFGDenoiser").values == {}


def test_a_sampler_that_evaluates_where_it_ends_stays_inside():
    values = product_of("azula:HeunSampler").values
    assert (values["start"], values["stop"]) == ((0.875, 0.75), (0.125, 0.25))
    assert "VESchedule" not in values["schedule"]


def test_options_change_what_is_declared():
    assert subject("azula:DDIMSampler", eta=0.5).stochastic
    assert not subject("azula:ItoSampler", eta=0.0).stochastic
    assert subject("azula:ItoSampler", temperature=2.0).never_exact == TEMPERED
    assert subject("azula:zABSampler", order=3).twin == Twin("zab_3")
    assert subject("azula:zABSampler", dtype=None).dtype == "float32"
    assert subject("azula:VESchedule", sigma_max=8.0).ends == ((1.0, 8.0), (1.0, 1e-3))


def test_each_option_comes_with_the_subject_that_has_it_at_its_default():
    made = subject("azula:zABSampler", order=3, schedule="VPSchedule", dtype=None)
    assert {name: str(variant) for name, variant in made.variants.items()} == {
        "order": "zABSampler[schedule=VPSchedule,dtype=None]",
        "schedule": "zABSampler[dtype=None,order=3]",
        "dtype": "zABSampler[schedule=VPSchedule,order=3]",
    }
    assert status(made, "sens", 1) == "passed"


def test_an_option_that_is_not_read_is_found(monkeypatch):
    from azula import sample

    honest = sample.Sampler.__init__
    monkeypatch.setattr(sample.Sampler, "__init__", lambda self, start=1.0, **rest: honest(self, **rest))
    assert status(subject("azula:EulerSampler", start=0.875), "sens", 1) == "failed"


def test_the_code_is_what_a_user_of_the_library_writes():
    product = product_of("azula:DDIMSampler")
    assert product.code({**product.default, "eta": 0.5}) == (
        "azula.sample.DDIMSampler(denoiser, start=1.0, stop=0.0, dtype=torch.float64, eta=0.5)  # on CosineSchedule()"
    )
    assert product_of("azula:VPSchedule").code({"alpha_min": 0.25}) == "azula.noise.VPSchedule(alpha_min=0.25)"


def test_every_class_has_a_product():
    assert expand(["azula:*"]) == [f"azula:{name}" for name in names()]
    assert {*SAMPLERS, *SCHEDULES} < set(names())
    for name in names():
        assert str(subject(f"azula:{name}")) == name
    with pytest.raises(UnknownNameError, match="did you mean 'DDIMSampler'"):
        product_of("azula:DDIMSampel")
