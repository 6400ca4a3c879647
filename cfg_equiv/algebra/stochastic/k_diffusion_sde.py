r"""k-diffusion's multistep samplers of the SDE, DPM-Solver++(2M) SDE and (3M) SDE.

The state is :math:`x = z/\alpha` and the points are VE points: ``sigma`` is :math:`\kappa`,
:math:`h = \lambda_t - \lambda_s`, :math:`D` the denoised prediction and :math:`n` unit noise. ``eta`` >= 0 is how much
of the noise is drawn afresh: 0 is the ODE, 1 the SDE whose step is DPM-Solver++'s. All add
:math:`\sigma_t\sqrt{1-e^{-2\eta h}}\,n`, and to :math:`\sigma_t = 0` give :math:`D`.

References
----------
[Crowson] k-diffusion, ``sampling.py``: ``sample_dpmpp_2m_sde``, ``sample_dpmpp_3m_sde``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpmpp_sde_eta
from cfg_equiv.algebra.solvers.record import Past, Solver
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic, lift_noisy


def _added(xp: Any, t: Point, h: Any, noise: Noise, eta: Any) -> Any:
    r""":math:`\sigma_t\sqrt{1-e^{-2\eta h}}\,n`."""
    return noise() * t.sigma * xp.sqrt(-xp.expm1(-2 * (eta * h)))


def dpmpp_2m_sde(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise, eta: Any) -> Any:
    r"""``sample_dpmpp_2m_sde``, ``solver_type="midpoint"``, with :math:`r = h_{-1}/h`.

    .. math::
        x' = \frac{\sigma_t}{\sigma_s} e^{-\eta h} x + (1-e^{-h-\eta h})\,D
             + \frac12(1-e^{-h-\eta h})\,\frac1r\,(D - D_{-1}) + \sigma_t\sqrt{1-e^{-2\eta h}}\,n
    """
    now, before = past[0], past[1]
    h, h_last = t.lam - now.at.lam, now.at.lam - before.at.lam
    eta_h = eta * h
    rest = -xp.expm1(-h - eta_h)
    r = h_last / h
    x = t.sigma / now.at.sigma * (1 + xp.expm1(-eta_h)) * now.z + rest * now.pred
    x = x + rest / 2 * (1 / r) * (now.pred - before.pred)
    return x + _added(xp, t, h, noise, eta)


def dpmpp_2m_sde_heun(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise, eta: Any) -> Any:
    r"""``sample_dpmpp_2m_sde``, ``solver_type="heun"``.

    .. math::
        x' = \frac{\sigma_t}{\sigma_s} e^{-\eta h} x + (1-e^{-h-\eta h})\,D
             + \Bigl(\frac{1-e^{-h-\eta h}}{-h-\eta h}+1\Bigr)\frac1r\,(D - D_{-1}) + \sigma_t\sqrt{1-e^{-2\eta h}}\,n
    """
    now, before = past[0], past[1]
    h, h_last = t.lam - now.at.lam, now.at.lam - before.at.lam
    eta_h = eta * h
    rest = -xp.expm1(-h - eta_h)
    r = h_last / h
    x = t.sigma / now.at.sigma * (1 + xp.expm1(-eta_h)) * now.z + rest * now.pred
    x = x + (rest / (-h - eta_h) + 1) * (1 / r) * (now.pred - before.pred)
    return x + _added(xp, t, h, noise, eta)


def _two(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise, eta: Any) -> Any:
    r"""The second step of ``sample_dpmpp_3m_sde``, with :math:`h_\eta = (1+\eta)h`.

    .. math::
        x' = e^{-h_\eta} x + (1-e^{-h_\eta})\,D + \varphi_2\,\frac{D - D_{-1}}{r} + \sigma_t\sqrt{1-e^{-2\eta h}}\,n,
        \qquad \varphi_2 = \frac{e^{-h_\eta}-1}{h_\eta}+1
    """
    now, before = past[0], past[1]
    h, h_1 = t.lam - now.at.lam, now.at.lam - before.at.lam
    h_eta = h * (eta + 1)
    r = h_1 / h
    d = (now.pred - before.pred) / r
    phi_2 = xp.expm1(-h_eta) / h_eta + 1
    x = (1 + xp.expm1(-h_eta)) * now.z - xp.expm1(-h_eta) * now.pred + phi_2 * d
    return x + _added(xp, t, h, noise, eta)


def dpmpp_3m_sde(xp: Any, past: tuple[Past, ...], t: Point, *, noise: Noise, eta: Any) -> Any:
    r"""``sample_dpmpp_3m_sde``: its second difference has half the weight of a third-order step.

    .. math::
        D_{10} = \frac{D - D_{-1}}{r_0},\quad D_{11} = \frac{D_{-1} - D_{-2}}{r_1},\quad
        D_1 = D_{10} + (D_{10}-D_{11})\frac{r_0}{r_0+r_1},\quad D_2 = \frac{D_{10}-D_{11}}{r_0+r_1},

    .. math::
        x' = e^{-h_\eta} x + (1-e^{-h_\eta})\,D + \varphi_2 D_1 - \varphi_3 D_2 + \sigma_t\sqrt{1-e^{-2\eta h}}\,n,
        \qquad \varphi_3 = \frac{\varphi_2}{h_\eta}-\frac12
    """
    now, one, two = past[0], past[1], past[2]
    h, h_1, h_2 = t.lam - now.at.lam, now.at.lam - one.at.lam, one.at.lam - two.at.lam
    h_eta = h * (eta + 1)
    r0, r1 = h_1 / h, h_2 / h
    d1_0 = (now.pred - one.pred) / r0
    d1_1 = (one.pred - two.pred) / r1
    d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
    d2 = (d1_0 - d1_1) / (r0 + r1)
    phi_2 = xp.expm1(-h_eta) / h_eta + 1
    phi_3 = (2 * phi_2 / h_eta - 1) / 2
    x = (1 + xp.expm1(-h_eta)) * now.z - xp.expm1(-h_eta) * now.pred
    return x + phi_2 * d1 - phi_3 * d2 + _added(xp, t, h, noise, eta)


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The step to sigma = 0: :math:`x' = D`."""
    return past[0].pred


_FIRST = lift_noisy(dpmpp_sde_eta)


def _entry(name: str, order: int, *forms: Any, k_diffusion: str, comfyui: str) -> Stochastic:
    return Stochastic(
        Solver(
            name,
            "x0",
            (_FIRST, *forms),
            order=order,
            source=f"k-diffusion {k_diffusion}",
            last=_denoised,
            state="z/alpha",
            aliases={"k_diffusion": k_diffusion, "comfyui": comfyui},
        ),
        {"eta": 1},
    )


STOCHASTIC = (
    _entry("dpmpp_2m_sde", 2, dpmpp_2m_sde, k_diffusion="sample_dpmpp_2m_sde", comfyui="dpmpp_2m_sde"),
    _entry(
        "dpmpp_2m_sde_heun",
        2,
        dpmpp_2m_sde_heun,
        k_diffusion="sample_dpmpp_2m_sde(solver_type='heun')",
        comfyui="dpmpp_2m_sde_heun",
    ),
    _entry("dpmpp_3m_sde", 3, _two, dpmpp_3m_sde, k_diffusion="sample_dpmpp_3m_sde", comfyui="dpmpp_3m_sde"),
)
