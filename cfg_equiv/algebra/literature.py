r"""Conversions as their papers and libraries print them, typed independently of :mod:`cfg_equiv.algebra.convert`.

That they equal the one-line conversion is a theorem (P1, P2), not a definition. Each function states the path on which
it holds: a form that uses :math:`\alpha^2 + \sigma^2 = 1` is wrong elsewhere, and silently so.

References
----------
[Ho20] arXiv:2006.11239. [SH22] arXiv:2202.00512. [Karras22] arXiv:2206.00364. [Lipman22] arXiv:2210.02747.
[Efron11] Efron, Tweedie's Formula and Selection Bias, JASA 106(496), 1602-1614, 2011.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def x0_from_eps(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat x_0 = (z - \sigma\epsilon)/\alpha`; any path, alpha != 0 [Ho20, eq. 15]."""
    return (z - at.sigma * pred) / at.alpha


def eps_from_x0(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat\epsilon = (z - \alpha x_0)/\sigma`; any path, sigma != 0."""
    return (z - at.alpha * pred) / at.sigma


def x0_from_v_vp(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat x_0 = \alpha z - \sigma v`; VP only [SH22, section 4]."""
    return at.alpha * z - at.sigma * pred


def eps_from_v_vp(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat\epsilon = \sigma z + \alpha v`; VP only [SH22, appendix D]."""
    return at.sigma * z + at.alpha * pred


def x0_from_score(z: Any, pred: Any, at: Point) -> Any:
    r"""Tweedie: :math:`\hat x_0 = (z + \sigma^2 s)/\alpha`; any path, alpha != 0 [Efron11]."""
    return (z + at.sigma * at.sigma * pred) / at.alpha


def x0_from_flow(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat x_0 = z - \sigma u`; the flow path alpha = 1 - sigma only."""
    return z - at.sigma * pred


def eps_from_flow(z: Any, pred: Any, at: Point) -> Any:
    r""":math:`\hat\epsilon = z + (1-\sigma) u`; the flow path alpha = 1 - sigma only."""
    return z + (1 - at.sigma) * pred


def denoised_from_edm_f(xp: Any, x: Any, pred: Any, sigma: Any, sigma_data: Any) -> Any:
    r"""EDM preconditioning on the VE path: :math:`D = c_\mathrm{skip} x + c_\mathrm{out} F` [Karras22, eq. 7].

    ``pred`` is the raw network's output at :math:`c_\mathrm{in} x`; the coefficients are :func:`edm_scalings`.
    """
    c_skip, c_out, _ = edm_scalings(xp, sigma, sigma_data)
    return c_skip * x + c_out * pred


def edm_scalings(xp: Any, sigma: Any, sigma_data: Any) -> tuple[Any, Any, Any]:
    r""":math:`(c_\mathrm{skip}, c_\mathrm{out}, c_\mathrm{in})` of [Karras22, table 1].

    .. math::
        c_\mathrm{skip} = \frac{\sigma_d^2}{\sigma^2+\sigma_d^2},\quad
        c_\mathrm{out} = \frac{\sigma\,\sigma_d}{\sqrt{\sigma^2+\sigma_d^2}},\quad
        c_\mathrm{in} = \frac{1}{\sqrt{\sigma^2+\sigma_d^2}}
    """
    total = sigma * sigma + sigma_data * sigma_data
    root = xp.sqrt(total)
    return sigma_data * sigma_data / total, sigma * sigma_data / root, 1 / root


def velocity_from_x0(z: Any, pred: Any, at: Point, dalpha: Any, dsigma: Any) -> Any:
    r""":math:`\dot z = \frac{\dot\sigma}{\sigma} z + \frac{\dot\alpha\sigma - \dot\sigma\alpha}{\sigma} x_0`.

    Any path, sigma != 0 [Lipman22, eq. 8: the marginal field; flow_matching's ``AffineProbPath.target_to_velocity``].
    """
    return dsigma / at.sigma * z + (dalpha * at.sigma - dsigma * at.alpha) / at.sigma * pred


def velocity_from_eps(z: Any, pred: Any, at: Point, dalpha: Any, dsigma: Any) -> Any:
    r""":math:`\dot z = \frac{\dot\alpha}{\alpha} z + \frac{\dot\sigma\alpha - \dot\alpha\sigma}{\alpha}\epsilon`.

    Any path, alpha != 0 [flow_matching's ``AffineProbPath.epsilon_to_velocity``].
    """
    return dalpha / at.alpha * z + (dsigma * at.alpha - dalpha * at.sigma) / at.alpha * pred
