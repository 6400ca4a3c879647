r"""The gradient-estimation sampler: DDIM along an extrapolated noise, on the VE path.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\kappa`. With ``gamma = 2`` the noise
is extrapolated by a whole step; Adams-Bashforth would take half of one, so the order is that of DDIM.

References
----------
[PY24] Permenter, Yuan, arXiv:2306.04848, eq. 12, as the authors' ``GEScheduler`` and ComfyUI's
    ``sample_gradient_estimation`` with ``ge_gamma=2`` compute it; the latter ends on the denoised sample. The
    authors' clipping is off here.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def gradient_estimation(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`x' = x + d\,\Delta + (\gamma-1)(d - d_{-1})\,\Delta`, :math:`\gamma = 2` [PY24].

    Here :math:`d = (x - D)/\sigma` and :math:`\Delta = \sigma_t - \sigma_s`; the sum is the step along
    :math:`\gamma d + (1-\gamma)d_{-1}`.
    """
    ge_gamma = 2
    now, before = past[0], past[1]
    d = (now.z - now.pred) / now.at.sigma
    old_d = (before.z - before.pred) / before.at.sigma
    dt = t.sigma - now.at.sigma
    x = now.z + d * dt
    d_bar = (ge_gamma - 1) * (d - old_d)
    return x + d_bar * dt


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The last step: the denoised sample."""
    return past[0].pred


SOLVERS = (
    Solver(
        "gradient_estimation",
        "x0",
        (lift(euler_ve), gradient_estimation),
        order=1,
        source="ComfyUI sample_gradient_estimation, ge_gamma=2; arXiv:2306.04848 eq. 12",
        last=_denoised,
        state="z/alpha",
        aliases={"comfyui": "gradient_estimation", "gescheduler": "GEScheduler"},
    ),
)
