r"""S10: with the exact score every amount of churn has one marginal; with guidance each has its own.

Proved for centred Gaussian data on the VE path, in the limit of small steps. The limit of the shipped steps is taken at
one step: its variance, to first order in the step, is that of the reverse process with churn c. The classical theorem
that such steps converge to the process is not repeated here.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.gaussian import marginal_score, marginal_variance
from cfg_equiv.algebra.gaussian_sde import linear_denoiser, step_variance, variance_slope
from cfg_equiv.algebra.guided_gaussian import (
    guided_ode_variance,
    guided_rate,
    guided_sde_variance_w3,
    sde_primitive_w3,
    tilted_variance,
)
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.samplers.renoise import family_step
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Statement


def one_marginal(g: Env, var: int = 1) -> Iterator[Statement]:
    """``V = a + s`` solves the equation of every churn when the score is that of data with variance a."""
    at = Point(1, g.sigma)
    variance = marginal_variance(at, g.c_a)
    k = -marginal_score(1, at, 0, var * g.c_a)
    slope = 2 * g.sigma * variance_slope(k, variance, g.churn)
    yield Equal("dV/dsigma", g.derivative(variance, "sigma"), slope)


def guided_marginals(g: Env, w: int = 3) -> Iterator[Statement]:
    """The guided ODE's variance misses the equation of churn c by ``c*(k*V - 1)``, which is not zero."""
    a, b, s = g.c_a, g.c_b, g.c_s
    variance, k = guided_ode_variance(a, b, w, s), guided_rate(a, b, w, s)
    missed = variance_slope(k, variance, g.churn) - g.derivative(variance, "c_s")
    yield Equal("misses by c(kV - 1)", missed, g.churn * (k * variance - 1))
    yield Differs("kV = 1", k * variance, 1 + 0 * k)


def sde_solves(g: Env, churn: int = 1) -> Iterator[Statement]:
    """The closed form of the guided SDE (w = 3) solves the equation of churn 1, and no other."""
    a, b, s = g.c_a, g.c_b, g.c_s
    decay = guided_ode_variance(a, b, 3, s)
    variance = -decay * decay * sde_primitive_w3(a, b, s)
    yield Equal("dV/ds", g.derivative(variance, "c_s"), variance_slope(guided_rate(a, b, 3, s), variance, churn))


def _circle(m: Any) -> tuple[Any, Any]:
    """``rho`` and ``sqrt(1 - rho**2)``, both rational: ``rho = 1 - 2*m**2 + ...``."""
    return (1 - m * m) / (1 + m * m), 2 * m / (1 + m * m)


def _levels(g: Env) -> tuple[Point, Point, Any]:
    """A step that shrinks with the generator ``c_n``, its ratio on the circle; and the ``m`` of that ratio."""
    m = g.c_n / (1 + g.c_n)
    ratio, _ = _circle(m)
    s, t = (point(g.xp, 1 + 0 * g.sigma, sigma) for sigma in (g.sigma, g.sigma * ratio))
    return s, t, m


def _slope(g: Env, step: Any, s: Point, t: Point) -> Any:
    """The derivative by sigma of the variance that a step ``step(x, x0, noise)`` makes of ``c_v``, where it begins."""
    of_x = step(1, linear_denoiser(1 + 0 * g.k, g.k, s.sigma * s.sigma), 0)
    of_noise = step(0, 0 * g.k, 1)
    return g.limit_at_zero((g.c_v - step_variance(of_x, of_noise, g.c_v)) / (s.sigma - t.sigma), "c_n")


def family(g: Env, factor: int = 1) -> Iterator[Statement]:
    """A member of F_rho with ``rho = 1 - c*h + ...`` is the process of churn c, here a square; any rate k."""
    s, t, m = _levels(g)
    rho, rest = _circle(factor * g.eta * m)

    def step(x: Any, x0: Any, noise: Any) -> Any:
        return family_step(x0, eps_from_x0(x, x0, s), t, noise, rho, rest)

    yield Equal("slope", _slope(g, step, s, t), 2 * g.sigma * variance_slope(g.k, g.c_v, g.eta * g.eta))


def named_samplers(g: Env, sde: int = 1) -> Iterator[Statement]:
    """DDIM and Euler are the process of churn 0, SDE-DPM-Solver++-1 that of churn 1."""
    s, t, _ = _levels(g)
    for name, churn in (("ddim_x0", 0), ("euler_ve", 0), ("sde_dpm_solver_pp_1", sde)):
        sampler = SAMPLERS[name]

        def step(x: Any, x0: Any, noise: Any, sampler: Any = sampler) -> Any:
            return sampler.step(g.xp, x, x0, s, t, noise=noise)

        yield Equal(name, _slope(g, step, s, t), 2 * g.sigma * variance_slope(g.k, g.c_v, churn))


def in_numbers(g: Env, b: Fraction = Fraction(1)) -> Iterator[Statement]:
    """a = 1/4, b = 1, w = 3: three variances; unguided, or with equal variances, one."""
    a = Fraction(1, 4)
    yield Differs("guided: ODE against SDE", guided_ode_variance(a, b, 3), guided_sde_variance_w3(a, b))
    yield Differs("guided: SDE against the tilted density", guided_sde_variance_w3(a, b), tilted_variance(a, b, 3))
    yield Equal("no guidance: the ODE ends at the data", guided_ode_variance(a, b, 1), a)
    yield Equal("equal variances: the SDE ends at the data", guided_sde_variance_w3(a, a), a)


POSITIVE = ("sigma > 0", "c_a > 0")
TWO = ("c_a > 0", "c_b > 0", "c_s > 0")
SMALL = ("sigma > 0", "c_n > 0", "c_v > 0")

THEOREMS = (
    Theorem(
        "S10",
        r"\dot V = (1+c)kV - c:\ k = 1/V \text{ for the exact score, one marginal for every churn } c;\ "
        r"\text{guided, the ODE's marginal misses it by } c(kV - 1) \ne 0",
        "arXiv:2206.00364 eq. 6; arXiv:2011.13456; derived here for guided Gaussians",
        "limit",
        (
            Part(one_marginal, {"the score of other data": {"var": 2}}, conditions=POSITIVE, arena="field_only"),
            Part(guided_marginals, {"w = 1": {"w": 1}}, conditions=TWO, arena="field_only"),
            Part(sde_solves, {"half the churn": {"churn": 0}}, conditions=TWO, arena="field_only"),
            Part(
                family,
                {"four times the churn": {"factor": 2}},
                conditions=(*SMALL, "eta > 0"),
                arena="field_only",
            ),
            Part(named_samplers, {"the SDE has none": {"sde": 0}}, conditions=SMALL, arena="field_only"),
            Part(in_numbers, {"equal variances": {"b": Fraction(1, 4)}}, arena="exact"),
        ),
    ),
)
