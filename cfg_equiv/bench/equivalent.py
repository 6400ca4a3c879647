"""The coefficients whose change changes no map, by file, function and statement, with the reason."""

_OF_KAPPA = "every update is homogeneous of degree 0 in kappa, a derivative of order n of degree -n: the factor cancels"
_NO_WEIGHT = "at r = 1/2, the default and the only one here, the first output has the weight 1 - 1/(2r) = 0"

EQUIVALENT: dict[str, str] = {
    "er_sde._kappa: return SCALED(at.sigma) / at.alpha": _OF_KAPPA,
    "er_sde._kappa: return at.sigma / SCALED(at.alpha)": _OF_KAPPA,
    **{
        f"{family}.dpmpp_sde: denoised_d = {term} + fac * denoised_2": _NO_WEIGHT
        for family in ("k_diffusion_dpmpp", "stochastic.k_diffusion_ancestral")
        for term in ("SCALED((1 - fac) * denoised)", "SCALED(1 - fac) * denoised", "(1 - fac) * SCALED(denoised)")
    },
    "unipc_vary._inverse: one = SCALED(1) + 0 * rks[0]": "the unit of the matrix and of what it is solved for: the "
    "factor cancels in the inverse",
}
