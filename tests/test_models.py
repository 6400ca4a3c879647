"""Closed-form networks: against exact arithmetic, quadrature and automatic differentiation, and at both ends."""

import math
from fractions import Fraction

import mpmath
import pytest
import torch
from mpmath import mpf
from mpmath.libmp import to_rational

from cfg_equiv.algebra.gaussian import posterior_mean_eps, posterior_mean_x0
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.errors import MismatchError, ParameterError, SingularEndError, UnknownNameError
from cfg_equiv.models import PAIRS, FullGaussian, Gaussian, Mixture, point_mass
from cfg_equiv.rounding import assert_within
from cfg_equiv.sampling import step
from cfg_equiv.schedules import on_path

U = 2.0**-53
GIVEN = {"dalpha": -0.5, "dsigma": 1.5, "sigma_data": 0.5}
F64 = {"dtype": torch.float64}
MEAN = torch.tensor([[0.25, -1.5], [2.0, 0.75]], **F64)
VAR = torch.tensor([[0.25, 1.0], [0.5, 2.0]], **F64)
Z = torch.tensor([[[1.25, 0.5], [-0.75, 1.0]], [[0.25, -2.5], [3.0, 0.5]]], **F64)
WEIGHTS, MEANS = torch.tensor([0.25, 0.75], **F64), torch.tensor([[-1.5], [1.0]], **F64)
VARIANCES = torch.tensor([[0.25], [0.5]], **F64)


def at(alpha, sigma):
    return Point(torch.tensor(alpha, **F64), torch.tensor(sigma, **F64))


def models(shape):
    for name, make in PAIRS.items():
        pair = make(shape)
        yield name, pair.cond
        yield name, pair.uncond


@pytest.mark.parametrize("level", [(0.75, 0.5), (0.0, 1.0), (1.0, 0.0), (0.5, 2.0)])
def test_a_gaussian_network_is_the_rational_one(level):
    alpha, sigma = map(Fraction, level)
    model, exact = Gaussian(MEAN, VAR), Point(alpha, sigma)
    for got, formula in ((model.x0(Z, at(*level)), posterior_mean_x0), (model.eps(Z, at(*level)), posterior_mean_eps)):
        values = [
            [
                [formula(Fraction(z), exact, Fraction(m), Fraction(a)) for z, m, a in zip(*rows, strict=True)]
                for rows in zip(item, MEAN.tolist(), VAR.tolist(), strict=True)
            ]
            for item in Z.tolist()
        ]
        # 10 operations on terms no larger than |m| + |slope|*(|z| + |alpha m|), with slopes below 4 at these levels
        assert_within(got, values, 10 * U * (MEAN.abs() + 4 * (Z.abs() + MEAN.abs())))


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_every_row_is_emitted_by_its_definition(name):
    level, model = at(0.75, 0.5), Gaussian(MEAN, VAR)
    parameters = {p: GIVEN[p] for p in PARAMETERIZATIONS[name].needs}
    got = model.predict(Z, level, name, **parameters)
    p, q = PARAMETERIZATIONS[name].at(torch, level, **{k: torch.tensor(v, **F64) for k, v in parameters.items()})
    x0, eps = model.x0(Z, level), model.eps(Z, level)
    assert_within(got, p * x0 + q * eps, 8 * U * (abs(p) * x0.abs() + abs(q) * eps.abs()))


@pytest.mark.parametrize("pair", PAIRS)
def test_ends_are_finite_and_right_in_native_space(pair):
    shape, z = (2, 2), Z
    for model in (PAIRS[pair](shape).cond, PAIRS[pair](shape).uncond):
        mean, _ = model.marginal(at(1.0, 0.0))
        zero = torch.zeros_like(Z)
        noise, data = at(0.0, 1.0), at(1.0, 0.0)
        # pure noise: z is eps, and of the data the mean is all that is known
        wanted = {"x0": mean + zero, "eps": z, "v": -mean + zero, "flow": z - mean}
        for name, value in wanted.items():
            assert_within(model.predict(z, noise, name), value, 16 * U * (z.abs() + mean.abs() + 3))
        if pair != "mixture" or isinstance(model, Gaussian):
            # clean data: z is x0, of a point mass its mean, and of the noise nothing is known
            x0 = model.mean + zero if pair == "point_mass" else z
            for name, value in {"x0": x0, "eps": zero, "v": zero, "flow": -x0}.items():
                assert_within(model.predict(z, data, name), value, 16 * U * (z.abs() + mean.abs()))
        for name, row in PARAMETERIZATIONS.items():
            for level in (noise, data):
                if name == "score" and pair == "point_mass" and level is data:
                    continue
                emitted = model.predict(z, level, name, **{p: GIVEN[p] for p in row.needs})
                assert bool(torch.isfinite(emitted).all()), name


def test_a_mixture_at_the_data_end():
    model = PAIRS["mixture"]((2, 2)).uncond
    for name, value in {"x0": Z, "eps": 0 * Z, "v": 0 * Z, "flow": -Z}.items():
        assert_within(model.predict(Z, at(1.0, 0.0), name), value, 32 * U * (Z.abs() + 3))


def test_a_point_mass_recovers_what_the_latent_was_made_of():
    eps = Z / 2
    level = at(0.75, 0.5)
    z = 0.75 * MEAN + 0.5 * eps
    model = point_mass(MEAN)
    assert torch.equal(model.predict(z, level, "x0"), MEAN.expand_as(z))
    assert_within(model.predict(z, level, "eps"), eps, 6 * U * (eps.abs() + MEAN.abs()))
    moved = model.flow(z, level, at(0.5, 2.0))
    assert_within(moved, 0.5 * MEAN + 2.0 * eps, 16 * U * (eps.abs() + MEAN.abs()) * 4)


def test_one_ddim_step_is_the_exact_flow_of_a_point_mass_and_not_of_a_gaussian():
    s, t = on_path(torch.tensor(2.0, **F64), "vp"), on_path(torch.tensor(0.5, **F64), "vp")
    for model, exact in ((point_mass(MEAN), True), (Gaussian(MEAN, VAR), False)):
        got = step("ddim_eps", Z, model.predict(Z, s, "eps"), source="eps", s=s, t=t)
        bound = 64 * U * (Z.abs() + MEAN.abs())
        if exact:
            assert_within(got, model.flow(Z, s, t), bound)
        else:
            with pytest.raises(AssertionError, match="outside"):
                assert_within(got, model.flow(Z, s, t), bound)


def test_the_gaussian_flow_carries_the_marginal():
    s, t = at(0.5, 2.0), at(0.75, 0.5)
    model = Gaussian(MEAN, VAR)
    (mean_s, var_s), (mean_t, var_t) = model.marginal(s), model.marginal(t)
    one_sigma = model.flow(mean_s + var_s.sqrt(), s, t)
    assert_within(one_sigma, mean_t + var_t.sqrt(), 24 * U * (mean_s.abs() + mean_t.abs() + var_s + 1))


def mixture_reference(z, alpha, sigma):
    """x0 of the 1-d mixture from densities, at 50 digits."""
    with mpmath.workdps(50):
        parts = []
        for w, m, a in zip(WEIGHTS.tolist(), MEANS.flatten().tolist(), VARIANCES.flatten().tolist(), strict=True):
            v = mpf(alpha) ** 2 * a + mpf(sigma) ** 2
            density = w * mpmath.npdf(mpf(z), mpf(alpha) * m, mpmath.sqrt(v))
            parts.append((density, m + mpf(alpha) * a / v * (mpf(z) - mpf(alpha) * m)))
        total = sum(d for d, _ in parts)
        value = sum(d * x for d, x in parts) / total
        return Fraction(*map(int, to_rational(value._mpf_)))


@pytest.mark.parametrize("level", [(1.0, 0.25), (0.75, 0.5), (0.25, 1.0), (0.0, 1.0)])
def test_a_mixture_is_bayes_rule(level):
    z = torch.tensor([[-3.0], [-0.25], [0.0], [0.5], [4.0]], **F64)
    model = Mixture(WEIGHTS, MEANS, VARIANCES)
    got = model.predict(z, at(*level), "x0")
    # An exponent is off by 12 roundings of its terms, a probability by twice that of itself, and x0 by theirs.
    variance = VARIANCES * level[0] ** 2 + level[1] ** 2
    exponent = ((z.unsqueeze(0) - level[0] * MEANS[:, None]) ** 2 / variance[:, None]).amax(0) + 8
    bound = (2 * 12 * exponent + 16) * U * (z.abs() + 1.5) * 4
    values = [[mixture_reference(x, *level)] for x in z.flatten().tolist()]
    assert_within(got, values, bound)
    if level[0]:
        with pytest.raises(AssertionError, match="outside"):
            assert_within(Mixture(WEIGHTS.flip(0), MEANS, VARIANCES).predict(z, at(*level), "x0"), values, bound)


@pytest.mark.parametrize("level", [(0.75, 0.5), (0.25, 1.0)])
def test_a_mixture_has_the_tower_property(level):
    """The mean of E[x0|z] under p(z) is the mean of the data: the trapezoidal rule, calibrated by its half."""
    model, point = Mixture(WEIGHTS, MEANS, VARIANCES), at(*level)
    grid = torch.linspace(-12, 12, 4097, **F64)[:, None]
    variance = level[0] ** 2 * VARIANCES + level[1] ** 2
    densities = torch.exp(-((grid - level[0] * MEANS.T) ** 2) / variance.T / 2) / (2 * math.pi * variance.T).sqrt()
    terms = model.predict(grid, point, "x0").flatten() * (densities @ WEIGHTS)
    fine, coarse = terms.sum() * 24 / 4096, terms[::2].sum() * 24 / 2048
    wanted = model.marginal(at(1.0, 0.0))[0][0]
    rounding = (4097 + 64) * U * terms.abs().sum() * 24 / 4096
    tail = 2 * math.exp(-(10.5**2) / 2 / float(variance.max())) * 24
    assert_within(fine, wanted, (fine - coarse).abs() + rounding + tail)
    with pytest.raises(AssertionError, match="outside"):
        assert_within(fine * 1.0001, wanted, (fine - coarse).abs() + rounding + tail)


def test_the_score_of_a_mixture_is_the_gradient_of_its_log_density():
    level, model = at(0.75, 0.5), PAIRS["mixture"]((2, 2)).uncond
    z = Z.clone().requires_grad_()
    v = (0.75**2 * model.variances + 0.25).unsqueeze(1)
    exponents = -((z - 0.75 * model.means.unsqueeze(1)) ** 2 / v + v.log()).sum((-1, -2)) / 2
    log_density = torch.logsumexp(exponents + model.weights.log()[:, None], 0)
    (gradient,) = torch.autograd.grad(log_density.sum(), z)
    largest = exponents.abs().max().item()
    bound = 2 * (2 * 16 * largest + 32) * U * (Z.abs() + model.means.abs().amax(0)) / v.amin()
    assert_within(model.predict(Z, level, "score"), gradient, bound)
    assert_within(model.predict(Z, level, "eps"), -0.5 * gradient, bound)
    with pytest.raises(AssertionError, match="outside"):
        assert_within(model.predict(Z, level, "eps"), gradient, bound)


def test_the_moments_of_a_mixture_by_hand():
    """Means -3/2 and 1 with weights 1/4 and 3/4: mean 3/8, variance 7/16 within and 75/64 between."""
    mean, variance = Mixture(WEIGHTS, MEANS, VARIANCES).marginal(at(0.5, 2.0))
    assert mean.item() == 0.5 * 3 / 8
    assert variance.item() == 0.25 * (7 / 16 + 75 / 64) + 4.0


def test_a_mixture_of_one_is_that_gaussian():
    one = Mixture(torch.ones(1, **F64), MEAN[None], VAR[None])
    for name in ("x0", "eps", "v", "score"):
        assert torch.equal(one.predict(Z, at(0.75, 0.5), name), Gaussian(MEAN, VAR).predict(Z, at(0.75, 0.5), name))
    assert all(map(torch.equal, one.marginal(at(0.75, 0.5)), Gaussian(MEAN, VAR).marginal(at(0.75, 0.5))))


def test_items_of_a_batch_have_their_own_level():
    levels = Point(*(torch.tensor(x, **F64).reshape(2, 1, 1) for x in ([0.75, 0.0], [0.5, 1.0])))
    for _, model in models((2, 2)):
        together = model.predict(Z, levels, "v")
        for i, level in enumerate((at(0.75, 0.5), at(0.0, 1.0))):
            assert torch.equal(together[i], model.predict(Z[i], level, "v"))


COV = torch.tensor([[1.0, 0.5], [0.5, 2.0]], **F64)


def test_a_full_gaussian_solves_its_linear_system():
    """(alpha^2 C + sigma^2) y = z - alpha m, x0 = m + alpha C y, in rationals for 2x2."""
    level, (alpha, sigma) = at(0.75, 0.5), (Fraction(3, 4), Fraction(1, 2))
    model = FullGaussian(MEAN[0], COV)
    z = Z[:, 0]
    c = [[Fraction(x) for x in row] for row in COV.tolist()]
    m = [Fraction(x) for x in MEAN[0].tolist()]
    k = [[alpha**2 * c[i][j] + (sigma**2 if i == j else 0) for j in range(2)] for i in range(2)]
    determinant = k[0][0] * k[1][1] - k[0][1] * k[1][0]
    x0, score = [], []
    for row in z.tolist():
        r = [Fraction(x) - alpha * mean for x, mean in zip(row, m, strict=True)]
        y = [(k[1][1] * r[0] - k[0][1] * r[1]) / determinant, (k[0][0] * r[1] - k[1][0] * r[0]) / determinant]
        x0.append([m[i] + alpha * (c[i][0] * y[0] + c[i][1] * y[1]) for i in range(2)])
        score.append([-y[0], -y[1]])
    # eigenvectors and values are off by a few d*u times the condition of the matrix (below 4), and enter three times
    bound = 3 * 4 * 2 * 8 * U * (z.abs().amax() + MEAN.abs().amax()) * 4
    assert_within(model.predict(z, level, "x0"), x0, bound)
    assert_within(model.predict(z, level, "score"), score, bound)
    with pytest.raises(AssertionError, match="outside"):
        assert_within(Gaussian(MEAN[0], COV.diagonal()).predict(z, level, "x0"), x0, bound)


def test_a_full_gaussian_flows_back_and_recomposes():
    model, s, t = FullGaussian(MEAN[0], COV), at(0.5, 2.0), at(0.75, 0.5)
    z = Z[:, 0]
    # two maps (of stretch below 4 each) of 2 rotations, an eigenbasis and 10 operations, in 2 dimensions
    bound = 2 * 4 * (4 * 2 + 3 * 4 * 2 + 10) * U * (z.abs().amax() + MEAN.abs().amax())
    assert_within(model.flow(model.flow(z, s, t), t, s), z, bound)
    assert_within(0.5 * model.predict(z, s, "x0") + 2.0 * model.predict(z, s, "eps"), z, bound)
    mean, cov = model.marginal(s)
    assert torch.equal(mean, 0.5 * MEAN[0])
    assert torch.equal(cov, 0.25 * COV + 4 * torch.eye(2, **F64))


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_have_a_gap_and_fit_any_shape(pair):
    for shape in ((), (3,), (2, 3, 4)):
        z = torch.zeros(2, *shape, **F64)
        gap = PAIRS[pair](shape).gap(z, at(0.75, 0.5)).abs()
        assert gap.shape == z.shape
        assert gap.amin() > 0.05, "far above any rounding"


def test_latents_of_other_dtypes():
    for _, model in models((2, 2)):
        level = Point(*(x.float() for x in at(0.75, 0.5)[:2]))
        assert model.predict(Z.float(), level, "v").dtype == torch.float32


def test_bad_input():
    with pytest.raises(
        SingularEndError, match="a latent that has a density, got a point mass at sigma = 0: keep sigma"
    ):
        point_mass(MEAN).predict(Z, at(1.0, 0.0), "score")
    with pytest.raises(SingularEndError, match="a latent that has a density"):
        point_mass(MEAN).flow(Z, at(1.0, 0.0), at(0.5, 0.5))
    with pytest.raises(SingularEndError, match="a latent that has a density"):
        Mixture(WEIGHTS, MEANS, 0 * MEANS).predict(Z[:, 0, :1], at(1.0, 0.0), "x0")
    with pytest.raises(UnknownNameError, match=r"got 'x': "):
        point_mass(MEAN).predict(Z, at(1.0, 0.5), "x")
    with pytest.raises(
        ParameterError, match=r"variances finite and not negative, got -0\.25: pass variances, not logs"
    ):
        Gaussian(MEAN, -VAR)
    with pytest.raises(
        ParameterError, match=r"a positive definite covariance, got the eigenvalue -1\.0: add to its diag"
    ):
        FullGaussian(MEAN[0], -torch.eye(2, **F64)).predict(Z[:, 0], at(0.75, 0.5), "x0")
    with pytest.raises(
        MismatchError, match=r"a symmetric covariance of shape \(2, 2\), got shape \(3, 3\): symmetrise it"
    ):
        FullGaussian(MEAN[0], torch.eye(3, **F64))
    with pytest.raises(
        MismatchError, match=r"weights \(K,\), means and variances \(K, \*event\), got \(2,\), \(2, 1\), \("
    ):
        Mixture(WEIGHTS, MEANS, VARIANCES[:, 0])
    with pytest.raises(ParameterError, match="positive weights, variances not negative, got others: drop empty"):
        Mixture(0 * WEIGHTS, MEANS, VARIANCES)
