r"""The linear multistep method on the VE path: the slopes as a polynomial in sigma, integrated over the step.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\kappa`. The slope
:math:`d = (x - D)/\sigma` is the noise prediction, so this is Adams-Bashforth on the grid as it is. Both libraries
integrate the Lagrange basis by adaptive quadrature with a relative error of ``1e-4`` asked for; the integrand is a
polynomial, and here it is integrated in closed form.

References
----------
[Crowson] k-diffusion, ``sampling.py``: ``linear_multistep_coeff``, ``sample_lms``; diffusers'
    ``LMSDiscreteScheduler``, ``get_lms_coefficient``. The order is theirs: the number of slopes, 4 by default.
"""

from typing import Any

from cfg_equiv.algebra.lagrange import lagrange_integrals
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def _linear_multistep(past: tuple[Past, ...], t: Point, order: int) -> Any:
    """``x + sum(coeff * d)`` over the last ``order`` slopes."""
    seen = past[:order]
    ds = [(one.z - one.pred) / one.at.sigma for one in seen]
    coeffs = lagrange_integrals([one.at.sigma for one in seen], t.sigma)
    return seen[0].z + sum(coeff * d for coeff, d in zip(coeffs, ds, strict=True))


def lms_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""Two slopes [Crowson].

    .. math::
        x' = x + \sum_{j<2} d_j\int_{\sigma_s}^{\sigma_t}\prod_{k\ne j}\frac{\tau-\sigma_k}{\sigma_j-\sigma_k}\,d\tau
    """
    return _linear_multistep(past, t, 2)


def lms_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The same with three slopes."""
    return _linear_multistep(past, t, 3)


def lms_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The same with four slopes."""
    return _linear_multistep(past, t, 4)


_FORMS = (lift(euler_ve), lms_2, lms_3, lms_4)

SOLVERS = tuple(
    Solver(
        f"lms_{order}",
        "x0",
        _FORMS[:order],
        order=order,
        source=f"k-diffusion sample_lms, order={order}",
        state="z/alpha",
        aliases={
            "diffusers": f"LMSDiscreteScheduler(order={order})",
            "k_diffusion": f"sample_lms(order={order})",
            "comfyui": f"lms (order={order})",
        },
    )
    for order in (2, 3, 4)
)
