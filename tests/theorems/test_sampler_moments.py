"""Hand-computed anchors of the moments: theorem S9 is about these functions."""

from fractions import Fraction as F

from cfg_equiv.algebra.gaussian_sde import linear_denoiser, step_variance, variance_slope
from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.theorems.environment import RationalEnv
from cfg_equiv.theorems.sampler_moments import affine

S, T = (point(RATIONAL, F(1), F(k)) for k in (2, 1))


def test_an_ode_step_from_sigma_2_to_1_on_unit_variance():
    # D = x/5, x' = D + (x - D)/2 = 3x/5: variance 5*9/25 = 9/5, and 2 - 9/5 is (2 - 1)^2/5
    for name in ("ddim_x0", "ddim_eps", "euler_ve", "dpm_solver_1", "dpm_solver_pp_1"):
        assert affine(RationalEnv({}), SAMPLERS[name], S, T, F(1)) == (F(3, 5), F(2, 5), 0), name
    assert step_variance(F(3, 5), 0, 5) == F(9, 5)


def test_renoising_on_unit_variance():
    # x' = D + n: variance 5/25 + 1, short of 2 by (2 - 0)^2/5
    assert affine(RationalEnv({}), SAMPLERS["renoise"], S, T, F(1)) == (F(1, 5), F(4, 5), 1)
    assert step_variance(F(1, 5), 1, 5) == 2 - F(4, 5)


def test_the_slope_of_the_variance():
    # a = 1, s = 4: k = 1/5 and V = 5, so k*V = 1 and dV/ds = 1 for every churn
    assert {variance_slope(F(1, 5), 5, churn) for churn in (0, F(1, 2), 1)} == {1}
    assert variance_slope(F(1, 5), 10, 1) == 3
    assert linear_denoiser(1, F(1, 5), 4) == F(1, 5)
