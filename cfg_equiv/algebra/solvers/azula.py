r"""Adams-Bashforth and exponential Adams-Bashforth in noise, flow velocity and data, as azula writes them.

Each integrates the probability-flow ODE in a variable ``u`` in which one prediction is the right-hand side, and puts
the polynomial through the last ``n`` predictions under the integral:

* ``zab``: :math:`\epsilon` in :math:`u = \kappa`, on the path scaled to :math:`\alpha = 1`;
* ``vab``: :math:`\epsilon - x_0` in :math:`u = \sigma/(\alpha+\sigma)`, on the path scaled to
  :math:`\alpha + \sigma = 1`;
* ``zeab``: :math:`\epsilon` in :math:`u = \log\kappa`, under the weight :math:`e^u`;
* ``xeab``: :math:`x_0` in :math:`u = \log\kappa`, under the weight :math:`e^{-u}`.

The scaling makes every one of them valid on any path. The library stops short of :math:`\sigma = 0`: the first three
have a limit there that is not the denoised latent, the last has none. The coefficients
:math:`c_i = \int_{u_s}^{u_t} \omega(u)\,\ell_i(u)\,du` solve a Vandermonde system, numerically in the library and in
closed form here (:mod:`cfg_equiv.algebra.moments`). ``past[0]`` is at ``s``.

References
----------
[Rozet] azula, ``sample.py``: ``zABSampler``, ``vABSampler``, ``zEABSampler``, ``xEABSampler``.
"""

from collections.abc import Callable
from functools import partial
from math import factorial
from typing import Any

from cfg_equiv.algebra.moments import quadrature_weights
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers.record import Past, Solver


def _integral(past: tuple[Past, ...], nodes: list[Any], moments: list[Any]) -> Any:
    """The integral of the interpolating polynomial of the predictions."""
    weighted = [c * one.pred for c, one in zip(quadrature_weights(nodes, moments), past, strict=True)]
    return sum(weighted[1:], weighted[0])


def _adams_bashforth(past: tuple[Past, ...], nodes: list[Any], end: Any) -> Any:
    r"""The moments are :math:`b_k = (u_t^{k+1} - u_s^{k+1})/(k+1)`."""
    moments, after, before = [], end, nodes[0]
    for k in range(len(nodes)):
        moments.append(after / (k + 1) - before / (k + 1))
        after, before = after * end, before * nodes[0]
    return _integral(past, nodes, moments)


def _antiderivative(xp: Any, u: Any, k: int, sign: int) -> Any:
    r"""The antiderivative of :math:`u^k e^{\pm u}`.

    .. math::
        \int e^u u^k\,du = (-1)^k\,k!\,e^u\sum_{j=0}^k \frac{(-u)^j}{j!},\qquad
        \int e^{-u} u^k\,du = -k!\,e^{-u}\sum_{j=0}^k \frac{u^j}{j!}
    """
    total, power = 1 + 0 * u, 1
    for j in range(1, k + 1):
        power = power * (-sign * u)
        total = total + power / factorial(j)
    return sign * (-sign) ** k * factorial(k) * ((1 + xp.expm1(sign * u)) * total)


def _exponential(xp: Any, past: tuple[Past, ...], t: Point, sign: int) -> Any:
    """The moments against the weight ``exp(sign*u)``, with ``u`` the negative half-log-SNR."""
    nodes, end = [-one.at.lam for one in past], -t.lam
    moments = [_antiderivative(xp, end, k, sign) - _antiderivative(xp, nodes[0], k, sign) for k in range(len(nodes))]
    return _integral(past, nodes, moments)


def zab(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`z' = \frac{\alpha_t}{\alpha_s}z + \alpha_t\sum_i\epsilon_i\int_{u_s}^{u_t}\ell_i(u)\,du`, in kappa."""
    now = past[0]
    nodes = [one.at.sigma / one.at.alpha for one in past]
    return t.alpha / now.at.alpha * now.z + t.alpha * _adams_bashforth(past, nodes, t.sigma / t.alpha)


def vab(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r"""The step in :math:`u = \sigma/(\alpha+\sigma)`, of :math:`v = \epsilon - x_0`.

    .. math::
        z' = \frac{\alpha_t+\sigma_t}{\alpha_s+\sigma_s}z
             + (\alpha_t+\sigma_t)\sum_i v_i\int_{u_s}^{u_t}\ell_i(u)\,du
    """
    now = past[0]
    nodes = [one.at.sigma / (one.at.alpha + one.at.sigma) for one in past]
    total = t.alpha + t.sigma
    return total / (now.at.alpha + now.at.sigma) * now.z + total * _adams_bashforth(past, nodes, t.sigma / total)


def zeab(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`z' = \frac{\alpha_t}{\alpha_s}z + \alpha_t\sum_i\epsilon_i\int_{u_s}^{u_t}e^u\,\ell_i(u)\,du`."""
    now = past[0]
    return t.alpha / now.at.alpha * now.z + t.alpha * _exponential(xp, past, t, 1)


def xeab(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    r""":math:`z' = \frac{\sigma_t}{\sigma_s}z - \sigma_t\sum_i x_{0,i}\int_{u_s}^{u_t}e^{-u}\,\ell_i(u)\,du`."""
    now = past[0]
    return t.sigma / now.at.sigma * now.z - t.sigma * _exponential(xp, past, t, -1)


def _newest(form: Callable[..., Any], n: int, xp: Any, past: tuple[Past, ...], t: Point) -> Any:
    """The form on the newest ``n`` outputs."""
    return form(xp, past[:n], t)


_FORMS: tuple[tuple[str, Callable[..., Any], str, str], ...] = (
    ("zab", zab, "eps", "zABSampler"),
    ("vab", vab, "flow", "vABSampler"),
    ("zeab", zeab, "eps", "zEABSampler"),
    ("xeab", xeab, "x0", "xEABSampler"),
)

SOLVERS = tuple(
    Solver(
        f"{name}_{order}",
        space,
        tuple(partial(_newest, form, n) for n in range(1, order + 1)),
        order=order,
        source=f"azula sample.py, {sampler}",
        aliases={"azula": f"{sampler}(order={order})"},
    )
    for name, form, space, sampler in _FORMS
    for order in (2, 3)
)
