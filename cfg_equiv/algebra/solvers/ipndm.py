r"""iPNDM: Adams-Bashforth in the noise with the coefficients of a uniform grid, started by lower orders.

Four sources print it: in the noise with DEIS's coefficients, in the noise with DDIM's transfer, from ``v`` on the VP
circle, and as slopes :math:`d = (x - D)/\sigma` of the VE state. The coefficients
:math:`(55, -59, 37, -9)/24` are those of a grid uniform in :math:`\kappa`, whatever the grid is: where the steps
have other ratios the order is 1, and 2 on smooth images of a uniform grid, since already the first difference has the
wrong weight.

References
----------
[ZC22] Zhang, Chen, DEIS, arXiv:2204.13902; the authors' code, qsh-zh/deis, ``th_deis/sampler.py``:
    ``get_sampler_ipndm``.
[Crowson] v-diffusion-pytorch, ``diffusion/sampling.py``: ``transfer``, ``iplms_step``.
[HF] diffusers, ``IPNDMScheduler``: reads ``v`` of a VP path.
[Comfy] ComfyUI, ``k_diffusion/sampling.py``: ``sample_ipndm``; zju-pi/diff-sampler, ``solvers.py``.
"""

from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.ddim import ddim_eps, ddim_v
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def _slopes(past: tuple[Past, ...]) -> list[Any]:
    """``d_cur`` and the buffer, newest first."""
    return [(one.z - one.pred) / one.at.sigma for one in past]


def ipndm_ve_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`x' = x + (\sigma_t-\sigma_s)(3d_0 - d_1)/2` [Comfy]."""
    d, now = _slopes(past), past[0]
    return now.z + (t.sigma - now.at.sigma) * (3 * d[0] - d[1]) / 2


def ipndm_ve_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`x' = x + (\sigma_t-\sigma_s)(23d_0 - 16d_1 + 5d_2)/12` [Comfy]."""
    d, now = _slopes(past), past[0]
    return now.z + (t.sigma - now.at.sigma) * (23 * d[0] - 16 * d[1] + 5 * d[2]) / 12


def ipndm_ve_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`x' = x + (\sigma_t-\sigma_s)(55d_0 - 59d_1 + 37d_2 - 9d_3)/24` [Comfy]."""
    d, now = _slopes(past), past[0]
    return now.z + (t.sigma - now.at.sigma) * (55 * d[0] - 59 * d[1] + 37 * d[2] - 9 * d[3]) / 24


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The last step: the denoised sample [Comfy]."""
    return past[0].pred


def _deis(past: tuple[Past, ...], t: Point, *ab: tuple[int, int]) -> Any:
    r""":math:`rz + (\sigma_t - r\sigma_s)\sum_j c_j\epsilon_j` with :math:`r = \alpha_t/\alpha_s`."""
    now = past[0]
    x_coef = t.alpha / now.at.alpha
    ddim_coef = t.sigma - t.alpha / now.at.alpha * now.at.sigma
    terms = [ddim_coef * top / bottom * one.pred for (top, bottom), one in zip(ab, past, strict=False)]
    return x_coef * now.z + sum(terms)


def ipndm_deis_1(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The coefficient 1 [ZC22, ``get_linear_ab_coef``]."""
    return _deis(past, t, (1, 1))


def ipndm_deis_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The coefficients 3/2, -1/2 [ZC22, ``get_linear_ab_coef``]."""
    return _deis(past, t, (3, 2), (-1, 2))


def ipndm_deis_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The coefficients 23/12, -16/12, 5/12 [ZC22, ``get_linear_ab_coef``]."""
    return _deis(past, t, (23, 12), (-16, 12), (5, 12))


def ipndm_deis_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The coefficients 55/24, -59/24, 37/24, -9/24 [ZC22, ``get_linear_ab_coef``]."""
    return _deis(past, t, (55, 24), (-59, 24), (37, 24), (-9, 24))


def _transfer(now: Past, eps: Any, t: Point) -> Any:
    """``pred = (x - eps*sigma)/alpha``, recombined at ``t`` [Crowson, ``transfer``; HF, ``_get_prev_sample``]."""
    pred = (now.z - eps * now.at.sigma) / now.at.alpha
    return pred * t.alpha + eps * t.sigma


def iplms_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`\tfrac32\epsilon_0 - \tfrac12\epsilon_1` [Crowson, ``iplms_step``]."""
    e = [one.pred for one in past]
    return _transfer(past[0], 3 * e[0] / 2 - e[1] / 2, t)


def iplms_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`\tfrac{23}{12}\epsilon_0 - \tfrac{16}{12}\epsilon_1 + \tfrac5{12}\epsilon_2`."""
    e = [one.pred for one in past]
    return _transfer(past[0], 23 * e[0] / 12 - 16 * e[1] / 12 + 5 * e[2] / 12, t)


def iplms_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(55\epsilon_0 - 59\epsilon_1 + 37\epsilon_2 - 9\epsilon_3)/24`, termwise [Crowson]."""
    e = [one.pred for one in past]
    return _transfer(past[0], 55 * e[0] / 24 - 59 * e[1] / 24 + 37 * e[2] / 24 - 9 * e[3] / 24, t)


def _noises(past: tuple[Past, ...]) -> list[Any]:
    r""":math:`\epsilon = \sigma z + \alpha v`, at the latent and the level of each call [HF]."""
    return [one.z * one.at.sigma + one.pred * one.at.alpha for one in past]


def ipndm_v_space_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(3\epsilon_0 - \epsilon_1)/2` [HF]."""
    e = _noises(past)
    return _transfer(past[0], (3 * e[0] - e[1]) / 2, t)


def ipndm_v_space_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(23\epsilon_0 - 16\epsilon_1 + 5\epsilon_2)/12` [HF]."""
    e = _noises(past)
    return _transfer(past[0], (23 * e[0] - 16 * e[1] + 5 * e[2]) / 12, t)


def ipndm_v_space_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The transfer of :math:`(55\epsilon_0 - 59\epsilon_1 + 37\epsilon_2 - 9\epsilon_3)/24` [HF]."""
    e = _noises(past)
    return _transfer(past[0], (55 * e[0] - 59 * e[1] + 37 * e[2] - 9 * e[3]) / 24, t)


_VE = (lift(euler_ve), ipndm_ve_2, ipndm_ve_3, ipndm_ve_4)

SOLVERS = (
    *(
        Solver(
            f"ipndm_ve_{order}",
            "x0",
            _VE[:order],
            order=order,
            source=f"ComfyUI sample_ipndm, max_order={order}",
            last=_denoised,
            state="z/alpha",
            aliases={"comfyui": f"ipndm (max_order={order})"},
        )
        for order in (2, 3, 4)
    ),
    Solver(
        "ipndm_deis",
        "eps",
        (ipndm_deis_1, ipndm_deis_2, ipndm_deis_3, ipndm_deis_4),
        order=4,
        source="qsh-zh/deis th_deis/sampler.py get_sampler_ipndm",
        aliases={"th_deis": "get_sampler(method='ipndm')"},
    ),
    Solver(
        "iplms",
        "eps",
        (lift(ddim_eps), iplms_2, iplms_3, iplms_4),
        order=4,
        source="v-diffusion-pytorch diffusion/sampling.py iplms_step",
        aliases={"v_diffusion": "iplms_sample"},
    ),
    Solver(
        "ipndm_v_space",
        "v",
        (lift(ddim_v), ipndm_v_space_2, ipndm_v_space_3, ipndm_v_space_4),
        order=4,
        source="diffusers IPNDMScheduler",
        path="vp",
        aliases={"diffusers": "IPNDMScheduler"},
    ),
)
