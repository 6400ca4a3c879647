r"""Anchors: from a network that emits the true prediction, each sampler does what its class says, exactly.

A deterministic first-order step lands on :math:`\alpha_t x_0 + \sigma_t\epsilon`. A stochastic one adds
:math:`\rho\sigma_t\epsilon` and :math:`\sigma_t\sqrt{1-\rho^2}\,n` to :math:`\alpha_t x_0`; squares are compared, so
that no root is taken on the expected side, and signs.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.points import Row
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.exact.surds import Surd
from tests.properties.definitions import EMITTED
from tests.properties.exact import VALUES, levels
from tests.properties.subject import DETERMINISTIC, MUTANTS, STOCHASTIC, falsified, share


def arrival(sampler, row, s, t, values, x0=None, eps=None, noise=None):
    """Where a step arrives when the network is right."""
    x0, eps = values["x0"] if x0 is None else x0, values["eps"] if eps is None else eps
    z = s.alpha * x0 + s.sigma * eps
    given = values | ({} if noise is None else {"noise": noise})
    pred = EMITTED[row](RATIONAL, x0, eps, z, s, given)
    return step_from(RATIONAL, sampler, row, z, pred, s, t, **given)


def decay(s, t):
    """e^(-h)."""
    return (t.sigma / t.alpha) / (s.sigma / s.alpha)


def by_variance(s, t, eta):
    rho = 1 - eta * eta * (1 - decay(s, t) ** 2)
    return rho, 1 - rho


def posterior(s, t, eta):
    return by_variance(s, t, 1)


def by_decay(s, t, eta):
    rho = decay(s, t) ** int(2 * eta)
    return rho, 1 - rho


def fixed_large(s, t, eta):
    return decay(s, t) ** 2, (1 - (s.alpha / t.alpha) ** 2) / t.sigma**2


def noise_form(s, t, eta):
    growth = 1 / decay(s, t)
    return (2 - growth) ** 2, growth**2 - 1


# The squared coefficients of eps and of the noise, over sigma_t^2.
SQUARES = {
    "ddim_eta": by_variance,
    "ddpm_fixed_large": fixed_large,
    "ddpm_posterior": posterior,
    "dpmpp_sde_eta": by_decay,
    "euler_ancestral": by_variance,
    "renoise": lambda s, t, eta: (0, 1),
    "sde_dpm_solver_1": noise_form,
    "sde_dpm_solver_pp_1": posterior,
    "v_diffusion": by_variance,
}
NEGATIVE_EPS = {"sde_dpm_solver_1"}  # its coefficient 2 - e^h changes sign; all others are not negative


def check_deterministic(sampler, points, values, rows=tuple(PARAMETERIZATIONS)):
    s, t = points
    expected = t.alpha * values["x0"] + t.sigma * values["eps"]
    for row in rows:
        got = arrival(sampler, row, s, t, values)
        if got != expected:
            raise AssertionError(f"{sampler.name} from {row} lands on {got}, not on {expected}")


def check_stochastic(sampler, points, values, rows=tuple(PARAMETERIZATIONS)):
    s, t = points
    of_eps_squared, of_noise_squared = SQUARES[sampler.name](s, t, values["eta"])
    eps, noise = (t.sigma * values[name] for name in ("eps", "noise"))
    for row in rows:
        of_x0 = arrival(sampler, row, s, t, values, eps=0, noise=0)
        of_eps = arrival(sampler, row, s, t, values, x0=0, noise=0)
        of_noise = arrival(sampler, row, s, t, values, x0=0, eps=0)
        holds = (
            of_x0 == t.alpha * values["x0"],
            of_eps * of_eps == eps * eps * of_eps_squared,
            approximate(of_eps) * eps >= 0 or sampler.name in NEGATIVE_EPS,
            of_noise * of_noise == noise * noise * of_noise_squared,
            approximate(of_noise) * noise >= 0,
        )
        if not all(holds):
            raise AssertionError(f"{sampler.name} from {row}: {of_x0}, {of_eps}, {of_noise} from x0, eps and noise")


def approximate(x):
    """A number whose sign is that of the surd, all of whose terms have one sign here."""
    return sum(float(q) * k**0.5 for k, q in Surd.of(x).terms.items())


@pytest.mark.parametrize("name", DETERMINISTIC)
@share(4)
@given(data=st.data())
def test_a_deterministic_step_is_the_exact_map(name, data):
    check_deterministic(SAMPLERS[name], data.draw(levels(name, 1)), data.draw(VALUES))


@pytest.mark.parametrize("name", STOCHASTIC)
@share(4)
@given(data=st.data())
def test_a_stochastic_step_has_the_coefficients_of_its_class(name, data):
    check_stochastic(SAMPLERS[name], data.draw(levels(name, 1)), data.draw(VALUES))


@pytest.mark.parametrize("mutation", MUTANTS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_wrong_sampler_is_noticed(name, mutation):
    check = check_deterministic if name in DETERMINISTIC else check_stochastic
    bad = MUTANTS[mutation](name)
    falsified(lambda points, values: check(bad, points, values, (bad.space,)), levels(name, 1), VALUES)


# Rows that are consistent with themselves: the conversions to and from them agree, whatever they mean.
WRONG_ROWS = {
    "v": lambda xp, at: Row(-at.sigma, -at.alpha),
    "eps": lambda xp, at: Row(0, -1),
    "x0": lambda xp, at: Row(2, 0),
    "score": lambda xp, at: Row(0, -1 / (at.sigma * at.sigma)),
    "flow": lambda xp, at: Row(1, -1),
    "reversed_flow": lambda xp, at: Row(1, 1),
    "velocity": lambda xp, at, dalpha, dsigma: Row(dalpha, -dsigma),
    "F": lambda xp, at, sigma_data: Row(at.sigma, -(sigma_data * at.alpha)),
    "k_diffusion_v": lambda xp, at, sigma_data: PARAMETERIZATIONS["F"].row(xp, at, sigma_data),
    "z_minus_denoised": lambda xp, at: Row(at.alpha, at.sigma - 1),
}


@pytest.mark.parametrize("row", PARAMETERIZATIONS)
def test_a_self_consistent_wrong_row_is_noticed(row, monkeypatch):
    name = "ddim_x0" if row == "eps" else "ddim_eps"
    monkeypatch.setitem(PARAMETERIZATIONS, row, replace(PARAMETERIZATIONS[row], row=WRONG_ROWS[row]))
    falsified(lambda *drawn: check_deterministic(SAMPLERS[name], *drawn, (row,)), levels(name, 1), VALUES)
