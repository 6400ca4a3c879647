"""Over one to three steps the network is called at the same latents whatever it emits, exactly."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import emit, step_from, to_space
from cfg_equiv.exact.rational import RATIONAL
from tests.properties.exact import VALUES, levels
from tests.properties.subject import falsified, share


def network(row, z, s, values, call):
    """A denoiser that sees z and answers afresh at every call, written in a row."""
    x0 = z / 3 + values["x0"] * Fraction((-1) ** call * (2 * call + 1), call + 2)
    parameters = {name: values[name] for name in PARAMETERIZATIONS[row].needs}
    return emit(RATIONAL, x0, eps_from_x0(z, x0, s), s, row, **parameters)


def visited(sampler, row, path, values, take=step_from, ask=network):
    """The latents at which the network is called, and the last one."""
    z = values["eps"]
    trace = [z]
    for k, (s, t) in enumerate(pairwise(path)):
        guided = cfg(ask(row, z, s, values, 2 * k), ask(row, z, s, values, 2 * k + 1), values["w"])
        z = take(RATIONAL, sampler, row, z, guided, s, t, **values)
        trace.append(z)
    return trace


def check(sampler, path, values, rows=tuple(PARAMETERIZATIONS), **implementation):
    native = visited(sampler, sampler.space, path, values)
    for row in rows:
        trace = visited(sampler, row, path, values, **implementation)
        if trace != native:
            raise AssertionError(f"{sampler.name} from {row} visits {trace}, from {sampler.space} {native}")


def paths(name):
    return st.integers(1, 3).flatmap(lambda steps: levels(name, steps))


@pytest.mark.parametrize("name", SAMPLERS)
@share(20)
@given(data=st.data())
def test_traces_agree_between_all_parameterizations(name, data):
    check(SAMPLERS[name], data.draw(paths(name)), data.draw(VALUES))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_call_at_another_latent_is_noticed(name):
    def elsewhere(row, z, s, values, call):
        # the row is right for its latent, but the latent has not been moved since the call before
        return network(row, z + (call > 1), s, values, call)

    row = "v" if SAMPLERS[name].space != "v" else "flow"
    falsified(lambda *drawn: check(SAMPLERS[name], *drawn, (row,), ask=elsewhere), levels(name, 2), VALUES)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_conversion_at_the_next_level_is_noticed(name):
    def late(xp, sampler, row, z, pred, s, t, **given):
        return sampler.step(xp, z, to_space(xp, z, pred, t, row, sampler.space, **given), s, t, **given)

    falsified(lambda *drawn: check(SAMPLERS[name], *drawn, ("score",), take=late), levels(name, 1), VALUES)
