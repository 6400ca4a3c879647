r"""iPNDM_v: "the variable-step version of the Adams-Bashforth methods", as it was released.

The state is :math:`x = z/\alpha`, the points are VE points: ``sigma`` is :math:`\kappa`. With
:math:`h_0 = \sigma_t - \sigma_s` and :math:`h_1, h_2, h_3` the steps before, the variable-step weights are those of
:mod:`cfg_equiv.algebra.lagrange`. The released coefficients are those for two slopes only:

* three slopes: the weight of the second difference reads
  :math:`\tfrac12\bigl(1 - \tfrac{h_0}{3(h_0+h_1)}\cdot\tfrac{h_0(h_0+h_1)}{h_1(h_1+h_2)}\bigr)` where the method has
  :math:`\tfrac12\bigl(1 - \tfrac{h_0}{3(h_0+h_1)}\bigr)\tfrac{h_0(h_0+h_1)}{h_1(h_1+h_2)}`: equal on uniform grids;
* four slopes: the same; the weight of the third difference has a plus where the method has a minus (11/24 in place of
  9/24 on a uniform grid); and the last coefficient ends in :math:`h_1/h_2` where the method has :math:`h_2/h_3`, so
  that the coefficients add up to 1 only where these are equal, and elsewhere the step is not consistent.

References
----------
[Comfy] ComfyUI, ``k_diffusion/sampling.py``: ``sample_ipndm_v``, taken from zju-pi/diff-sampler,
    ``diff-solvers-main/solvers.py``: ``ipndm_v_sampler``. Both print the same coefficients.
"""

from itertools import pairwise
from typing import Any

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.karras import euler_ve
from cfg_equiv.algebra.solvers.record import Past, Solver, lift


def _slopes(past: tuple[Past, ...]) -> list[Any]:
    """``d_cur`` and the buffer, newest first."""
    return [(one.z - one.pred) / one.at.sigma for one in past]


def _steps(past: tuple[Past, ...], t: Point) -> list[Any]:
    """``h_n, h_n_1, ...``: the step and those before it, newest first; all are negative."""
    levels = [t.sigma, *(one.at.sigma for one in past)]
    return [after - before for after, before in pairwise(levels)]


def ipndm_v_2(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`x' = x + h_0(c_1 d_0 + c_2 d_1)`: :math:`c_1 = (2 + h_0/h_1)/2`, :math:`c_2 = -(h_0/h_1)/2` [Comfy]."""
    d = _slopes(past)
    h_n, h_n_1 = _steps(past[:2], t)
    coeff1 = (2 + h_n / h_n_1) / 2
    coeff2 = -(h_n / h_n_1) / 2
    return past[0].z + h_n * (coeff1 * d[0] + coeff2 * d[1])


def ipndm_v_3(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""With :math:`q = h_1/h_2`, as released [Comfy].

    .. math::
        T = \tfrac12\Bigl(1 - \tfrac{h_0}{3(h_0+h_1)}\cdot\tfrac{h_0(h_0+h_1)}{h_1(h_1+h_2)}\Bigr),\quad
        c_1 = \tfrac{2+h_0/h_1}{2} + T,\quad c_2 = -\tfrac{h_0/h_1}{2} - (1+q)T,\quad c_3 = qT
    """
    d = _slopes(past)
    h_n, h_n_1, h_n_2 = _steps(past[:3], t)
    temp = (1 - h_n / (3 * (h_n + h_n_1)) * (h_n * (h_n + h_n_1)) / (h_n_1 * (h_n_1 + h_n_2))) / 2
    coeff1 = (2 + h_n / h_n_1) / 2 + temp
    coeff2 = -(h_n / h_n_1) / 2 - (1 + h_n_1 / h_n_2) * temp
    coeff3 = temp * h_n_1 / h_n_2
    return past[0].z + h_n * (coeff1 * d[0] + coeff2 * d[1] + coeff3 * d[2])


def ipndm_v_4(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""With :math:`q = h_1/h_2`, :math:`p = \tfrac{h_1(h_1+h_2)}{h_2(h_2+h_3)}`, ``T`` as for three slopes [Comfy].

    .. math::
        T_2 = \Bigl(\tfrac12\bigl(1 - \tfrac{h_0}{3(h_0+h_1)}\bigr)
              + \bigl(1 - \tfrac{h_0}{2(h_0+h_1)}\bigr)\tfrac{h_0}{6(h_0+h_1+h_2)}\Bigr)
              \tfrac{h_0(h_0+h_1)(h_0+h_1+h_2)}{h_1(h_1+h_2)(h_1+h_2+h_3)}
    """
    d = _slopes(past)
    h_n, h_n_1, h_n_2, h_n_3 = _steps(past[:4], t)
    temp1 = (1 - h_n / (3 * (h_n + h_n_1)) * (h_n * (h_n + h_n_1)) / (h_n_1 * (h_n_1 + h_n_2))) / 2
    bracket = (1 - h_n / (3 * (h_n + h_n_1))) / 2
    bracket = bracket + (1 - h_n / (2 * (h_n + h_n_1))) * h_n / (6 * (h_n + h_n_1 + h_n_2))
    above = h_n * (h_n + h_n_1) * (h_n + h_n_1 + h_n_2)
    temp2 = bracket * above / (h_n_1 * (h_n_1 + h_n_2) * (h_n_1 + h_n_2 + h_n_3))
    q, p = h_n_1 / h_n_2, h_n_1 * (h_n_1 + h_n_2) / (h_n_2 * (h_n_2 + h_n_3))
    coeff1 = (2 + h_n / h_n_1) / 2 + temp1 + temp2
    coeff2 = -(h_n / h_n_1) / 2 - (1 + q) * temp1 - (1 + q + p) * temp2
    coeff3 = temp1 * h_n_1 / h_n_2 + (q + p * (1 + h_n_2 / h_n_3)) * temp2
    coeff4 = -temp2 * p * h_n_1 / h_n_2
    return past[0].z + h_n * (coeff1 * d[0] + coeff2 * d[1] + coeff3 * d[2] + coeff4 * d[3])


def _denoised(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The last step: the denoised sample."""
    return past[0].pred


_FORMS = (lift(euler_ve), ipndm_v_2, ipndm_v_3, ipndm_v_4)

SOLVERS = tuple(
    Solver(
        f"ipndm_v_{order}",
        "x0",
        _FORMS[:order],
        order=order,
        source=f"ComfyUI sample_ipndm_v, max_order={order}",
        last=_denoised,
        state="z/alpha",
        aliases={"comfyui": f"ipndm_v (max_order={order})"},
    )
    for order in (2, 3, 4)
)
