r"""SDE-DPM-Solver of order 2 in the noise form, as diffusers writes it.

With :math:`h = \lambda_t - \lambda_s`, :math:`D_1 = (\epsilon_0 - \epsilon_1)/r_0`, :math:`r_0 = h_{-1}/h`, and
:math:`n` unit noise; both add :math:`\sigma_t\sqrt{e^{2h}-1}\,n`. The step to :math:`\sigma_t = 0` has no limit with
``midpoint``, and is not the denoised latent with ``heun``.

References
----------
[Lu22b] Lu et al., DPM-Solver++, arXiv:2211.01095, SDE-DPM-Solver(2M).
[Diffusers] ``DPMSolverMultistepScheduler.multistep_dpm_solver_second_order_update`` with
    ``algorithm_type="sde-dpmsolver"``.
"""

from typing import Any, Literal

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver import sde_dpm_solver_1
from cfg_equiv.algebra.solvers.record import Past, Solver
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic, lift_noisy


def sde_dpm_solver_2m(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""``solver_type="midpoint"``.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - 2\sigma_t(e^h-1)\,\epsilon_0 - \sigma_t(e^h-1)\,D_1
             + \sigma_t\sqrt{e^{2h}-1}\,n
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r0 = (now.at.lam - before.at.lam) / h
    d1 = 1 / r0 * (now.pred - before.pred)
    grown = t.sigma * xp.expm1(h)
    return t.alpha / now.at.alpha * now.z - 2 * grown * now.pred - grown * d1 + _added(xp, t, h, noise)


def sde_dpm_solver_2m_heun(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise) -> Any:
    r"""``solver_type="heun"``.

    .. math::
        z' = \frac{\alpha_t}{\alpha_s} z - 2\sigma_t(e^h-1)\,\epsilon_0
             - 2\sigma_t\Bigl(\frac{e^h-1}{h}-1\Bigr)D_1 + \sigma_t\sqrt{e^{2h}-1}\,n
    """
    now, before = past[0], past[1]
    h = t.lam - now.at.lam
    r0 = (now.at.lam - before.at.lam) / h
    d1 = 1 / r0 * (now.pred - before.pred)
    grown = xp.expm1(h)
    z = t.alpha / now.at.alpha * now.z - 2 * (t.sigma * grown) * now.pred
    return z - 2 * (t.sigma * (grown / h - 1)) * d1 + _added(xp, t, h, noise)


def _added(xp: Any, t: Point, h: Any, noise: Noise) -> Any:
    r""":math:`\sigma_t\sqrt{e^{2h}-1}\,n`."""
    return t.sigma * xp.sqrt(xp.expm1(2 * h)) * noise()


_FIRST = lift_noisy(sde_dpm_solver_1)
_CLASS = "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver', solver_order=2"


def _entry(name: str, order: int, form: Any, ends: Literal["other", "none"], options: str = "") -> Stochastic:
    return Stochastic(
        Solver(
            name,
            "eps",
            (_FIRST, form),
            order=order,
            source=f"diffusers {_CLASS}{options})",
            ends=ends,
            aliases={"diffusers": f"{_CLASS}{options})"},
        )
    )


STOCHASTIC = (
    _entry("sde_dpm_solver_2m", 2, sde_dpm_solver_2m, "none"),
    _entry("sde_dpm_solver_2m_heun", 2, sde_dpm_solver_2m_heun, "other", ", solver_type='heun'"),
)
