r"""Q4: guidance on score, eps and v is one rule, and what its samples are with exact networks: two Gaussians decide."""

from collections.abc import Iterator
from fractions import Fraction

from cfg_equiv.algebra.gaussian import marginal_score, posterior_mean_x0
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guided_gaussian import (
    guided_ode_variance,
    guided_rate,
    guided_sde_variance_w3,
    sde_primitive_w3,
    tilted_variance,
)
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Holds, Statement
from cfg_equiv.theorems.values import branches


def one_rule(g: Env, gap: int = 0) -> Iterator[Statement]:
    """CFG on eps, v and x0 is CFG on the score."""
    at = g.point()
    guided_score = cfg(*branches(g, "score", at), g.w)
    for name in ("eps", "v", "x0"):
        guided = cfg(*branches(g, name, at, gap), g.w)
        yield Equal(f"CFG on {name} = CFG on the score", to_space(g.xp, g.z, guided, at, name, "score"), guided_score)


def product_density(g: Env, weight: int = 1) -> Iterator[Statement]:
    """At one level, for N(m, a) and N(k, b): the guided score is grad log of p(z|c)^w p(z)^(1-w).

    A Gaussian density's log has the gradient ``-(z - mean)/var``, with the mean and variance that noising gives it;
    the product is normalisable where its precision is positive, which the identity does not need.
    """
    at = g.point()
    data = {"c": (g.m_c, g.c_a), "u": (g.m_u, g.c_b)}
    x0 = {k: posterior_mean_x0(g.z, at, mean, var) for k, (mean, var) in data.items()}
    guided_x0 = cfg(x0["c"], x0["u"], g.w)
    guided_eps = cfg(eps_from_x0(g.z, x0["c"], at), eps_from_x0(g.z, x0["u"], at), g.w)
    gradient = {k: marginal_score(g.z, at, mean, var) for k, (mean, var) in data.items()}
    product = g.w * gradient["c"] + (weight - g.w) * gradient["u"]
    yield Equal("guided score = grad log product", emit(g.xp, guided_x0, guided_eps, at, "score"), product)


def flow_of_variance(g: Env, factor: int = 2) -> Iterator[Statement]:
    """The closed forms solve their equations, as derivatives in the noise variance s (w = 3).

    ODE: dx/ds = k x / 2, hence dV/ds = k V. SDE, backwards: dV/ds = 2 k V - 1, solved by an integral whose integrand
    is the squared decay ratio.
    """
    a, b, s = g.c_a, g.c_b, g.c_s
    variance = guided_ode_variance(a, b, 3, s)
    yield Equal("dV/ds = k V", factor * g.derivative(variance, "c_s"), 2 * variance * guided_rate(a, b, 3, s))
    squared = variance * variance
    stochastic = -squared * sde_primitive_w3(a, b, s)
    slope = 2 * guided_rate(a, b, 3, s) * stochastic - 1
    yield Equal("dV/ds = 2 k V - 1", g.derivative(stochastic, "c_s"), slope)


def three_limits(g: Env, b: Fraction = Fraction(1)) -> Iterator[Statement]:
    """a = 1/4, b = 1, w = 3: the guided ODE, the guided SDE and the tilted density have three variances."""
    a = Fraction(1, 4)
    ode, sde, tilted = guided_ode_variance(a, b, 3), guided_sde_variance_w3(a, b), tilted_variance(a, b, 3)
    yield Differs("ODE against the tilted density", ode, tilted)
    yield Differs("SDE against the tilted density", sde, tilted)
    yield Differs("ODE against SDE", ode, sde)
    yield Equal("ODE a^w b^(1-w)", ode, Fraction(1, 64))
    yield Equal("SDE", sde, Fraction(341, 5120))
    yield Equal("tilted", tilted, Fraction(1, 10))
    noised = 1 / (tilted + 1)
    yield Differs("score of the noised tilted density, sigma = 1", guided_rate(a, b, 3, 1), noised)


def coincide(g: Env, w: int = 1) -> Iterator[Statement]:
    """Where they agree: w = 0 or 1, or equal variances."""
    a, b = Fraction(1, 4), Fraction(1)
    yield Equal("w: ODE = tilted", guided_ode_variance(a, b, w), tilted_variance(a, b, w))
    yield Equal("w = 0: ODE = tilted", guided_ode_variance(a, b, 0), tilted_variance(a, b, 0))
    yield Equal("equal variances: ODE = tilted", guided_ode_variance(a, a, 3), tilted_variance(a, a, 3))
    yield Equal("equal variances: SDE = tilted", guided_sde_variance_w3(a, a), tilted_variance(a, a, 3))
    yield Holds("the product is normalisable at w = 3", tilted_variance(a, b, 3) > 0)


THEOREMS = (
    Theorem(
        "Q4",
        r"s_u + w(s_c - s_u) = \nabla_z\log\,p(z|c)^w p(z)^{1-w} \text{ at each level; its samples are not of the "
        r"tilted density: } a^w b^{1-w} \ne V_{\mathrm{SDE}} \ne (w/a+(1-w)/b)^{-1}",
        "the thread: 'CFG is defined in terms of the score function'; derived here",
        "field",
        (
            Part(
                one_rule,
                {"branches at different z": {"gap": 1}},
                {"": "free"},
                ("alpha > 0", "sigma > 0"),
            ),
            Part(
                product_density,
                {"weights summing to two": {"weight": 2}},
                {"": "free"},
                ("alpha > 0", "sigma > 0", "c_a > 0", "c_b > 0"),
            ),
            Part(
                flow_of_variance,
                {"an ODE without its half": {"factor": 1}},
                conditions=("c_a > 0", "c_b > 0", "c_s > 0"),
                arena="field_only",
            ),
            Part(three_limits, {"equal variances": {"b": Fraction(1, 4)}}, arena="exact"),
            Part(coincide, {"w = 3": {"w": 3}}, arena="exact"),
        ),
    ),
)
