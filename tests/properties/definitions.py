"""What a network of each parameterization emits, typed from its definition and not from the package's rows.

A wrong row that conversion and emission share is invisible to every comparison between parameterizations: only an
independent definition sees it. The EDM network is the one that makes ``c_skip*x + c_out*F`` the denoised sample.
"""

from cfg_equiv.algebra.literature import edm_scalings


def edm(xp, x0, eps, z, s, given):
    kappa = s.sigma / s.alpha
    c_skip, c_out, _ = edm_scalings(xp, kappa, given["sigma_data"])
    return (x0 - c_skip * (z / s.alpha)) / c_out


EMITTED = {
    "eps": lambda xp, x0, eps, z, s, given: eps,
    "x0": lambda xp, x0, eps, z, s, given: x0,
    "v": lambda xp, x0, eps, z, s, given: s.alpha * eps - s.sigma * x0,
    "score": lambda xp, x0, eps, z, s, given: -eps / s.sigma,
    "flow": lambda xp, x0, eps, z, s, given: eps - x0,
    "reversed_flow": lambda xp, x0, eps, z, s, given: x0 - eps,
    "velocity": lambda xp, x0, eps, z, s, given: given["dalpha"] * x0 + given["dsigma"] * eps,
    "F": edm,
    "k_diffusion_v": lambda *arguments: -edm(*arguments),
    "z_minus_denoised": lambda xp, x0, eps, z, s, given: z - x0,
}
