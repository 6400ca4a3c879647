r"""SDE-DPM-Solver++ as diffusers has it for CogVideoX.

With :math:`h = \lambda_t - \lambda_s`, :math:`r = h_{-1}/h`, :math:`m` the data predictions, newest first, and
:math:`n` unit noise. The second-order step draws a noise for the first-order one, whose result it drops, and another.

References
----------
[Diffusers] ``CogVideoXDPMScheduler``: ``get_variables``, ``get_mult``, ``step``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1, sde_dpm_solver_pp_1
from cfg_equiv.algebra.solvers.record import Past, Solver, lift
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic, lift_noisy


def cogvideox_dpm(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""``CogVideoXDPMScheduler.step`` with an earlier data prediction.

    .. math::
        D = \Bigl(1+\frac{1}{2r}\Bigr)m_0 - \frac{1}{2r}m_1,\qquad
        z' = \frac{\sigma_t}{\sigma_s}e^{-h} z - \alpha_t(e^{-2h}-1)\,D + \sigma_t\sqrt{1-e^{-2h}}\,n_2
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r = (now.at.lam - before.at.lam) / h
    _unused = noise()
    d = (1 + 1 / (2 * r)) * now.pred - 1 / (2 * r) * before.pred
    shrunk = xp.expm1(-2 * h)
    x_advanced = t.sigma / now.at.sigma * (1 + xp.expm1(-h)) * now.z - t.alpha * shrunk * d
    return x_advanced + t.sigma * xp.sqrt(-shrunk) * noise()


STOCHASTIC = (
    Stochastic(
        Solver(
            "cogvideox_dpm",
            "x0",
            (lift_noisy(sde_dpm_solver_pp_1), cogvideox_dpm),
            order=2,
            source="diffusers CogVideoXDPMScheduler",
            last=lift(dpm_solver_pp_1),
            aliases={"diffusers": "CogVideoXDPMScheduler"},
        )
    ),
)
