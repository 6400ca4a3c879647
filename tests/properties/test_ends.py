"""Pure noise and clean data: the public step is finite, and the right limit, wherever there is one."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.case import DTYPES, StepCase, route
from cfg_equiv.errors import SingularEndError
from cfg_equiv.rounding import assert_within
from cfg_equiv.strategies import step_cases
from cfg_equiv.strategies.paths import ENDS
from tests.properties.subject import falsified, public_step, share

REACHED = [end for end in ENDS if end != "none"]
FAMILIES = {"any": st.sampled_from(("vp", "flow", "free")), "vp": "vp", "flow": "flow"}
# A stochastic step whose native form has no value there, but the limit of a step that has one: at sigma_t = 0 every
# member of the family is alpha_t*x0; from alpha_s = 0, with eta = 1, it renoises.
FAMILY = ("ddim_eta", "dpmpp_sde_eta", "euler_ancestral", "sde_dpm_solver_pp_1", "v_diffusion")
TWINS = {"noise": "renoise", "data": "ddim_x0", "both": "ddim_x0"}
# In floats this native form has the value itself, exp(-inf) = 0, and rounds it as its own steps do, not as the limit.
NATIVE = {"dpm_solver_pp_1": "ddim_x0"}
NO_LIMIT = {("sde_dpm_solver_1", "noise"), ("sde_dpm_solver_1", "both")}
ALL = [(name, end) for name in SAMPLERS for end in REACHED if (name, end) not in NO_LIMIT]


@dataclass(frozen=True, kw_only=True, repr=False)
class NoiseFormLimit(StepCase):
    """SDE-DPM-Solver-1 at sigma_t = 0: sigma_t*(e^h - 1) goes to alpha_t*sigma_s/alpha_s, and so does its noise."""

    def _step(self, xp, z, pred, s, t, given):
        eps = to_space(xp, z, pred, s, self.source, "eps", **given)
        return t.alpha / s.alpha * (z - 2 * (s.sigma * eps) + s.sigma * given["noise"])


def formula_of(sampler, end):
    """The sampler whose formula has the value: the sampler itself, or its twin."""
    if (sampler, end) == ("sde_dpm_solver_1", "data"):
        return sampler
    if sampler in NATIVE:
        return NATIVE[sampler]
    return sampler if route(sampler, "v", *ENDS[end]) != "none" else TWINS[end]


def cases(sampler, end):
    """Cases whose formula has a value at the end; v is determined everywhere."""
    family = FAMILIES[SAMPLERS[sampler].path]
    if sampler == "sde_dpm_solver_1":
        drawn = step_cases(sampler="renoise", source="v", dtype="float64", family=family, ends=end)
        return drawn.map(lambda case: NoiseFormLimit(**vars(case) | {"sampler": sampler}))
    formula = formula_of(sampler, end)
    return step_cases(sampler=formula, source="v", dtype="float64", family=family, ends=end, eta=1.0)


def check(case, sampler, end, take=public_step, rows=tuple(PARAMETERIZATIONS), dtypes=tuple(DTYPES)):
    """How many rows have a value there, and that each has the right one."""
    determined = [row for row in rows if not (ENDS[end][0] and row in ("eps", "score"))]
    for row in determined:
        for dtype in dtypes:
            each = replace(case, source=row, dtype=dtype)
            vacuous = assert_within(take(each, sampler), each.exact(), each.bound())
            assert dtype == "float16" or not vacuous
    return len(determined)


def taken(case, sampler):
    """The public step; a deterministic twin has no noise to lend, so the conditional prediction serves."""
    noise = case.fresh_noise or case.conditional
    given = vars(case) | {"sampler": sampler, "fresh_noise": noise if SAMPLERS[sampler].stochastic else ()}
    return public_step(StepCase(**given))


@pytest.mark.parametrize("sampler", SAMPLERS)
@share(50)
@given(data=st.data())
def test_the_step_at_an_end_is_its_limit(sampler, data):
    dtypes = ("float64", data.draw(st.sampled_from(("float16", "bfloat16", "float32")), label="dtype"))
    for end in [end for name, end in ALL if name == sampler]:
        case = data.draw(cases(sampler, end), label="case")
        assert (bool(case.alpha[0] == 0), bool(case.sigma[-1] == 0)) == ENDS[end]
        assert check(case, sampler, end, taken, dtypes=dtypes) == len(PARAMETERIZATIONS) - 2 * ENDS[end][0]


def test_a_native_form_that_has_the_value_in_floats_rounds_as_its_own_steps_do():
    """Found by a seed: x0 = -0.25/0.75 is rounded, then the step; the limit, one quotient, would round once."""
    case = StepCase(
        source="velocity",
        dtype="bfloat16",
        shape=(2,),
        weight=0,
        latent=(0,),
        conditional=(1,),
        unconditional=(0.25,),
        sampler="dpm_solver_pp_1",
        levels=((0, 1), ("12/13", "5/13")),
    )
    got = public_step(case)
    assert_within(got, case.exact(), replace(case, sampler=NATIVE[case.sampler]).bound())
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(got, case.exact(), case.bound())


@pytest.mark.parametrize(("sampler", "end"), ALL)
def test_a_wrong_limit_is_noticed(sampler, end):
    def wrong(case, name):
        return taken(replace(case, conditional=case.unconditional), name)

    falsified(lambda case: check(case, sampler, end, wrong, ("x0", "v"), ("float32",)), cases(sampler, end))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_result_that_is_not_finite_is_noticed(sampler):
    def careless(case, name):
        bad = taken(case, name)
        return torch.where(torch.arange(bad.numel()).reshape(bad.shape) == 1, torch.nan, bad)

    falsified(lambda case: check(case, sampler, "data", careless, ("v",)), cases(sampler, "data"), match="not finite")


@pytest.mark.parametrize(
    ("sampler", "source", "end"),
    [*((name, "eps", "noise") for name in SAMPLERS), *((*pair[:1], "v", pair[1]) for pair in sorted(NO_LIMIT))],
)
def test_no_limit_is_a_named_error(sampler, source, end):
    step = {"latent": (1.0, 2.0), "conditional": (0.5, 1.0), "unconditional": (0.0, 1.5), "fresh_noise": (2.0, 1.0)}
    last = (1.0, 0.0) if ENDS[end][1] else (0.5, 0.5) if SAMPLERS[sampler].path == "flow" else ("4/5", "3/5")
    given = {"dtype": "float64", "shape": (2,), "weight": 7.5, "levels": ((0.0, 1.0), last), **step}
    case = StepCase(sampler=sampler, source=source, **given)
    with pytest.raises(SingularEndError, match="alpha"):
        taken(case, sampler)
    with pytest.raises(SingularEndError, match=f"levels at which a step of '{sampler}' from '{source}' has a value"):
        case.exact()
