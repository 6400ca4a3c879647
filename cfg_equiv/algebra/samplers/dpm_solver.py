r"""DPM-Solver of order 1 (noise form) and its SDE variant. :math:`h = \lambda_t - \lambda_s`.

References
----------
[Lu22] Lu et al., DPM-Solver, arXiv:2206.00927, eq. 3.7.
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095 (SDE-DPM-Solver-1), as diffusers' ``DPMSolverMultistepScheduler``
    computes it with ``algorithm_type="sde-dpmsolver"`` (contributed by the paper's first author).
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def dpm_solver_1(xp: Any, z: Any, eps: Any, s: Point, t: Point) -> Any:
    r""":math:`z' = \frac{\alpha_t}{\alpha_s} z - \sigma_t(e^h - 1)\,\epsilon` [Lu22, eq. 3.7]."""
    h = t.lam - s.lam
    return t.alpha / s.alpha * z - t.sigma * xp.expm1(h) * eps


def sde_dpm_solver_1(xp: Any, z: Any, eps: Any, s: Point, t: Point, noise: Any) -> Any:
    r""":math:`z' = \frac{\alpha_t}{\alpha_s} z - 2\sigma_t(e^h-1)\,\epsilon + \sigma_t\sqrt{e^{2h}-1}\,n` [Lu22b]."""
    h = t.lam - s.lam
    return t.alpha / s.alpha * z - 2 * (t.sigma * xp.expm1(h)) * eps + t.sigma * xp.sqrt(xp.expm1(2 * h)) * noise
