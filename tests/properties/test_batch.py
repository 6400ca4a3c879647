"""Items of a batch do not see each other: permuting or slicing the batch does the same to the result, bit for bit."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.case import DTYPES
from cfg_equiv.guidance import guide
from cfg_equiv.sampling import step
from cfg_equiv.strategies import step_cases
from tests.properties.subject import CONVENTIONS, falsified, share

SHAPES = st.sampled_from(((4, 2), (3, 2, 3, 3), (2, 1), (5, 7)))


def cases(sampler):
    row = SAMPLERS[sampler].space
    return step_cases(sampler=sampler, source=row, dtype="float64", shape=SHAPES, convention=CONVENTIONS)


def take(case, pick):
    """The public step of the items that ``pick`` selects."""
    z, cond, uncond = (pick(x) for x in (case.z, case.cond, case.uncond))
    extras = {name: pick(x) if name == "noise" else x for name, x in case.extras.items()}
    guided = guide(cond, uncond, case.w, convention=case.convention)
    return step(case.sampler, z, guided, source=case.source, s=case.s, t=case.t, **extras, **case.parameters)


def same(a, b):
    """Bit for bit; where float16 overflows, NaN is as good as NaN."""
    return torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(), b.nan_to_num())


def check(case, order, take=take, rows=tuple(PARAMETERIZATIONS), dtypes=tuple(DTYPES)):
    batch = case.shape[0]
    picks = {
        "a permutation": lambda x: x[[order[b] % batch for b in range(batch)]],
        "a slice": lambda x: x[1:],
        "one item": lambda x: x[:1],
    }
    for row in rows:
        for dtype in dtypes:
            each = replace(case, source=row, dtype=dtype)
            whole = take(each, lambda x: x)
            for name, pick in picks.items():
                if not same(take(each, pick), pick(whole)):
                    raise AssertionError(f"{name} of the batch changes the items of {each}")
    return whole


ORDERS = st.permutations(range(5))


@pytest.mark.parametrize("sampler", SAMPLERS)
@share(50)
@given(data=st.data())
def test_items_are_independent(sampler, data):
    # at an end of the path fewer rows have a value: the native row is the one that was drawn for
    case, order = data.draw(cases(sampler), label="case"), data.draw(ORDERS, label="order")
    at_end = any(bool(x == 0) for x in (*case.alpha, *case.sigma))
    check(case, order, rows=(case.source,) if at_end else tuple(PARAMETERIZATIONS))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_items_that_see_each_other_are_noticed(sampler):
    def centred(case, pick):
        result = take(case, pick)
        return result + result.mean(0, keepdim=True) / 64

    falsified(lambda *drawn: check(*drawn, centred, (SAMPLERS[sampler].space,)), cases(sampler), ORDERS)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if SAMPLERS[name].stochastic])
def test_noise_that_stays_with_its_place_is_noticed(sampler):
    def in_place(case, pick):
        z, cond, uncond = (pick(x) for x in (case.z, case.cond, case.uncond))
        extras = {name: x[: len(z)] if name == "noise" else x for name, x in case.extras.items()}
        guided = guide(cond, uncond, case.w, convention=case.convention)
        return step(case.sampler, z, guided, source=case.source, s=case.s, t=case.t, **extras, **case.parameters)

    row = SAMPLERS[sampler].space
    fresh = step_cases(sampler=sampler, source=row, dtype="float64", shape=(3, 2), eta=1.0, ends="none")
    falsified(lambda *drawn: check(*drawn, in_place, (row,)), fresh, ORDERS)
