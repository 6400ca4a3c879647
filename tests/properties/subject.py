"""What the properties are checked on, how many examples they get, and how a property is shown to fail."""

import contextlib
import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.guidance import guide
from cfg_equiv.sampling import step

DETERMINISTIC = [name for name, sampler in SAMPLERS.items() if not sampler.stochastic]
STOCHASTIC = [name for name, sampler in SAMPLERS.items() if sampler.stochastic]
CONVENTIONS = st.sampled_from(("u+w(c-u)", "c+w(c-u)"))


def share(part):
    """A property that loops over rows and dtypes in every example takes a part of the profile's examples."""
    return settings(max_examples=max(2, settings().max_examples // part))


def public_step(case, sampler=None, s=None, t=None):
    """The guided step of a case by the public functions."""
    guided = guide(case.cond, case.uncond, case.w, convention=case.convention)
    levels = {"s": s or case.s, "t": t or case.t}
    return step(sampler or case.sampler, case.z, guided, source=case.source, **levels, **case.extras, **case.parameters)


def mutant(name, native):
    """The sampler with another native form."""
    return replace(SAMPLERS[name], native=native)


def scaled_prediction(name):
    """A coefficient that is off by a part in 64."""
    native = SAMPLERS[name].native
    return mutant(name, lambda xp, z, pred, *rest: native(xp, z, pred + pred / 64, *rest))


def stale_level(name):
    """The step arrives at the noise of the level it left."""
    native = SAMPLERS[name].native
    return mutant(name, lambda xp, z, pred, s, t, *rest: native(xp, z, pred, s, t._replace(sigma=s.sigma), *rest))


def wrong_sign(name):
    """The prediction enters with the other sign."""
    native = SAMPLERS[name].native
    return mutant(name, lambda xp, z, pred, *rest: native(xp, z, -pred, *rest))


MUTANTS = {"scaled prediction": scaled_prediction, "stale level": stale_level, "wrong sign": wrong_sign}


def falsified(check, *strategies, match=None, examples=20):
    """Run a property that must fail, on the same examples every time."""
    options = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @options
    @given(st.tuples(*strategies))
    def run(drawn):
        check(*drawn)

    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(AssertionError, match=match):
        run()
